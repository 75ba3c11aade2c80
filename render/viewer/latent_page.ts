/**
 * One latent: its numbers, labels, note, and pictures.
 * @module
 */
/// <reference lib="dom" />
import type { Context, View } from "./context.ts";
import { h } from "./dom.ts";
import { exportMenu } from "./export_menu.ts";
import { histogramView } from "./histogram_view.ts";
import { labelsCard, numbersCard } from "./latent_about.ts";
import { star } from "./latent_list.ts";
import { LatentPictures } from "./latent_pictures.ts";
import { lookControls } from "./look_controls.ts";
import { sameLook } from "./picture_view.ts";
import type { ViewState } from "./state.ts";

/** A latent's page. */
export class LatentPage implements View {
  /** Its element. */
  readonly element = h("div", { class: "latentpage" });
  readonly #context: Context;
  /** Latents that the list shows, in order: what next and previous mean. */
  readonly #order: () => readonly number[];
  readonly #look: ReturnType<typeof lookControls>;
  readonly #pictures: LatentPictures;
  #built = 0;
  #isWaiting = false;

  /** Prepares it. */
  constructor(context: Context, order: () => readonly number[]) {
    this.#context = context;
    this.#order = order;
    this.#look = lookControls(context);
    this.#pictures = new LatentPictures(context);
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
    if (before?.latent !== state.latent || !this.element.hasChildNodes()) {
      this.rebuild();
      return;
    }
    if (before.repeats !== state.repeats) this.#pictures.rank();
    if (!sameLook(before, state)) this.#pictures.paint();
    if (before.size !== state.size) this.#size();
    if (before.spread !== state.spread) this.#pictures.fold();
  }

  /** Builds the page anew if something was not written yet. */
  retry(): void {
    if (this.#isWaiting && this.#context.state.latent !== null) this.rebuild();
  }

  /** Builds the page anew. */
  async rebuild(): Promise<void> {
    const { store, state } = this.#context;
    const latent = state.latent!;
    const built = ++this.#built;
    if (latent >= store.run.dSae) {
      this.element.replaceChildren(
        h("p", { class: "card empty" }, `There is no latent ${latent}; the last one is ${store.run.dSae - 1}.`),
      );
      return;
    }
    const histogram = h("div", { class: "histbox" });
    const labels = h("div", { class: "labelbox" });
    this.#pictures.element.replaceChildren(h("p", { class: "muted" }, "Loading…"));
    this.element.replaceChildren(
      this.#header(latent),
      h(
        "aside",
        { class: "side", "aria-label": "About the latent" },
        numbersCard(this.#context, latent),
        histogram,
        this.#note(latent),
        // Last, as their number is not known ahead.
        labels,
      ),
      h("div", { class: "results" }, this.#look.element, this.#pictures.element),
    );
    const [entries, bars] = await Promise.all([
      store.entries(latent).catch(() => null),
      store.histogram(latent),
    ]);
    if (built !== this.#built) return;
    this.#isWaiting = entries === null || bars === undefined && store.run.frequency[latent] > 0;
    histogram.replaceChildren(
      bars === undefined
        ? h(
          "p",
          { class: "card muted small" },
          store.run.frequency[latent] > 0 ? "No histogram is written, or not yet." : "It never fires.",
        )
        : h("section", { class: "card" }, h("h2", {}, "Activations"), histogramView(bars)),
    );
    if (entries === null) return this.#pictures.say("Its pictures are not written yet.");
    if (entries === undefined) {
      return this.#pictures.say(
        "It is not among the chosen latents, so its pictures were not stored. Render again with ",
        h("code", {}, `--include-latents ${latent}`),
        " to see them.",
      );
    }
    labels.replaceChildren(labelsCard(this.#context, entries));
    this.#pictures.show(entries);
    this.element.querySelector(".exports")!.replaceChildren(exportMenu(this.#context, entries));
    this.#size();
  }

  #header(latent: number): HTMLElement {
    const { href } = this.#context;
    const link = (step: 1 | -1): HTMLElement => {
      const to = this.neighbour(step);
      const word = h("span", { class: "word" }, step < 0 ? "Previous" : "Next");
      const text = step < 0 ? ["← ", word] : [word, " →"];
      const label = step < 0 ? "Previous latent" : "Next latent";
      return to === undefined ? h("span", { class: "button off", "aria-hidden": "true" }, ...text) : h(
        "a",
        {
          class: "button",
          href: href({ latent: to, entry: 0, patch: -1 }),
          rel: step < 0 ? "prev" : "next",
          "aria-label": label,
        },
        ...text,
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

  #size(): void {
    this.element.style.setProperty("--size", `${this.#context.state.size}px`);
  }
}
