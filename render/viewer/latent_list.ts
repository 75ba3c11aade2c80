/**
 * The overview's list of latents: cards with their best pictures, or a table.
 * @module
 */
/// <reference lib="dom" />
import { columnText } from "./columns.ts";
import type { Context } from "./context.ts";
import { h, percent, three } from "./dom.ts";
import { smallHistogram } from "./histogram_view.ts";
import { PictureView } from "./picture_view.ts";
import type { SortKey, ViewState } from "./state.ts";

/** Cards or rows added at a time. */
const STEP = { grid: 24, table: 100 } as const;
/** Columns beyond which the table scrolls sideways instead of keeping its header in sight. */
const MANY_COLUMNS = 8;
/** Pictures on a card. */
const THUMBS = 6;

/** A star that makes a latent a favourite. */
export function star(context: Context, latent: number): HTMLButtonElement {
  const button = h("button", { type: "button", class: "star" });
  const show = (): void => {
    const on = context.notes.isFavourite(latent);
    button.textContent = on ? "★" : "☆";
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("aria-label", `Favourite latent ${latent}`);
  };
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    context.notes.toggle(latent);
    show();
    context.noted();
  });
  show();
  return button;
}

/** A cell's class: those of the run's own columns share one. */
function classOf(key: SortKey): string {
  return key.startsWith("c.") ? "c-further" : `c-${key}`;
}

/** Shows latents, more of them as the reader scrolls. */
export class LatentList {
  /** Its element. */
  readonly element = h("div", { class: "list" });
  readonly #context: Context;
  readonly #more = h("button", { type: "button", class: "more" });
  readonly #watch: IntersectionObserver;
  readonly #fill: IntersectionObserver;
  readonly #pictures = new Set<PictureView>();
  #cards = new Map<Element, number>();
  #latents: readonly number[] = [];
  #shown = 0;
  #into: HTMLElement = this.element;
  #generation = 0;

  /** Prepares it. */
  constructor(context: Context) {
    this.#context = context;
    this.#more.addEventListener("click", () => this.#add());
    this.#watch = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) this.#add();
    }, { rootMargin: "600px" });
    this.#fill = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        this.#fill.unobserve(target);
        this.#thumbs(target as HTMLElement, this.#cards.get(target)!);
      }
    }, { rootMargin: "120px" });
  }

  /** Shows these latents from the start. */
  show(latents: readonly number[]): void {
    this.#latents = latents;
    this.#shown = 0;
    this.#generation += 1;
    this.#pictures.clear();
    this.#cards.clear();
    this.#fill.disconnect();
    this.#watch.disconnect();
    const { view } = this.#context.state;
    if (latents.length === 0) {
      this.element.replaceChildren(this.#empty());
      return;
    }
    this.#into = view === "table" ? h("tbody") : h("ul", { class: "cards" });
    this.element.classList.toggle("many", view === "table" && this.#context.store.run.columns.size > MANY_COLUMNS);
    const body = view === "table" ? this.#table(this.#into) : this.#into;
    this.element.replaceChildren(body, this.#more);
    this.#add();
    this.#watch.observe(this.#more);
  }

  /** What to do when nothing fits. */
  #empty(): HTMLElement {
    const { state, go, store } = this.#context;
    const step = (text: string, change: Partial<ViewState>): HTMLElement =>
      h("button", { type: "button", on: { click: () => go(change, { push: true }) } }, text);
    if (state.only === "favourites") {
      const plain = state.q === "" && Object.keys(state.ranges).length === 0;
      return h(
        "div",
        { class: "card empty" },
        h(
          "p",
          {},
          plain ? "No favourites yet. Press f on a latent, or its star, to keep it here." : "No favourite fits.",
        ),
        plain ? step("Look at the chosen latents", { only: "chosen" }) : step("Reset filters", { ranges: {}, q: "" }),
      );
    }
    return h(
      "div",
      { class: "card empty" },
      h("p", {}, "No latent fits the search and the filters."),
      step("Reset filters", { ranges: {}, q: "" }),
      state.only === "chosen" && step(`Look among all ${store.run.dSae}`, { only: "all" }),
    );
  }

  /** Asks again for pictures and histograms that were not written yet; what is there stays as it is. */
  retry(): void {
    for (const card of this.#cards.keys()) {
      if (card.querySelector(".wait, .plain:not(:has(.spark))") === null) continue;
      // Observers report what they are told of anew.
      this.#fill.unobserve(card);
      this.#fill.observe(card);
    }
  }

  /** Draws pictures again after their look changed. */
  repaint(): void {
    for (const picture of this.#pictures) picture.paint();
  }

  #add(): void {
    const { view } = this.#context.state;
    const next = this.#latents.slice(this.#shown, this.#shown + STEP[view]);
    this.#into.append(...next.map((latent) => view === "table" ? this.#row(latent) : this.#card(latent)));
    this.#shown += next.length;
    const left = this.#latents.length - this.#shown;
    this.#more.hidden = left <= 0;
    this.#more.textContent = `Show more (${left} left)`;
    // The button may still be in sight: observers only report changes.
    if (left > 0) {
      this.#watch.unobserve(this.#more);
      this.#watch.observe(this.#more);
    }
  }

  #card(latent: number): HTMLElement {
    const { store, href, state } = this.#context;
    const { run } = store;
    const labels = run.labelsOf(latent).join(", ");
    const has = run.position.has(latent);
    const thumbs = h("span", { class: has ? "thumbs" : "thumbs plain" });
    for (let i = 0; has && i < THUMBS; i++) thumbs.append(h("span", { class: "pic" }));
    const card = h(
      "li",
      { class: "card latent" },
      h(
        "a",
        {
          href: href({ latent, entry: 0, patch: -1 }),
          "aria-label": `Latent ${latent}${labels === "" ? "" : `: ${labels}`}`,
        },
        thumbs,
        h("span", { class: "id" }, String(latent)),
        h("bdi", { class: "small labels" }, labels),
        h(
          "span",
          { class: "muted small facts" },
          h("span", {}, `fires ${percent(run.frequency[latent])}`),
          h("span", {}, `mean ${three(run.mean[latent])}`),
        ),
      ),
      star(this.#context, latent),
      this.#context.notes.note(latent) !== "" && h("p", { class: "small note" }, this.#context.notes.note(latent)),
    );
    if (state.view === "grid") {
      this.#cards.set(card, latent);
      this.#fill.observe(card);
    }
    return card;
  }

  /** What a latent without pictures shows instead: how strongly it fires. */
  async #histogram(slots: Element, latent: number): Promise<void> {
    const { store } = this.#context;
    const generation = this.#generation;
    const found = await store.histogram(latent);
    if (generation !== this.#generation) return;
    const why = store.run.frequency[latent] > 0 ? "no pictures stored" : "never fires";
    slots.replaceChildren(...(found === undefined ? [] : [smallHistogram(found)]), h("span", { class: "muted" }, why));
  }

  async #thumbs(card: HTMLElement, latent: number): Promise<void> {
    const generation = this.#generation;
    const slots = card.querySelector(".thumbs")!;
    if (!this.#context.store.run.position.has(latent)) return this.#histogram(slots, latent);
    const entries = await this.#context.store.entries(latent).catch(() => undefined);
    if (generation !== this.#generation) return;
    if (entries === undefined) {
      slots.replaceChildren(h("span", { class: "muted small wait" }, "Not written yet"));
      return;
    }
    const seen = new Set<number>();
    const views: HTMLElement[] = [];
    for (let rank = 0; rank < entries.image.length && views.length < THUMBS; rank++) {
      if (seen.has(entries.image[rank])) continue;
      seen.add(entries.image[rank]);
      const view = new PictureView(this.#context, entries, rank, { eager: true });
      this.#pictures.add(view);
      views.push(view.element);
    }
    while (views.length < THUMBS) views.push(h("span", { class: "pic none" }));
    slots.replaceChildren(...views);
  }

  #table(body: HTMLElement): HTMLElement {
    const { state, store } = this.#context;
    const header = (
      key: SortKey,
      { name, about, unit }: { name: string; about: string; unit: string },
    ): HTMLElement => {
      const sorted = state.sort === key;
      return h(
        "th",
        {
          scope: "col",
          class: classOf(key),
          "aria-sort": sorted ? (state.down ? "descending" : "ascending") : undefined,
        },
        h(
          "button",
          {
            type: "button",
            title: unit === "" ? about : `${about}, in ${unit}`,
            on: { click: () => this.#context.go({ sort: key, down: sorted ? !state.down : key !== "latent" }) },
          },
          name,
          h("span", { "aria-hidden": "true", class: "arrow" }, sorted ? (state.down ? " ↓" : " ↑") : ""),
        ),
      );
    };
    return h(
      "table",
      { class: "card" },
      h("caption", { class: "sr" }, "Latents"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, h("span", { class: "sr" }, "Favourite")),
          header("latent", { name: "Latent", about: "Number of the latent", unit: "" }),
          ...[...store.run.columns].map(([key, column]) => header(key, column)),
          h("th", { scope: "col", class: "c-labels" }, "Most common labels"),
        ),
      ),
      body,
    );
  }

  #row(latent: number): HTMLElement {
    const { store, href, notes } = this.#context;
    const { run } = store;
    const note = notes.note(latent);
    const cell = (key: string, ...text: (string | Node | false)[]): HTMLElement =>
      h("td", { class: `c-${key}` }, ...text);
    return h(
      "tr",
      { class: run.position.has(latent) ? "has" : "" },
      cell("star", star(this.#context, latent)),
      h(
        "th",
        { scope: "row", class: "c-latent" },
        h("a", { href: href({ latent, entry: 0, patch: -1 }) }, String(latent)),
      ),
      ...[...run.columns.values()].map((column) => h("td", { class: classOf(column.key) }, columnText(column, latent))),
      cell(
        "labels",
        h("bdi", {}, run.labelsOf(latent).join(", ")),
        note !== "" && h("span", { class: "note small" }, note),
      ),
    );
  }
}
