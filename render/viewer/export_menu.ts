/**
 * A latent as a contact sheet (PNG) or a figure for a paper (SVG).
 *
 * A page opened from disk may show pictures but not read them: there the reader is asked, once, to choose the folder
 * `viewer/pictures`, which the browser then hands over. Nothing leaves the computer either way.
 * @module
 */
/// <reference lib="dom" />
import { colorAt } from "./color_maps.ts";
import { columnText } from "./columns.ts";
import type { Context } from "./context.ts";
import { download, h, short } from "./dom.ts";
import { alphaOf, paintHeat } from "./picture_view.ts";
import { type Box, patchBox, place, withinSquare } from "./place.ts";
import { type FigureItem, type FigureSection, figureSvg } from "./figure_svg.ts";
import { placeSections, type SheetPicture, sheetSections, shortened } from "./sheet_sections.ts";
import type { RangeKey } from "./state.ts";
import type { Entries, Picture } from "./store.ts";

/** A sheet's lengths in pixels, and the top pictures on it. */
const SHEET = { columns: 8, pictures: 64, cell: 168, caption: 34, gap: 8, head: 62, heading: 28, line: 16 };
/** Top pictures in a figure. */
const FIGURE = { columns: 8, pictures: 16 };
const MUTED = "#566170";

/** Files that the reader handed over, by their path below `viewer/pictures`. */
let handed: Map<string, File> | undefined;

/** The buttons. */
export function exportMenu(context: Context, entries: Entries): HTMLElement {
  const run = async (work: () => Promise<void>): Promise<void> => {
    try {
      if (location.protocol === "file:" && handed === undefined && !await askForFolder()) return;
      context.say("Drawing…");
      await work();
      context.say("Saved");
    } catch (error) {
      context.say(`Nothing was saved: ${(error as Error).message}`);
    }
  };
  return h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, "Export"),
    h(
      "div",
      {},
      h("button", { type: "button", on: { click: () => run(() => savePng(context, entries)) } }, "Contact sheet (PNG)"),
      h("button", { type: "button", on: { click: () => run(() => saveSvg(context, entries)) } }, "Figure (SVG)"),
      h("button", { type: "button", on: { click: () => print() } }, "Print or save as PDF"),
    ),
  );
}

/** Asks for the pictures' folder; the browser gives its files only then. */
function askForFolder(): Promise<boolean> {
  return new Promise((resolve) => {
    const input = h("input", { type: "file", webkitdirectory: true, id: "folder" });
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title" },
      h("h2", { id: "ask-title" }, "Choose the pictures' folder"),
      h(
        "p",
        {},
        "Browsers do not let a page opened from disk read the pictures beside it. Choose the folder ",
        h("code", {}, "viewer/pictures"),
        " next to this page once; nothing leaves this computer. ",
        "Or serve the folder with ",
        h("code", {}, "deno task serve"),
        ", where nothing is asked.",
      ),
      h("p", {}, h("label", { for: "folder" }, "Folder "), input),
      h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(handed !== undefined);
    });
    input.addEventListener("change", () => {
      const files = Array.from(input.files ?? []);
      handed = new Map(files.map((file) => [file.webkitRelativePath.split("/").slice(-2).join("/"), file]));
      dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

async function bytesOf(picture: Picture): Promise<Blob | undefined> {
  if (picture.src === "") return undefined;
  if (location.protocol !== "file:") {
    const response = await globalThis.fetch(picture.src);
    return response.ok ? await response.blob() : undefined;
  }
  return handed?.get(picture.src.split("/").slice(-2).join("/"));
}

function levelsOf(context: Context, { from, at }: SheetPicture): Uint8Array {
  const { patches } = context.store.run;
  return from.levels.subarray(at * patches, (at + 1) * patches);
}

async function savePng(context: Context, entries: Entries): Promise<void> {
  const { state, store } = context;
  const { grid } = store.run.data;
  const sections = sheetSections(entries, store.run, SHEET);
  const { width, height, placed } = placeSections(sections, SHEET);
  const sheet = h("canvas", { width: width + 2 * SHEET.gap, height: height + SHEET.gap });
  const pen = sheet.getContext("2d")!;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.translate(SHEET.gap, 0);
  const write = (
    text: string,
    at: { readonly x: number; readonly y: number },
    look: { readonly font: string; readonly color?: string; readonly room?: number },
  ): void => {
    const { font, color = "#1b2430", room = width } = look;
    Object.assign(pen, { font: `${font} system-ui, sans-serif`, fillStyle: color });
    pen.fillText(shortened(text, (some) => pen.measureText(some).width <= room), at.x, at.y);
  };
  write(`Latent ${entries.latent}`, { x: 0, y: 30 }, { font: "600 22px" });
  const { columns: numbers } = store.run;
  const facts = ["frequency", "mean", "top"].map((key) => numbers.get(key as RangeKey)!)
    .map((column) => `${column.name.toLowerCase()} ${columnText(column, entries.latent)}`);
  if (grid !== null) facts.push(`colours ${state.map}, up to ${short(entries.upper)}`);
  write(facts.join("   "), { x: 0, y: 49 }, { font: "12px", color: MUTED });
  const heat = grid === null ? undefined : h("canvas", { width: grid.cols, height: grid.rows });
  for (const { section, y, cell, corner } of placed) {
    if (section.title !== "") write(section.title, { x: 0, y: y + 18 }, { font: "600 15px" });
    for (const [i, line] of section.about.entries()) {
      write(line, { x: 0, y: y + 35 + i * SHEET.line }, { font: "12px", color: MUTED });
    }
    for (const picture of section.pictures) {
      const at = corner(picture);
      pen.save();
      pen.translate(at.x, at.y);
      await drawPicture(pen, context, picture, { cell, heat });
      pen.restore();
      const { caption, label } = captionOf(context, picture);
      write(caption, { x: at.x, y: at.y + cell + 14 }, { font: "600 12px", room: cell });
      write(label, { x: at.x, y: at.y + cell + 29 }, { font: "12px", room: cell });
    }
  }
  const png = await new Promise<Blob | null>((resolve) => sheet.toBlob(resolve, "image/png"));
  if (png === null) throw new Error("the browser could not draw the sheet");
  download(`latent-${entries.latent}.png`, png);
}

/** Draws a picture with its heatmap, frame and border at the pen's origin. */
async function drawPicture(
  pen: CanvasRenderingContext2D,
  context: Context,
  shown: SheetPicture,
  { cell, heat }: { readonly cell: number; readonly heat: HTMLCanvasElement | undefined },
): Promise<void> {
  const { state, store } = context;
  const { grid } = store.run.data;
  const picture = shown.from.pictures.get(shown.from.image[shown.at])!;
  const boxes = place(picture, picture.affine, state.whole);
  const blob = await bytesOf(picture);
  pen.beginPath();
  pen.rect(0, 0, cell, cell);
  pen.clip();
  pen.fillStyle = "#e8ebef";
  pen.fillRect(0, 0, cell, cell);
  const draw = (image: CanvasImageSource, box: Box): void =>
    pen.drawImage(image, box.x * cell, box.y * cell, box.width * cell, box.height * cell);
  if (blob !== undefined) {
    const bitmap = await createImageBitmap(blob);
    pen.imageSmoothingEnabled = true;
    draw(bitmap, boxes.picture);
    bitmap.close();
  }
  if (heat !== undefined) {
    paintHeat(heat, levelsOf(context, shown), state);
    pen.imageSmoothingEnabled = false;
    draw(heat, boxes.patches);
  }
  const outline = (box: Box, color: string, lineWidth: number): void => {
    Object.assign(pen, { strokeStyle: color, lineWidth });
    pen.strokeRect(box.x * cell, box.y * cell, box.width * cell, box.height * cell);
  };
  if (grid !== null && shown.patch >= 0) {
    const frame = withinSquare(patchBox(shown.patch, boxes.patches, grid), 2 / cell);
    outline(frame, "#000a", 4);
    outline(frame, "#fff", 2);
  }
  if (!shown.isRecorded) return;
  pen.setLineDash([7, 5]);
  outline(withinSquare({ x: 0, y: 0, width: 1, height: 1 }, 1.5 / cell), MUTED, 3);
}

function captionOf({ store }: Context, { from, at, caption }: SheetPicture): { caption: string; label: string } {
  const picture = from.pictures.get(from.image[at])!;
  return { caption, label: store.run.data.labels[picture.label] };
}

async function saveSvg(context: Context, entries: Entries): Promise<void> {
  const { state, store } = context;
  const { grid } = store.run.data;
  const sections: FigureSection[] = [];
  for (const section of sheetSections(entries, store.run, FIGURE)) {
    const items: FigureItem[] = [];
    for (const shown of section.pictures) {
      const picture = shown.from.pictures.get(shown.from.image[shown.at])!;
      const blob = await bytesOf(picture);
      const { caption, label } = captionOf(context, shown);
      items.push({
        href: blob === undefined ? "" : await dataUrl(blob),
        boxes: place(picture, picture.affine, state.whole),
        patches: Array.from(
          levelsOf(context, shown),
          (level, patch) => ({ patch, alpha: alphaOf(level, state), fill: colorAt(state.map, level) }),
        ).filter(({ alpha }) => alpha > 0),
        mark: shown.patch,
        isDashed: shown.isRecorded,
        column: shown.column,
        row: shown.row,
        value: caption,
        label,
      });
    }
    sections.push({ ...section, items });
  }
  download(
    `latent-${entries.latent}.svg`,
    new Blob([figureSvg(`Latent ${entries.latent}`, sections, grid)], { type: "image/svg+xml" }),
  );
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
