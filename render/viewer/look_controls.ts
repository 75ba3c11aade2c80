/**
 * Controls for how pictures look: opacity, threshold, colours, grid, geometry, size.
 * @module
 */
/// <reference lib="dom" />
import { colorAt } from "./color_maps.ts";
import type { Context } from "./context.ts";
import { h, s } from "./dom.ts";
import { COLOR_MAPS, type ColorMap } from "./state.ts";

/** The controls, and what brings them to the state. */
export function lookControls(context: Context): { element: HTMLElement; sync: () => void } {
  const syncs: (() => void)[] = [];
  const slider = (
    name: string,
    key: "opacity" | "threshold" | "size",
    min: number,
    max: number,
    step: number,
  ): HTMLElement => {
    const output = h("output", {});
    const input = h("input", {
      type: "range",
      min,
      max,
      step,
      on: { input: () => context.go({ [key]: Number(input.value) }) },
    });
    syncs.push(() => {
      const value = context.state[key];
      input.value = String(value);
      const text = key === "size" ? `${value} px` : `${Math.round(value * 100)} %`;
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    });
    return h("label", {}, h("span", {}, name), input, key !== "size" && output);
  };
  const map = h(
    "select",
    { on: { change: () => context.go({ map: map.value as ColorMap }) } },
    ...COLOR_MAPS.map((name) => h("option", { value: name }, name)),
  );
  const stops = Array.from({ length: 9 }, (_, i) => s("stop", { offset: i / 8 }));
  const bar = s(
    "svg",
    { class: "bar", viewBox: "0 0 64 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("linearGradient", { id: "map-bar" }, ...stops),
    s("rect", { width: 64, height: 10, fill: "url(#map-bar)" }),
  );
  syncs.push(() => {
    map.value = context.state.map;
    stops.forEach((stop, i) => stop.setAttribute("stop-color", colorAt(context.state.map, Math.round(i / 8 * 255))));
  });
  const toggle = (name: string, key: "lines" | "whole" | "repeats", about: string): HTMLElement => {
    const input = h("input", { type: "checkbox", on: { change: () => context.go({ [key]: input.checked }) } });
    syncs.push(() => input.checked = context.state[key]);
    return h("label", { title: about }, input, h("span", {}, name));
  };
  const heat = context.store.run.patches > 0;
  const controls = h(
    "div",
    { class: "look", role: "group", "aria-label": "How pictures look" },
    heat && slider("Opacity", "opacity", 0, 1, 0.05),
    heat && slider("Threshold", "threshold", 0, 1, 0.01),
    heat && h("label", {}, h("span", { class: "wordy" }, "Colours"), map, bar),
    slider("Size", "size", 80, 400, 10),
    h(
      "span",
      { class: "toggles" },
      heat && toggle("Grid", "lines", "Borders of the patches (g)"),
      toggle("Whole", "whole", "The whole picture, also what was cut off for the model (w)"),
      context.store.run.data.sortBy === "patch" &&
        toggle("Repeats", "repeats", "A picture at each of its ranks, not only at the best (r)"),
    ),
  );
  // Always open on wide screens; on a phone the pictures come first.
  const narrow = matchMedia("(max-width: 600px)");
  const element = h("details", { class: "card lookbox" }, h("summary", {}, "Opacity, colours, grid, size"), controls);
  element.open = !narrow.matches;
  narrow.addEventListener("change", () => element.open = !narrow.matches);
  return { element, sync: () => syncs.forEach((sync) => sync()) };
}
