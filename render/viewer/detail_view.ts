/**
 * One picture, large: its patches one by one, and the latents that fire there.
 * @module
 */
/// <reference lib="dom" />
import type { Context, View } from "./context.ts";
import { foreign, h, short } from "./dom.ts";
import { PAGE_LATENTS } from "./format.ts";
import { shownRanks } from "./list_latents.ts";
import { patchValue, PictureView, sameLook } from "./picture_view.ts";
import type { ViewState } from "./state.ts";
import type { Entries } from "./store.ts";

/** Latents looked through for one picture; more would load too much. */
const MAX_LATENTS = 400;

/** The dialog with a picture. */
export class DetailView implements View {
  /** Its element. */
  readonly element: HTMLDialogElement;
  readonly #context: Context;
  readonly #stage = h("div", { class: "stage" });
  readonly #value = h("p", { class: "value", role: "status" });
  readonly #about = h("div", { class: "about" });
  readonly #others = h("div", { class: "others" });
  #view: PictureView | undefined;
  #entries: Entries | undefined;
  #shown = 0;

  /** Prepares it. */
  constructor(context: Context) {
    this.#context = context;
    const button = (text: string, label: string, click: () => void): HTMLElement =>
      h("button", { type: "button", "aria-label": label, on: { click } }, text);
    this.element = h(
      "dialog",
      { class: "detail", "aria-label": "Picture" },
      h(
        "div",
        { class: "row" },
        h(
          "div",
          { class: "row start" },
          button("←", "Previous picture", () => this.step(-1)),
          button("→", "Next picture", () => this.step(1)),
        ),
        button("✕", "Close", () => this.element.close()),
      ),
      h("div", { class: "columns" }, this.#stage, h("div", {}, this.#about, this.#value, this.#others)),
    );
    this.element.addEventListener("close", () => context.state.entry !== 0 && context.go({ entry: 0, patch: -1 }));
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
  }

  /** Shows the picture before or after this one. */
  step(by: 1 | -1): void {
    const { entry, repeats } = this.#context.state;
    const image = this.#entries?.image ?? [];
    if (entry < 0) {
      // Examples are shown from weak to strong.
      if (-entry + by >= 1 && -entry + by <= image.length) this.#context.go({ entry: entry - by, patch: -1 });
      return;
    }
    const ranks = shownRanks(image, repeats);
    // A rank that is not shown stands where its picture's best one does.
    const at = ranks.findIndex((rank) => rank === entry - 1 || image[rank] === image[entry - 1]);
    const next = ranks[at + by];
    if (at >= 0 && next !== undefined) this.#context.go({ entry: next + 1, patch: -1 });
  }

  /** Shows the state. */
  async update(before: ViewState | undefined): Promise<void> {
    const { state, store } = this.#context;
    if (state.latent === null || state.entry === 0) {
      this.#shown += 1;
      if (this.element.open) this.element.close();
      return;
    }
    if (before?.latent === state.latent && before.entry === state.entry && this.#view !== undefined) {
      if (!sameLook(before, state)) this.#view.paint();
      if (before.patch !== state.patch || !sameLook(before, state)) this.#patch();
      return;
    }
    const shown = ++this.#shown;
    const found = await store.entries(state.latent).catch(() => undefined);
    const entries = state.entry < 0 ? found?.examples : found;
    if (shown !== this.#shown || entries === undefined || Math.abs(state.entry) > entries.image.length) return;
    this.#entries = entries;
    const rank = Math.abs(state.entry) - 1;
    const picture = entries.pictures.get(entries.image[rank]);
    const label = picture === undefined ? "" : store.run.data.labels[picture.label];
    const view = new PictureView(this.#context, entries, rank, { hover: true, eager: true });
    this.#view = view;
    const { grid } = store.run.data;
    const surface = h(
      "div",
      {
        class: "surface",
        tabindex: grid === null ? undefined : "0",
        role: grid === null ? undefined : "application",
        "aria-label": grid === null
          ? undefined
          : `${
            label === "" ? "Picture" : label
          }: ${grid.rows} by ${grid.cols} patches. Arrow keys move from patch to patch.`,
        on: {
          click: (event: MouseEvent) => this.#context.go({ patch: view.patchAt(event) }),
          keydown: (event: KeyboardEvent) => this.#arrow(event),
        },
      },
      view.element,
    );
    this.#stage.replaceChildren(surface);
    this.#about.replaceChildren(
      h("h2", {}, foreign(label === "" ? `Image ${entries.image[rank]}` : label)),
      h(
        "p",
        { class: "muted small" },
        `Latent ${entries.latent}, ${this.#place(rank)}. Image ${
          entries.image[rank]
        }, ${picture?.width} × ${picture?.height} pixels. `,
        foreign(picture?.name ?? ""),
      ),
    );
    if (!this.element.open) this.element.showModal();
    if (grid !== null) surface.focus({ preventScroll: true });
    this.#patch();
  }

  /** Where the picture comes from, and its value. */
  #place(rank: number): string {
    const { state, store: { run } } = this.#context;
    const { image, value } = this.#entries!;
    if (state.entry > 0) {
      return `rank ${rank + 1} of ${image.length}, ${run.data.sortBy === "sum" ? "sum" : "activation"} ${
        short(value[rank])
      }`;
    }
    return `example ${rank + 1} of ${image.length} across its range, largest activation ${short(value[rank])}`;
  }

  #arrow(event: KeyboardEvent): void {
    const { grid } = this.#context.store.run.data;
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (grid === null || by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { patch } = this.#context.state;
    const start = this.#entries?.patch[Math.abs(this.#context.state.entry) - 1] ?? 0;
    if (patch < 0) return this.#context.go({ patch: start });
    const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(patch / grid.cols) + by[0]));
    const column = Math.min(grid.cols - 1, Math.max(0, patch % grid.cols + by[1]));
    this.#context.go({ patch: row * grid.cols + column });
  }

  async #patch(): Promise<void> {
    const { state, store, href } = this.#context;
    const [entries, view, patch] = [this.#entries!, this.#view!, state.patch];
    view.mark(patch);
    const grid = store.run.data.grid;
    this.#value.textContent = grid === null
      ? ""
      : patch < 0
      ? "Click a patch, or move with the arrow keys, to read its value and the latents that fire there."
      : `Patch ${patch}, ${view.describe(patch)}`;
    const shown = this.#shown;
    const image = entries.image[Math.abs(state.entry) - 1];
    const latents = (await store.latentsOf(image).catch(() => [])).slice(0, MAX_LATENTS);
    const found: { latent: number; entry: number; level: number; text: string; share: number }[] = [];
    const what = patch < 0 ? "Latents that show this picture" : "Latents that fire on this patch";
    if (latents.length > PAGE_LATENTS) {
      const looking = `Looking through ${latents.length} latents that have this picture…`;
      this.#others.replaceChildren(h("h3", {}, what), h("p", { class: "muted small" }, looking));
    }
    for (const latent of latents) {
      const all = await store.entries(latent).catch(() => undefined);
      if (shown !== this.#shown || state !== this.#context.state && this.#context.state.patch !== patch) return;
      const ranked = all?.image.indexOf(image) ?? -1;
      const other = ranked < 0 ? all?.examples : all;
      const rank = other?.image.indexOf(image) ?? -1;
      if (other === undefined || rank < 0) continue;
      const levels = other.levels.subarray(rank * store.run.patches, (rank + 1) * store.run.patches);
      const strongest = levels.reduce((a, b) => Math.max(a, b), 0);
      const at = patch >= 0 ? patch : strongest > 0 ? levels.indexOf(strongest) : other.patch[rank];
      const level = levels[at] ?? 0;
      const text = grid === null ? short(other.value[rank]) : patchValue(other, rank, at, levels);
      if (patch >= 0 && text === "0") continue;
      const largest = ranked < 0 ? other.upper : other.value[0];
      const share = grid === null ? other.value[rank] / (largest || 1) : level / 255;
      found.push({
        latent,
        entry: ranked < 0 ? -rank - 1 : rank + 1,
        level,
        share,
        text,
      });
    }
    found.sort((a, b) => b.share - a.share || a.latent - b.latent);
    this.#others.replaceChildren(
      h("h3", {}, what),
      h(
        "p",
        { class: "muted small" },
        `Among the ${store.run.chosen.length} chosen latents, where their heatmap was recorded. Bars: share of the latent's own largest value.`,
      ),
      found.length === 0 ? h("p", { class: "muted" }, "None") : h(
        "ol",
        { class: "fires" },
        ...found.map(({ latent, entry, text, share }) =>
          h(
            "li",
            { class: latent === entries.latent ? "self" : "" },
            h("a", { href: href({ latent, entry, patch }) }, `Latent ${latent}`),
            h(
              "span",
              { class: "track", "aria-hidden": "true" },
              h("span", { css: { width: `${Math.round(share * 100)}%` } }),
            ),
            h("span", {}, text),
          )
        ),
      ),
    );
  }
}
