/**
 * What is known of one latent beside its pictures: numbers and labels.
 * @module
 */
/// <reference lib="dom" />
import { columnText } from "./columns.ts";
import type { Context } from "./context.ts";
import { count, h, percent } from "./dom.ts";
import type { LabelArea } from "./format.ts";
import { type LabelShare, labelShares } from "./list_latents.ts";
import type { Entries } from "./store.ts";

/** Labels listed before the rest is folded. */
const LABELS = 8;

const ABOUT_AREAS = "How often its strength on a picture of the label exceeds that on any other, over all pictures; " +
  "beneath, the 95 % interval";

function areaCell(area: LabelArea | undefined): HTMLElement {
  if (area === undefined) return h("td", {}, "–");
  const [, value, low, high] = area;
  return h(
    "td",
    { class: low > 0.5 ? "strong" : "" },
    value.toFixed(2),
    h("div", { class: "muted small" }, `${low.toFixed(2)} to ${high.toFixed(2)}`),
  );
}

/** Its numbers, each with its log10 where latents are filtered by that. */
export function numbersCard({ store: { run } }: Context, latent: number): HTMLElement {
  const log = (value: number): string => value > 0 ? `log₁₀ ${Math.log10(value).toFixed(2).replace("-", "−")}` : "";
  const rows = [...run.columns.values()].map((column) => {
    const value = column.values[latent];
    const fires = column.key === "frequency"
      ? `${count(Math.round(value * run.data.rows))} of ${count(run.data.rows)}`
      : "";
    const text = column.key === "frequency" ? percent(value) : columnText(column, latent, { unit: true });
    const more = [fires, column.log ? log(value) : ""].filter((part) => part !== "").join(", ");
    return h(
      "div",
      { title: column.about },
      h("dt", {}, column.name),
      h("dd", {}, text, more !== "" && h("span", { class: "muted small" }, more)),
    );
  });
  return h("section", { class: "card" }, h("h2", { class: "sr" }, "Numbers"), h("dl", { class: "numbers" }, ...rows));
}

/** Labels of its distinct pictures, with how much more often than in the data set. */
export function labelsCard({ store: { run } }: Context, entries: Entries): HTMLElement {
  const distinct = [...new Set(entries.image)];
  const shares = labelShares(
    distinct.map((image) => entries.pictures.get(image)!.label),
    run.labelTotals,
    run.data.images,
  );
  const areas = new Map(entries.areas.map((area) => [area[0], area]));
  const row = ({ label, count, lift }: LabelShare): HTMLElement =>
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
      areas.size > 0 && areaCell(areas.get(label)),
    );
  const table = (rows: readonly LabelShare[]): HTMLElement =>
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
          areas.size > 0 && h("th", { scope: "col", title: ABOUT_AREAS }, "AUROC"),
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
