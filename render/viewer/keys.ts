/**
 * The keyboard, and the dialog that explains it.
 * @module
 */
/// <reference lib="dom" />
import type { Context } from "./context.ts";
import type { DetailView } from "./detail_view.ts";
import { h } from "./dom.ts";
import type { LatentPage } from "./latent_page.ts";
import { COLOR_MAPS } from "./state.ts";

const KEYS: readonly (readonly [keys: string, about: string])[] = [
  ["→ or j", "next latent; in the list, j goes to the next one, and in an open picture to the next picture"],
  ["← or k", "previous, in the same way"],
  ["f", "favourite, or no longer"],
  ["n", "write a note"],
  ["u or Esc", "back to all latents"],
  ["/", "search"],
  ["v", "grid or table"],
  ["g", "patch borders"],
  ["w", "whole picture"],
  ["r", "a picture at each of its ranks"],
  ["c", "next colour map"],
  ["+ and −", "opacity"],
  ["[ and ]", "threshold"],
  ["arrows", "in an open picture: from patch to patch"],
  ["?", "this help"],
];
const OFF_KEY = "saev-viewer-keys-off";

/** The help, and whether single keys are listened to. */
export interface Help {
  /** The dialog. */
  readonly element: HTMLDialogElement;
  /** Whether shortcuts are on. */
  readonly on: () => boolean;
}

/** Makes the help dialog; its choice about shortcuts is kept. */
export function helpDialog(storage: Storage | undefined): Help {
  const on = h("input", { type: "checkbox" });
  on.checked = storage?.getItem(OFF_KEY) !== "1";
  on.addEventListener("change", () => {
    try {
      storage?.setItem(OFF_KEY, on.checked ? "0" : "1");
    } catch {
      // Holds for this page then.
    }
  });
  const element = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    h(
      "div",
      { class: "row" },
      h("h2", { id: "help-title" }, "Keyboard"),
      h("button", { type: "button", "aria-label": "Close", on: { click: () => element.close() } }, "✕"),
    ),
    h(
      "dl",
      { class: "keys" },
      ...KEYS.map(([keys, about]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, about))),
    ),
    h("p", {}, h("label", {}, on, " Listen to single keys")),
    h(
      "p",
      { class: "muted small" },
      "Colour on a picture shows where the latent fires: its strongest patch is drawn at full opacity, others in proportion. The address always holds what you see, so it can be sent to somebody with the same files.",
    ),
  );
  element.addEventListener("click", (event) => event.target === element && element.close());
  return { element, on: () => on.checked };
}

/** Listens to the keyboard. */
export function listenToKeys(
  context: Context,
  parts: { page: LatentPage; detail: DetailView; search: HTMLInputElement; help: Help },
): void {
  const { page, detail, search, help } = parts;
  document.addEventListener("keydown", (event: KeyboardEvent) => {
    if (!help.on() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    const typing = target.closest("textarea, select, input:not([type=checkbox]):not([type=range])") !== null;
    if (typing || target.closest("input[type=range]") !== null && event.key.startsWith("Arrow")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const { state } = context;
    const open = detail.element.open;
    if (help.element.open || document.querySelector("dialog.ask") !== null) return;
    const latentStep = (step: 1 | -1): void => {
      if (open) return detail.step(step);
      if (state.latent === null) return focusStep(step);
      const to = page.neighbour(step);
      if (to !== undefined) context.go({ latent: to, entry: 0, patch: -1 }, { push: true });
    };
    const round = (value: number): number => Math.min(1, Math.max(0, Math.round(value * 100) / 100));
    const actions: Record<string, () => void> = {
      "j": () => latentStep(1),
      "k": () => latentStep(-1),
      "ArrowRight": () => latentStep(1),
      "ArrowLeft": () => latentStep(-1),
      "f": () => {
        const around = state.latent === null ? document.activeElement?.closest(".latent, tr") : page.element;
        around?.querySelector<HTMLElement>(".star")?.click();
      },
      "n": () => page.element.querySelector<HTMLElement>("#note")?.focus(),
      "u": () => context.go({ latent: null, entry: 0, patch: -1 }, { push: true }),
      "/": () => search.focus(),
      "v": () => context.go({ view: state.view === "grid" ? "table" : "grid" }, { push: true }),
      "g": () => context.go({ lines: !state.lines }),
      "w": () => context.go({ whole: !state.whole }),
      "r": () => context.go({ repeats: !state.repeats }),
      "c": () => context.go({ map: COLOR_MAPS[(COLOR_MAPS.indexOf(state.map) + 1) % COLOR_MAPS.length] }),
      "+": () => context.go({ opacity: round(state.opacity + 0.1) }),
      "-": () => context.go({ opacity: round(state.opacity - 0.1) }),
      "]": () => context.go({ threshold: round(state.threshold + 0.05) }),
      "[": () => context.go({ threshold: round(state.threshold - 0.05) }),
      "?": () => help.element.showModal(),
    };
    // The browser closes an open picture by itself.
    if (!open) actions.Escape = () => state.latent !== null && actions.u();
    const action = actions[event.key];
    if (action === undefined || state.latent === null && ["ArrowRight", "ArrowLeft", "u"].includes(event.key)) return;
    event.preventDefault();
    action();
  });
}

/** Moves the focus through the list of latents. */
function focusStep(step: 1 | -1): void {
  const links = Array.from(document.querySelectorAll<HTMLElement>(".latent > a, th.c-latent a"));
  const around = document.activeElement?.closest(".latent, tr") ?? null;
  const at = links.findIndex((link) => around !== null && around.contains(link));
  links[at < 0 ? 0 : at + step]?.focus();
}
