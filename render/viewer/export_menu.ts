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
import { place } from "./place.ts";
import { type FigureItem, figureSvg } from "./figure_svg.ts";
import type { RangeKey } from "./state.ts";
import type { Entries, Picture } from "./store.ts";

/** Pictures on a sheet. */
const SHEET = { columns: 8, head: 62, cell: 168, caption: 34, gap: 8, most: 64 };
/** Pictures in a figure. */
const FIGURE = 16;

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

/** Entries that are drawn: each picture once, best first. */
function shown(entries: Entries, most: number): number[] {
  const ranks = Array.from(entries.image.keys());
  return ranks.filter((rank) => entries.image.indexOf(entries.image[rank]) === rank).slice(0, most);
}

function levelsOf(context: Context, entries: Entries, rank: number): Uint8Array {
  const { patches } = context.store.run;
  return entries.levels.subarray(rank * patches, (rank + 1) * patches);
}

async function savePng(context: Context, entries: Entries): Promise<void> {
  const { state, store } = context;
  const { grid, labels } = store.run.data;
  const ranks = shown(entries, SHEET.most);
  const columns = Math.min(SHEET.columns, ranks.length);
  const rows = Math.ceil(ranks.length / columns);
  const sheet = h("canvas", {
    width: columns * (SHEET.cell + SHEET.gap) + SHEET.gap,
    height: SHEET.head + rows * (SHEET.cell + SHEET.caption + SHEET.gap) + SHEET.gap,
  });
  const pen = sheet.getContext("2d")!;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.fillStyle = "#1b2430";
  pen.font = "600 22px system-ui, sans-serif";
  const width = sheet.width - 2 * SHEET.gap;
  pen.fillText(`Latent ${entries.latent}`, SHEET.gap, 30, width);
  pen.fillStyle = "#566170";
  pen.font = "12px system-ui, sans-serif";
  const { columns: numbers } = store.run;
  const facts = ["frequency", "mean", "top"].map((key) => numbers.get(key as RangeKey)!)
    .map((column) => `${column.name.toLowerCase()} ${columnText(column, entries.latent)}`);
  pen.fillText([...facts, `colours ${state.map}, up to ${short(entries.upper)}`].join("   "), SHEET.gap, 49, width);
  const heat = grid === null ? undefined : h("canvas", { width: grid.cols, height: grid.rows });
  for (const [i, rank] of ranks.entries()) {
    const x = SHEET.gap + (i % columns) * (SHEET.cell + SHEET.gap);
    const y = SHEET.head + Math.floor(i / columns) * (SHEET.cell + SHEET.caption + SHEET.gap);
    const picture = entries.pictures.get(entries.image[rank])!;
    const boxes = place(picture, picture.affine, state.whole);
    const blob = await bytesOf(picture);
    pen.save();
    pen.beginPath();
    pen.rect(x, y, SHEET.cell, SHEET.cell);
    pen.clip();
    pen.fillStyle = "#e8ebef";
    pen.fillRect(x, y, SHEET.cell, SHEET.cell);
    const draw = (image: CanvasImageSource, box: { x: number; y: number; width: number; height: number }): void =>
      pen.drawImage(
        image,
        x + box.x * SHEET.cell,
        y + box.y * SHEET.cell,
        box.width * SHEET.cell,
        box.height * SHEET.cell,
      );
    if (blob !== undefined) {
      const bitmap = await createImageBitmap(blob);
      pen.imageSmoothingEnabled = true;
      draw(bitmap, boxes.picture);
      bitmap.close();
    }
    if (heat !== undefined) {
      paintHeat(heat, levelsOf(context, entries, rank), state);
      pen.imageSmoothingEnabled = false;
      draw(heat, boxes.patches);
    }
    pen.restore();
    pen.fillStyle = "#1b2430";
    pen.font = "600 12px system-ui, sans-serif";
    pen.fillText(`#${rank + 1}  ${short(entries.value[rank])}`, x, y + SHEET.cell + 14);
    pen.font = "12px system-ui, sans-serif";
    pen.fillText(labels[picture.label].slice(0, 60), x, y + SHEET.cell + 29, SHEET.cell);
  }
  const png = await new Promise<Blob | null>((resolve) => sheet.toBlob(resolve, "image/png"));
  if (png === null) throw new Error("the browser could not draw the sheet");
  download(`latent-${entries.latent}.png`, png);
}

async function saveSvg(context: Context, entries: Entries): Promise<void> {
  const { state, store } = context;
  const { labels, grid } = store.run.data;
  const items: FigureItem[] = [];
  for (const rank of shown(entries, FIGURE)) {
    const picture = entries.pictures.get(entries.image[rank])!;
    const boxes = place(picture, picture.affine, state.whole);
    const blob = await bytesOf(picture);
    const levels = levelsOf(context, entries, rank);
    const patches = Array.from(
      levels,
      (level, patch) => ({ patch, alpha: alphaOf(level, state), fill: colorAt(state.map, level) }),
    )
      .filter(({ alpha }) => alpha > 0);
    items.push({
      href: blob === undefined ? "" : await dataUrl(blob),
      boxes,
      patches,
      value: short(entries.value[rank]),
      label: labels[picture.label],
    });
  }
  download(
    `latent-${entries.latent}.svg`,
    new Blob([figureSvg(`Latent ${entries.latent}`, items, grid)], { type: "image/svg+xml" }),
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
