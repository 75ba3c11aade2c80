/**
 * One picture with its heatmap: an image, and over it a canvas with one pixel a patch.
 * @module
 */
/// <reference lib="dom" />
import { colorTable } from "./color_maps.ts";
import type { Context } from "./context.ts";
import { h, short } from "./dom.ts";
import { type Box, patchAt, patchBox, place } from "./place.ts";
import type { ViewState } from "./state.ts";
import type { Entries, Picture } from "./store.ts";

/** Settings that change how a picture looks. */
export type Look = Pick<ViewState, "opacity" | "threshold" | "map" | "lines" | "whole">;

/** Whether two states draw pictures alike. */
export function sameLook(a: Look, b: Look): boolean {
  return a.opacity === b.opacity && a.threshold === b.threshold && a.map === b.map && a.lines === b.lines &&
    a.whole === b.whole;
}

/** Opacity of a level: `opacity · v`, none below the threshold. */
export function alphaOf(level: number, look: Pick<Look, "opacity" | "threshold">): number {
  const v = level / 255;
  return level === 0 || v < look.threshold ? 0 : look.opacity * v;
}

/** Draws levels into a canvas of one pixel a patch. */
export function paintHeat(canvas: HTMLCanvasElement, levels: Uint8Array, look: Look): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const table = colorTable(look.map);
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (let patch = 0; patch < levels.length; patch++) {
    const level = levels[patch];
    for (let c = 0; c < 3; c++) pixels.data[patch * 4 + c] = table[level * 3 + c];
    pixels.data[patch * 4 + 3] = Math.round(255 * alphaOf(level, look));
  }
  context.putImageData(pixels, 0, 0);
}

function setBox(node: HTMLElement, { x, y, width, height }: Box): void {
  const values = { left: x, top: y, width, height };
  for (const [name, value] of Object.entries(values)) node.style.setProperty(name, `${value * 100}%`);
}

/** The one box beside the pointer that says what a patch holds. */
let tip: HTMLElement | undefined;

/** Shows the pointer's box, or hides it. */
export function showTip(text: string, at?: { x: number; y: number }): void {
  tip ??= document.body.appendChild(h("div", { class: "tip", "aria-hidden": "true" }));
  tip.hidden = text === "";
  tip.textContent = text;
  if (at === undefined || text === "") return;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(innerWidth - width - 4, at.x + 14))}px`;
  tip.style.top = `${at.y + 18 + height > innerHeight ? at.y - height - 10 : at.y + 18}px`;
}

/** A drawn picture. */
export class PictureView {
  /** The square. */
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #entries: Entries;
  readonly #rank: number;
  readonly #picture: Picture | undefined;
  #image: HTMLElement;
  #canvas: HTMLCanvasElement | undefined;
  #lines: HTMLElement | undefined;
  #mark: HTMLElement | undefined;
  #window: Box = { x: 0, y: 0, width: 1, height: 1 };
  #look: Look | undefined;

  /** Prepares entry `rank` (from 0); `hover` reads patches out beside the pointer. */
  constructor(context: Context, entries: Entries, rank: number, options: { hover?: boolean; eager?: boolean } = {}) {
    this.#context = context;
    this.#entries = entries;
    this.#rank = rank;
    this.#picture = entries.pictures.get(entries.image[rank]);
    const { grid } = context.store.run.data;
    const picture = this.#picture;
    const failed = picture === undefined || picture.src === "";
    this.#image = failed
      ? h("span", { class: "failed" }, `No picture: ${picture?.failed ?? "it was not stored"}`)
      : h("img", {
        src: picture.src,
        alt: "",
        decoding: "async",
        loading: options.eager ? "eager" : "lazy",
        draggable: "false",
      });
    if (!failed) {
      this.#image.addEventListener("error", () => {
        const note = h("span", { class: "failed" }, "The picture's file is missing");
        this.#image.replaceWith(note);
        this.#image = note;
      });
    }
    if (grid !== null && !failed) {
      this.#canvas = h("canvas", { width: grid.cols, height: grid.rows, class: "heat" });
      this.#lines = h("span", {
        class: "lines",
        css: { "--cols": String(grid.cols), "--rows": String(grid.rows) },
      });
    }
    this.element = h("span", { class: "pic" }, this.#image, this.#canvas, this.#lines);
    if (options.hover && this.#canvas !== undefined) {
      this.element.addEventListener("pointermove", (event) => this.#hover(event));
      this.element.addEventListener("pointerleave", () => showTip(""));
    }
    this.paint();
  }

  /** Levels of its patches. */
  get levels(): Uint8Array {
    const { patches } = this.#context.store.run;
    return this.#entries.levels.subarray(this.#rank * patches, (this.#rank + 1) * patches);
  }

  /** Draws it as the state says. */
  paint(): void {
    const { state, store } = this.#context;
    const look = state;
    if (this.#look !== undefined && sameLook(this.#look, look)) return;
    this.#look = look;
    const picture = this.#picture;
    if (picture === undefined || this.#canvas === undefined && store.run.data.grid !== null) return;
    const boxes = place(picture, picture.affine, look.whole);
    this.#window = boxes.patches;
    setBox(this.#image, boxes.picture);
    this.element.classList.toggle("whole", look.whole);
    if (this.#canvas === undefined) return;
    setBox(this.#canvas, boxes.patches);
    setBox(this.#lines!, boxes.patches);
    this.#lines!.classList.toggle("on", look.lines);
    paintHeat(this.#canvas, this.levels, look);
  }

  /** Marks a patch; −1 for none. */
  mark(patch: number): void {
    const { grid } = this.#context.store.run.data;
    if (grid === null || patch < 0 || patch >= grid.rows * grid.cols) {
      this.#mark?.remove();
      this.#mark = undefined;
      return;
    }
    this.#mark ??= this.element.appendChild(h("span", { class: "mark" }));
    setBox(this.#mark, patchBox(patch, this.#window, grid));
  }

  /** The patch under a pointer, −1 for none. */
  patchAt(event: MouseEvent): number {
    const { grid } = this.#context.store.run.data;
    const { left, top, width, height } = this.element.getBoundingClientRect();
    if (grid === null || width === 0) return -1;
    return patchAt({ x: (event.clientX - left) / width, y: (event.clientY - top) / height }, this.#window, grid);
  }

  /** What a patch holds, in words. */
  describe(patch: number): string {
    const { grid } = this.#context.store.run.data;
    if (grid === null || patch < 0) return "";
    const row = Math.floor(patch / grid.cols) + 1;
    return `row ${row}, column ${patch % grid.cols + 1}: ${patchValue(this.#entries, this.#rank, patch, this.levels)}`;
  }

  #hover(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    const text = this.describe(this.patchAt(event));
    showTip(text, { x: event.clientX, y: event.clientY });
  }
}

/**
 * A patch's value in words: exact for the ranked patch of a patch ranking and the strongest one of an example, else read off the
 * heatmap's 255 levels.
 */
export function patchValue(
  { upper, value, patch: strongest }: Pick<Entries, "upper" | "value" | "patch">,
  rank: number,
  patch: number,
  levels: Uint8Array,
): string {
  const read = upper * levels[patch] / 255;
  const exact = value[rank];
  // Also where it is so weak that its level is 0.
  const isKnown = patch === strongest[rank] && Math.abs(exact - read) <= upper / 510 * 1.001;
  if (isKnown) return short(exact);
  return read === 0 ? "0" : `≈ ${Number(read.toPrecision(3))}`;
}
