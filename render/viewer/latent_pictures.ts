/**
 * One latent's pictures: examples across its range, then all in rank order.
 * @module
 */
/// <reference lib="dom" />
import type { Context } from "./context.ts";
import { count, foreign, h, short } from "./dom.ts";
import { rangeExamples, shownRanks, spreadOver } from "./list_latents.ts";
import { PictureView } from "./picture_view.ts";
import type { Entries } from "./store.ts";

/** Examples across the range. */
const STEPS = 8;

/** What is written under a picture, and what a click on it opens. */
interface Caption {
  readonly rank: number;
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
    const title = data.sortBy === "sum" ? "By the sum over patches" : "Top pictures";
    this.element.replaceChildren(
      ...(across === undefined ? [] : [across]),
      h("div", { class: "row start heading" }, h("h2", {}, title), this.#summary),
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
    const list = h(
      "ol",
      { class: "grid small" },
      ...captions.map((caption) => {
        const [figure, view] = this.#figure(entries, caption);
        view.mark(caption.patch);
        this.#across.push(view);
        return figure;
      }),
    );
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

  #figure(entries: Entries, { rank, patch, first, value, more }: Caption): [HTMLElement, PictureView] {
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
        "aria-label": `Rank ${rank + 1}, ${label === "" ? `image ${image}` : label}, activation ${value}`,
        on: {
          click: (event: MouseEvent) =>
            go({ entry: rank + 1, patch: event.detail === 0 ? patch : view.patchAt(event) }, { push: true }),
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
