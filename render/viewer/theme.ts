/**
 * Light, dark, or as the system says.
 * @module
 */
/// <reference lib="dom" />
import { h } from "./dom.ts";

const KEY = "saev-viewer-theme";
const NAMES = { auto: "as the system", light: "light", dark: "dark" } as const;
type Theme = keyof typeof NAMES;

/** A button that goes round the themes; the choice is kept. */
export function themeButton(storage: Storage | undefined): HTMLElement {
  let theme: Theme = "auto";
  try {
    const kept = storage?.getItem(KEY);
    if (kept === "light" || kept === "dark") theme = kept;
  } catch {
    // As the system says, then.
  }
  const button = h("button", { type: "button", class: "icon" });
  const show = (): void => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = { auto: "◐", light: "○", dark: "●" }[theme];
    button.setAttribute("aria-label", `Colours: ${NAMES[theme]}`);
    button.title = `Colours: ${NAMES[theme]}`;
    // Canvases take their colours when they are drawn.
    dispatchEvent(new Event("resize"));
  };
  button.addEventListener("click", () => {
    theme = ({ auto: "light", light: "dark", dark: "auto" } as const)[theme];
    show();
    try {
      storage?.setItem(KEY, theme);
    } catch {
      // Holds for this page then.
    }
  });
  show();
  return button;
}
