/**
 * The overview: all latents as a scatter, filters, and the list of those that fit.
 * @module
 */
/// <reference lib="dom" />
import type { Context, View } from "./context.ts";
import { count, download, foreign, h } from "./dom.ts";
import { LatentList } from "./latent_list.ts";
import { listLatents } from "./list_latents.ts";
import { sameLook } from "./picture_view.ts";
import { ScatterView } from "./scatter_view.ts";
import type { RangeKey, SortKey, ViewState } from "./state.ts";

const SORT_NAMES: Readonly<Partial<Record<SortKey, string>>> = { given: "as chosen", latent: "number" };

/** The overview. */
export class Overview implements View {
  /** Its element. */
  readonly element: HTMLElement;
  /** Latents that fit, in order. */
  latents: readonly number[] = [];
  readonly #context: Context;
  readonly #list: LatentList;
  readonly #scatter: ScatterView;
  readonly #shown = h("p", { class: "muted shown", role: "status" });
  readonly #progress = h("p", { class: "muted shown" });
  readonly #sync: (() => void)[] = [];
  #scroll = 0;

  /** Prepares it. */
  constructor(context: Context) {
    this.#context = context;
    this.#list = new LatentList(context);
    this.#scatter = new ScatterView(context);
    this.element = h(
      "div",
      { class: "overview" },
      h(
        "aside",
        { class: "side", "aria-label": "Filters" },
        this.#scatter.element,
        this.#fold(this.#filters(), this.#notes(), this.#about()),
      ),
      h("div", { class: "results" }, h("h2", { class: "sr" }, "Latents"), this.#tools(), this.#list.element),
    );
  }

  /** Open on wide screens; on narrow ones the latents come first. */
  #fold(...parts: HTMLElement[]): HTMLElement {
    const wide = matchMedia("(min-width: 1001px)");
    const fold: HTMLDetailsElement = h(
      "details",
      { class: "fold" },
      h("summary", {}, "Filters, notes, this run"),
      h("div", { class: "side" }, ...parts),
    );
    fold.open = wide.matches;
    wide.addEventListener("change", () => fold.open = wide.matches);
    return fold;
  }

  /** Shows the state. */
  update(before: ViewState | undefined): void {
    const { state } = this.#context;
    for (const sync of this.#sync) sync();
    if (state.latent !== null) {
      if (before?.latent === null) this.#scroll = scrollY;
      return;
    }
    const keys = ["q", "only", "sort", "down", "view", "ranges"] as const;
    const same = before !== undefined && this.latents.length > 0 &&
      keys.every((key) => JSON.stringify(before[key]) === JSON.stringify(state[key]));
    if (!same) this.refresh();
    else if (!sameLook(before, state)) this.#list.repaint();
    this.#scatter.update();
    if (same && before.latent !== null) requestAnimationFrame(() => scrollTo(0, this.#scroll));
  }

  /** Lists anew, after notes or data have changed. */
  refresh(): void {
    const { store, notes, state } = this.#context;
    this.latents = listLatents(store.run, notes, state);
    this.#list.show(this.latents);
    this.#scatter.setListed(this.latents);
    const of = state.only === "all"
      ? store.run.dSae
      : state.only === "chosen"
      ? store.run.chosen.length
      : notes.favourites;
    this.#shown.textContent = `${count(this.latents.length)} of ${count(of)}`;
  }

  /** Asks again for what was not written yet. */
  retry(): void {
    this.#list.retry();
  }

  /** Says how far a build that goes on has come; empty when it is done. */
  progress(text: string): void {
    this.#progress.textContent = text;
  }

  #choice<T extends string>(
    name: string,
    options: readonly (readonly [T, string])[],
    key: "view" | "only",
  ): HTMLElement {
    const buttons = options.map(([value, text]) => {
      const button = h("button", {
        type: "button",
        on: { click: () => this.#context.go({ [key]: value }, { push: true }) },
      }, text);
      this.#sync.push(() => button.setAttribute("aria-pressed", String(this.#context.state[key] === value)));
      return button;
    });
    return h("div", { class: "choice", role: "group", "aria-label": name }, ...buttons);
  }

  #tools(): HTMLElement {
    const context = this.#context;
    const sort = h(
      "select",
      { on: { change: () => context.go({ sort: sort.value as SortKey, down: sort.value !== "latent" }) } },
      ...(["given", "latent"] as const).map((key) => h("option", { value: key }, SORT_NAMES[key]!)),
      ...[...context.store.run.columns].map(([key, { name }]) => h("option", { value: key }, name.toLowerCase())),
    );
    const way = h("button", {
      type: "button",
      class: "quiet way",
      on: { click: () => context.go({ down: !context.state.down }) },
    });
    this.#sync.push(() => {
      sort.value = context.state.sort;
      way.hidden = context.state.sort === "given";
      way.textContent = context.state.down ? "↓" : "↑";
      way.setAttribute("aria-label", context.state.down ? "Largest first" : "Least first");
    });
    return h(
      "div",
      { class: "tools" },
      this.#choice("Which latents", [["chosen", "Chosen"], ["all", "All"], ["favourites", "★ Favourites"]], "only"),
      h("label", {}, h("span", { class: "muted" }, "Order"), sort),
      way,
      this.#shown,
      this.#progress,
      this.#choice("Show as", [["grid", "Grid"], ["table", "Table"]], "view"),
    );
  }

  #filters(): HTMLElement {
    const context = this.#context;
    const rows = [...context.store.run.columns].map(([key, { name, unit, log, about }]) => {
      const title = `${log ? "log₁₀ " : ""}${log ? name.toLowerCase() : name}${unit === "" ? "" : ` (${unit})`}`;
      const bound = (side: 0 | 1): HTMLInputElement => {
        const input = h("input", {
          type: "number",
          step: "any",
          inputmode: "decimal",
          placeholder: side === 0 ? "min" : "max",
          "aria-label": `${title}, ${side === 0 ? "at least" : "at most"}`,
          on: { change: () => this.#bound(key, side, input.value) },
        });
        this.#sync.push(() => {
          const value = context.state.ranges[key]?.[side];
          input.value = value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(3)));
        });
        return input;
      };
      return h("div", { class: "range", title: about }, h("span", {}, title), bound(0), bound(1));
    });
    const { freqRange, valueRange } = context.store.run.data;
    return h(
      "section",
      { class: "card filters", "aria-labelledby": "filters-title" },
      h(
        "div",
        { class: "row" },
        h("h2", { id: "filters-title" }, "Filters"),
        h("button", {
          type: "button",
          class: "quiet",
          title: "The range latents were chosen from",
          on: { click: () => context.go({ ranges: { frequency: freqRange, mean: valueRange } }, { push: true }) },
        }, "Selection"),
        h("button", {
          type: "button",
          class: "quiet",
          on: { click: () => context.go({ ranges: {}, q: "" }, { push: true }) },
        }, "Reset"),
      ),
      ...rows,
    );
  }

  #bound(key: RangeKey, side: 0 | 1, text: string): void {
    const range = [...(this.#context.state.ranges[key] ?? [-Infinity, Infinity])] as [number, number];
    range[side] = text.trim() === "" || !Number.isFinite(Number(text))
      ? (side === 0 ? -Infinity : Infinity)
      : Number(text);
    const { [key]: _, ...rest } = this.#context.state.ranges;
    const open = range[0] === -Infinity && range[1] === Infinity;
    this.#context.go({ ranges: open ? rest : { ...rest, [key]: range } });
  }

  #notes(): HTMLElement {
    const { notes, say, noted } = this.#context;
    const file = h("input", {
      type: "file",
      accept: "application/json,.json",
      class: "sr",
      tabindex: "-1",
      "aria-label": "Notes file",
    });
    file.addEventListener("change", async () => {
      try {
        const found = notes.merge(await file.files![0].text());
        say(`Took in notes on ${found} latents`);
        noted();
      } catch (error) {
        say(`Nothing was taken in: ${(error as Error).message}`);
      }
      file.value = "";
    });
    return h(
      "section",
      { class: "card", "aria-labelledby": "notes-title" },
      h("h2", { id: "notes-title" }, "Notes and favourites"),
      h("p", { class: "muted small" }, "Kept in this browser only. Save them to a file to share or back up."),
      h(
        "div",
        { class: "row start" },
        h("button", {
          type: "button",
          on: { click: () => download("saev-notes.json", new Blob([notes.toJson()], { type: "application/json" })) },
        }, "Export"),
        h("button", { type: "button", on: { click: () => file.click() } }, "Import"),
        file,
      ),
    );
  }

  #about(): HTMLElement {
    const { data } = this.#context.store.run;
    return h(
      "section",
      { class: "card", "aria-labelledby": "run-title" },
      h("h2", { id: "run-title" }, "This run"),
      h(
        "dl",
        { class: "facts" },
        ...data.summary.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, foreign(value)))),
      ),
      ...data.plots.map(({ src, caption }) =>
        h(
          "figure",
          { class: "plot" },
          h("a", { href: src }, plotImage(src, caption)),
          h("figcaption", { class: "muted small" }, caption),
        )
      ),
    );
  }
}

/** A plot; while a run goes on it may not be drawn yet: then there is none until the page is opened again. */
function plotImage(src: string, caption: string): HTMLImageElement {
  const image = h("img", { src, alt: caption, loading: "lazy" });
  image.addEventListener("error", () => {
    const figure = image.closest("figure");
    if (figure !== null) figure.hidden = true;
  });
  return image;
}
