/**
 * One latent's pictures: examples across its range, then all in rank order.
 * @module
 */
/// <reference lib="dom" />
import type { Context } from "./context.ts";
import { count, foreign, h, short } from "./dom.ts";
import { rangeExamples, shownRanks, spreadOver } from "./list_latents.ts";
import { PictureView } from "./picture_view.ts";
import { partName, rangeRow, rangeValue, sampleName } from "./range_row.ts";
import { rankingTitle } from "./sheet_sections.ts";
import type { Entries, Examples } from "./store.ts";

/** Examples across the range. */
const STEPS = 8;

/** What is written under a picture, and what a click on it opens. */
interface Caption {
  readonly rank: number;
  /** What the button is called ahead of label and value; its rank when not given. */
  readonly name?: string;
  /** Patch to mark; −1 for none. */
  readonly patch: number;
  readonly first: string;
  readonly value: string;
  readonly more?: string;
}

/** The pictures of one latent. */
export class LatentPictures {
  /** Its element. */
  readonly element = h("div", { class: "pictures" });
  readonly #context: Context;
  readonly #top = h("ol", { class: "grid" });
  readonly #summary = h("span", { class: "muted small" });
  #entries: Entries | undefined;
  #across: PictureView[] = [];
  #ranked: PictureView[] = [];
  #fold: HTMLDetailsElement | undefined;

  /** Prepares it. */
  constructor(context: Context) {
    this.#context = context;
  }

  /** Says why there are no pictures, or not yet. */
  say(...what: (string | Node)[]): void {
    this.#across = this.#ranked = [];
    this.#fold = undefined;
    this.element.replaceChildren(h("p", { class: "card empty" }, ...what));
  }

  /** Shows a latent's entries. */
  show(entries: Entries): void {
    this.#entries = entries;
    this.#across = this.#ranked = [];
    this.#fold = undefined;
    if (entries.image.length === 0) return this.say("No picture activates this latent.");
    const { data } = this.#context.store.run;
    const across = this.#acrossRange(entries);
    this.element.replaceChildren(
      ...(across === undefined ? [] : [across]),
      h("div", { class: "row start heading" }, h("h2", {}, rankingTitle(data)), this.#summary),
      this.#top,
    );
    this.rank();
    this.fold();
  }

  /** Shows them in rank order, with or without repeats. */
  rank(): void {
    const entries = this.#entries;
    if (entries === undefined) return;
    const { repeats } = this.#context.state;
    const ranks = shownRanks(entries.image, repeats);
    const distinct = repeats ? new Set(entries.image).size : ranks.length;
    const n = entries.image.length;
    this.#summary.textContent = distinct === n
      ? `${count(n)}`
      : `${count(distinct)} of them at ${count(n)} ranks${repeats ? "" : ", each shown once"}`;
    this.#ranked = [];
    this.#top.replaceChildren(...ranks.map((rank) => {
      const others = repeats ? [] : ranksOf(entries, entries.image[rank]).slice(1);
      const [figure, view] = this.#figure(entries, {
        rank,
        patch: -1,
        first: `#${rank + 1}`,
        value: short(entries.value[rank]),
        ...(others.length > 0
          ? { more: `also #${others.slice(0, 3).join(", ")}${others.length > 3 ? " …" : ""}` }
          : {}),
      });
      if (repeats && this.#context.store.run.data.sortBy === "patch") view.mark(entries.patch[rank]);
      this.#ranked.push(view);
      return figure;
    }));
  }

  /** Draws them again after their look changed. */
  paint(): void {
    for (const view of [...this.#across, ...this.#ranked]) view.paint();
  }

  /** Opens or closes the examples across the range. */
  fold(): void {
    if (this.#fold !== undefined) this.#fold.open = this.#context.state.spread;
  }

  #acrossRange(entries: Entries): HTMLElement | undefined {
    const { run } = this.#context.store;
    if (entries.examples !== undefined) return this.#examples(entries, entries.examples);
    const { patches } = run;
    const n = entries.image.length;
    let captions: Caption[];
    let about: string;
    if (patches > 0) {
      const ranks = shownRanks(entries.image, false);
      captions = rangeExamples(entries.levels, { patches, ranks, steps: STEPS }).map(({ rank, patch, level }) => ({
        rank,
        patch,
        first: "",
        value: `≈ ${Number((entries.upper * level / 255).toPrecision(3))}`,
      }));
      about = `A patch from each eighth of the range up to ${short(entries.upper)}, framed, of the pictures below. ` +
        "Weaker ones are those of pictures that also have a strong one.";
    } else {
      captions = n <= STEPS ? [] : spreadOver(entries.value, STEPS).map((rank) => ({
        rank,
        patch: -1,
        first: `#${rank + 1}`,
        value: short(entries.value[rank]),
      }));
      about = `Even steps from ${short(entries.value[0])} to ${short(entries.value[n - 1])}, among the ${n} recorded ` +
        "pictures, which are the latent's strongest.";
    }
    if (captions.length < 2) return undefined;
    if (run.data.examples !== undefined) {
      about += ` None of the ${count(run.data.examples.sampled)} images that were sampled activates it.`;
    }
    const list = h("ol", { class: "grid small" }, ...captions.map((caption) => this.#acrossFigure(entries, caption)));
    return this.#spread(about, list);
  }

  /** Sampled pictures from weak to strong, a column for each part of the range. */
  #examples(entries: Entries, examples: Examples): HTMLElement {
    const { run } = this.#context.store;
    const { sampled, intervals: parts } = run.data.examples!;
    const items = rangeRow(entries, examples, { patches: run.patches, parts });
    const rows = new Map<number, number>();
    const figures = items.map((item) => {
      const { part, isRecorded, at, patch } = item;
      const value = rangeValue(item, run.patches);
      const where = `part ${part} of ${parts} of the range`;
      const figure = isRecorded
        ? this.#acrossFigure(entries, {
          ...{ rank: at, patch, first: "" },
          name: `Rank ${at + 1}, for ${where}`,
          value,
          more: `from #${at + 1}`,
        })
        : this.#acrossFigure(examples, {
          ...{ rank: at, patch, first: "" },
          name: `Example of ${where}`,
          value,
        });
      if (isRecorded) figure.classList.add("recorded");
      const row = (rows.get(part) ?? 0) + 1;
      rows.set(part, row);
      for (const [name, number] of [["--part", part], ["--row", row]]) {
        figure.style.setProperty(String(name), String(number));
      }
      return figure;
    });
    const what = run.patches > 0 ? "pictures whose strongest patch, framed, lies in it" : "pictures with such a value";
    const about =
      `For each ${partName(parts)} of the range up to ${short(examples.upper)}: ${what}, chosen at random from ` +
      `${sampleName(sampled, run.data.images)}.` +
      (items.some(({ isRecorded }) => isRecorded)
        ? ` Where those have none, a ${run.patches > 0 ? "patch" : "picture"} of the ranking stands in, dashed.`
        : "");
    const list = h(
      "ol",
      { class: "grid small parts", "aria-label": "From weak to strong", css: { "--parts": String(parts) } },
      ...figures,
    );
    return this.#spread(about, list);
  }

  #acrossFigure(entries: Entries, caption: Caption): HTMLElement {
    const [figure, view] = this.#figure(entries, caption);
    view.mark(caption.patch);
    this.#across.push(view);
    return figure;
  }

  /** What can be folded away. */
  #spread(about: string, list: HTMLElement): HTMLElement {
    const fold = h(
      "details",
      { class: "spread" },
      h("summary", {}, h("h2", {}, "Across the range")),
      h("p", { class: "muted small" }, about),
      list,
    );
    fold.addEventListener(
      "toggle",
      () => fold.open !== this.#context.state.spread && this.#context.go({ spread: fold.open }),
    );
    return this.#fold = fold;
  }

  #figure(entries: Entries, caption: Caption): [HTMLElement, PictureView] {
    const { rank, patch, first, value, more, name = `Rank ${rank + 1}` } = caption;
    const isExample = entries !== this.#entries;
    const { go, store } = this.#context;
    const image = entries.image[rank];
    const picture = entries.pictures.get(image);
    const label = picture === undefined ? "" : store.run.data.labels[picture.label];
    const view = new PictureView(this.#context, entries, rank, { hover: true });
    const button = h(
      "button",
      {
        type: "button",
        class: "open",
        "aria-label": `${name}, ${label === "" ? `image ${image}` : label}, activation ${value}`,
        on: {
          click: (event: MouseEvent) =>
            go({ entry: isExample ? -rank - 1 : rank + 1, patch: event.detail === 0 ? patch : view.patchAt(event) }, {
              push: true,
            }),
        },
      },
      view.element,
    );
    const figure = h(
      "li",
      {},
      h(
        "figure",
        {},
        button,
        h(
          "figcaption",
          { title: `${picture?.name ?? ""}\nimage ${image}` },
          h("span", { class: "line" }, first !== "" && h("span", { class: "muted" }, first), h("b", {}, value)),
          label !== "" && foreign(label, { class: "label" }),
          more !== undefined && h("span", { class: "muted label" }, more),
        ),
      ),
    );
    return [figure, view];
  }
}

/** Ranks of an image, from 1. */
function ranksOf({ image }: Entries, of: number): number[] {
  return Array.from(image.keys()).filter((rank) => image[rank] === of).map((rank) => rank + 1);
}
