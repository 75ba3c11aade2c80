/**
 * One latent: its numbers, labels, note, and pictures.
 * @module
 */
/// <reference lib="dom" />
import { columnText } from "./columns.ts";
import type { Context, View } from "./context.ts";
import { count, foreign, h, percent, short } from "./dom.ts";
import { exportMenu } from "./export_menu.ts";
import { histogramView } from "./histogram_view.ts";
import { star } from "./latent_list.ts";
import { labelShares, spreadOver } from "./list_latents.ts";
import { lookControls } from "./look_controls.ts";
import { PictureView, sameLook } from "./picture_view.ts";
import type { ViewState } from "./state.ts";
import type { Entries } from "./store.ts";

/** Examples across the range. */
const SPREAD = 8;
/** Labels listed before the rest is folded. */
const LABELS = 8;

/** A latent's page. */
export class LatentPage implements View {
  /** Its element. */
  readonly element = h("div", { class: "latentpage" });
  readonly #context: Context;
  /** Latents that the list shows, in order: what next and previous mean. */
  readonly #order: () => readonly number[];
  readonly #look: ReturnType<typeof lookControls>;
  #pictures: PictureView[] = [];
  #built = 0;

  /** Prepares it. */
  constructor(context: Context, order: () => readonly number[]) {
    this.#context = context;
    this.#order = order;
    this.#look = lookControls(context);
  }

  /** The neighbour in the list, or undefined at its ends. */
  neighbour(step: 1 | -1): number | undefined {
    const order = this.#order();
    const at = order.indexOf(this.#context.state.latent!);
    return at < 0 ? (step > 0 ? order[0] : undefined) : order[at + step];
  }

  /** Shows the state. */
  update(before: ViewState | undefined): void {
    const { state } = this.#context;
    if (state.latent === null) return;
    this.#look.sync();
    if (before?.latent !== state.latent || before.spread !== state.spread && !this.element.hasChildNodes()) {
      this.rebuild();
      return;
    }
    if (!sameLook(before, state)) { for (const picture of this.#pictures) picture.paint(); }
    if (before.size !== state.size) this.#size();
    if (before.spread !== state.spread) this.#fold();
  }

  /** Builds the page anew. */
  async rebuild(): Promise<void> {
    const { store, state } = this.#context;
    const latent = state.latent!;
    const built = ++this.#built;
    this.#pictures = [];
    if (latent >= store.run.dSae) {
      this.element.replaceChildren(
        h("p", { class: "card empty" }, `There is no latent ${latent}; the last one is ${store.run.dSae - 1}.`),
      );
      return;
    }
    const histogram = h("div", { class: "histbox" });
    const labels = h("div", { class: "labelbox" });
    const pictures = h("div", { class: "pictures" }, h("p", { class: "muted" }, "Loading…"));
    this.element.replaceChildren(
      this.#header(latent),
      h(
        "aside",
        { class: "side", "aria-label": "About the latent" },
        this.#facts(latent),
        histogram,
        labels,
        this.#note(latent),
      ),
      h("div", { class: "results" }, h("div", { class: "card lookbox" }, this.#look.element), pictures),
    );
    const [entries, bars] = await Promise.all([
      store.entries(latent).catch(() => null),
      store.histogram(latent),
    ]);
    if (built !== this.#built) return;
    histogram.replaceChildren(
      bars === undefined
        ? h(
          "p",
          { class: "card muted small" },
          store.run.frequency[latent] > 0 ? "No histogram was written." : "It never fires.",
        )
        : h("section", { class: "card" }, h("h2", {}, "Activations"), histogramView(bars)),
    );
    if (entries === null || entries === undefined) {
      const why = entries === null
        ? "Its pictures are not written yet."
        : "It is not among the chosen latents, so its pictures were not stored. Name it with --include-latents to see them.";
      pictures.replaceChildren(h("p", { class: "card empty" }, why));
      return;
    }
    labels.replaceChildren(this.#labels(entries));
    pictures.replaceChildren(...this.#sections(entries));
    this.element.querySelector(".exports")!.replaceChildren(exportMenu(this.#context, entries));
    this.#size();
    this.#fold();
  }

  #header(latent: number): HTMLElement {
    const { href } = this.#context;
    const link = (step: 1 | -1): HTMLElement => {
      const to = this.neighbour(step);
      const text = step < 0 ? "← Previous" : "Next →";
      return to === undefined ? h("span", { class: "button off" }, text) : h(
        "a",
        { class: "button", href: href({ latent: to, entry: 0, patch: -1 }), rel: step < 0 ? "prev" : "next" },
        text,
      );
    };
    return h(
      "div",
      { class: "latenthead" },
      h("a", { class: "button back", href: href({ latent: null, entry: 0, patch: -1 }) }, "All latents"),
      link(-1),
      link(1),
      h("h2", {}, `Latent ${latent}`),
      star(this.#context, latent),
      h("span", { class: "exports" }),
    );
  }

  #facts(latent: number): HTMLElement {
    const { run } = this.#context.store;
    const { data } = run;
    const fact = (name: string, value: string, about?: string): HTMLElement =>
      h("div", { title: about }, h("dt", {}, name), h("dd", {}, value));
    const log = (value: number): string => value > 0 ? Math.log10(value).toFixed(2).replace("-", "−") : "–";
    return h(
      "section",
      { class: "card" },
      h("h2", { class: "sr" }, "Numbers"),
      h(
        "dl",
        { class: "facts two" },
        fact("fires on", `${percent(run.frequency[latent])} of ${count(data.rows)} rows`),
        fact("log₁₀ firing rate", log(run.frequency[latent])),
        fact("mean activation", short(run.mean[latent])),
        fact("log₁₀ mean", log(run.mean[latent])),
        ...[...run.columns.values()].filter(({ key }) => key !== "frequency" && key !== "mean").map((column) =>
          fact(column.name, columnText(column, latent, { unit: true }), column.about)
        ),
      ),
    );
  }

  #labels(entries: Entries): HTMLElement {
    const { run } = this.#context.store;
    const distinct = [...new Set(entries.image)];
    const shares = labelShares(
      distinct.map((image) => entries.pictures.get(image)!.label),
      run.labelTotals,
      run.data.images,
    );
    const row = ({ label, count, lift }: typeof shares[number]): HTMLElement =>
      h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          h("bdi", {}, run.data.labels[label] === "" ? "(no label)" : run.data.labels[label]),
          h("span", { class: "share", css: { width: `${count / shares[0].count * 100}%` }, "aria-hidden": "true" }),
        ),
        h("td", {}, `${count}`),
        h(
          "td",
          { class: lift >= 2 ? "strong" : "" },
          Number.isFinite(lift) ? `${lift >= 10 ? Math.round(lift) : lift.toFixed(1)}×` : "–",
        ),
      );
    const table = (rows: typeof shares): HTMLElement =>
      h(
        "table",
        { class: "labels" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Label"),
            h("th", { scope: "col" }, "Pictures"),
            h("th", { scope: "col", title: "Share here over the share in the data set" }, "Lift"),
          ),
        ),
        h("tbody", {}, ...rows.map(row)),
      );
    return h(
      "section",
      { class: "card" },
      h("h2", {}, "Labels"),
      table(shares.slice(0, LABELS)),
      shares.length > LABELS &&
        h("details", {}, h("summary", {}, `${shares.length - LABELS} more`), table(shares.slice(LABELS))),
    );
  }

  #note(latent: number): HTMLElement {
    const { notes, noted } = this.#context;
    const area = h("textarea", { id: "note", rows: 3, placeholder: "What does it stand for?", maxlength: 10000 });
    area.value = notes.note(latent);
    area.addEventListener("input", () => {
      notes.write(latent, area.value);
      noted();
    });
    return h("section", { class: "card" }, h("h2", {}, h("label", { for: "note" }, "Note")), area);
  }

  #sections(entries: Entries): HTMLElement[] {
    const { run } = this.#context.store;
    const n = entries.image.length;
    if (n === 0) return [h("p", { class: "card empty" }, "No picture activates this latent.")];
    const parts: HTMLElement[] = [];
    if (n > SPREAD) {
      const list = h(
        "ol",
        { class: "grid small" },
        ...spreadOver(entries.value, SPREAD).map((rank) => this.#figure(entries, rank)),
      );
      const fold: HTMLDetailsElement = h(
        "details",
        { class: "spread" },
        h("summary", {}, h("h2", {}, "Across the recorded range")),
        h(
          "p",
          { class: "muted small" },
          `Even steps from ${short(entries.value[0])} to ${
            short(entries.value[n - 1])
          }: among the ${n} recorded entries, which are the latent's strongest.`,
        ),
        list,
      );
      fold.addEventListener(
        "toggle",
        () => fold.open !== this.#context.state.spread && this.#context.go({ spread: fold.open }),
      );
      parts.push(fold);
    }
    parts.push(
      h("h2", {}, run.data.sortBy === "sum" ? "By the sum over patches" : "Top pictures"),
      h("ol", { class: "grid" }, ...Array.from({ length: n }, (_, rank) => this.#figure(entries, rank))),
    );
    return parts;
  }

  #figure(entries: Entries, rank: number): HTMLElement {
    const { go, store } = this.#context;
    const picture = entries.pictures.get(entries.image[rank]);
    const label = picture === undefined ? "" : store.run.data.labels[picture.label];
    const view = new PictureView(this.#context, entries, rank, { hover: true });
    this.#pictures.push(view);
    const value = short(entries.value[rank]);
    const button = h(
      "button",
      {
        type: "button",
        class: "open",
        "aria-label": `Rank ${rank + 1}, ${label === "" ? `image ${entries.image[rank]}` : label}, activation ${value}`,
        on: {
          click: (event: MouseEvent) =>
            go({ entry: rank + 1, patch: event.detail === 0 ? -1 : view.patchAt(event) }, { push: true }),
        },
      },
      view.element,
    );
    return h(
      "li",
      {},
      h(
        "figure",
        {},
        button,
        h(
          "figcaption",
          { title: `${picture?.name ?? ""}\nimage ${entries.image[rank]}` },
          h("span", { class: "line" }, h("span", { class: "muted" }, `#${rank + 1}`), h("b", {}, value)),
          label !== "" && foreign(label, { class: "label" }),
        ),
      ),
    );
  }

  #size(): void {
    this.element.style.setProperty("--size", `${this.#context.state.size}px`);
  }

  #fold(): void {
    const fold = this.element.querySelector<HTMLDetailsElement>("details.spread");
    if (fold !== null) fold.open = this.#context.state.spread;
  }
}
