import assert from "node:assert/strict";
import type { RunData } from "../../render/viewer/format.ts";
import { patchBox, withinSquare } from "../../render/viewer/place.ts";
import { placeSections, sheetSections, shortened } from "../../render/viewer/sheet_sections.ts";
import type { Entries, Examples } from "../../render/viewer/store.ts";

const permissions = "none";
const PATCHES = 4;

/** Entries with one patch of their value, the others at nothing. */
function entries(values: readonly number[], images: readonly number[]): Entries {
  const levels = new Uint8Array(values.length * PATCHES);
  values.forEach((value, i) => levels[i * PATCHES + 2] = Math.round(255 * value / 8));
  return {
    ...{ latent: 3, upper: 8, areas: [], pictures: new Map(), levels },
    image: Uint32Array.from(images),
    patch: new Uint16Array(values.length).fill(2),
    value: Float32Array.from(values),
  };
}

const run = (sortBy = "patch"): { data: RunData; patches: number } => ({
  data: { sortBy, images: 1000, examples: { sampled: 100, intervals: 8 } } as unknown as RunData,
  patches: PATCHES,
});

/** Two of the first eighth, one of the third. */
const examples: Examples = { ...entries([0.5, 0.75, 2.5], [7, 8, 9]), interval: Uint8Array.of(1, 1, 3) };

Deno.test({
  name: "`sheetSections()` gives each picture of the ranking once, best first, and nothing else without examples",
  permissions,
  fn(): void {
    const ranked = entries([8, 7, 6, 5], [1, 2, 1, 3]);
    const [only, ...others] = sheetSections(ranked, run(), { columns: 2, pictures: 9 });
    assert.deepEqual(others, []);
    assert.deepEqual([only.title, only.about, only.columns, only.rows], ["", [], 2, 2]);
    assert.deepEqual(only.pictures.map(({ caption }) => caption), ["#1  8", "#2  7", "#4  5"]);
    assert.deepEqual(only.pictures.map(({ column, row }) => [column, row]), [[0, 0], [1, 0], [0, 1]]);
    assert.deepEqual(sheetSections(ranked, run(), { columns: 2, pictures: 1 })[0].columns, 1);
  },
});

Deno.test({
  name:
    "`sheetSections()` puts examples first, a column for each part of the range, recorded pictures where there are none",
  permissions,
  fn(): void {
    const ranked = { ...entries([8, 4.8, 0.9], [1, 2, 3]), examples };
    const [range, top] = sheetSections(ranked, run("sum"), { columns: 8, pictures: 9 });
    assert.deepEqual(range.pictures.map(({ caption }) => caption), [
      "0.5",
      "0.75",
      "2.5",
      "≈ 4.8  from #2",
      "≈ 8  from #1",
    ]);
    assert.deepEqual(range.pictures.map(({ column, row }) => [column, row]), [[0, 0], [0, 1], [2, 0], [4, 0], [7, 0]]);
    assert.deepEqual(range.pictures.map(({ isRecorded }) => isRecorded), [false, false, false, true, true]);
    assert.deepEqual(range.pictures.map(({ from, at }) => from.image[at]), [7, 8, 9, 2, 1]);
    assert.ok(range.pictures.every(({ patch }) => patch === 2));
    assert.deepEqual([range.columns, range.rows], [8, 2]);
    assert.deepEqual(range.about, [
      "A column for each eighth of the range up to 8: pictures by their strongest patch, framed.",
      "Chosen at random from a sample of 100 of 1\u2009000 images; dashed: from the ranking.",
    ]);
    // As wide as the row above, however few there are.
    assert.deepEqual([top.title, top.columns, top.rows], ["By the sum over patches", 8, 1]);
    const whole = { ...run(), patches: 0 };
    const [values] = sheetSections({ ...entries([8], [1]), examples }, whole, { columns: 8, pictures: 9 });
    assert.ok(values.pictures.every(({ patch }) => patch === -1));
    assert.equal(values.pictures.at(-1)!.caption, "8  from #1");
  },
});

Deno.test({
  name: "`placeSections()` stacks sections of one width, and nothing overlaps",
  permissions,
  fn(): void {
    const measures = { cell: 100, caption: 30, gap: 10, head: 50, heading: 20, line: 12 };
    const sections = [
      { title: "a", about: ["b", "c"], columns: 16, rows: 2 },
      { title: "d", about: [], columns: 8, rows: 1 },
      { title: "", about: [], columns: 8, rows: 1 },
    ];
    const { width, height, placed } = placeSections(sections, measures);
    assert.equal(width, 8 * 110 - 10);
    assert.deepEqual(placed.map(({ cell }) => cell), [45, 100, 100]);
    // Under a heading and its lines; the next begins under the last caption.
    assert.deepEqual(placed.map(({ y }) => y), [50, 50 + 44 + 2 * 85, 264 + 20 + 140]);
    assert.deepEqual(placed[0].corner({ column: 15, row: 1 }), { x: 15 * 55, y: 50 + 44 + 85 });
    assert.equal(placed[0].corner({ column: 15, row: 0 }).x + placed[0].cell, width);
    assert.equal(height, 424 + 140);
  },
});

Deno.test({
  name: "`shortened()` keeps what fits, and whole letters of what does not",
  permissions,
  fn(): void {
    const fits = (text: string): boolean => Array.from(text).length <= 3;
    assert.deepEqual(["", "abc", "abcd", "😀😀😀😀"].map((text) => shortened(text, fits)), ["", "abc", "ab…", "😀😀…"]);
    assert.equal(shortened("abc", () => false), "a…");
  },
});

Deno.test({
  name: "`patchBox()` tiles the window, and `withinSquare()` keeps a box off the square's sides",
  permissions,
  fn(): void {
    const window = { x: 0, y: 0, width: 1, height: 0.5 };
    assert.deepEqual(patchBox(5, window, { rows: 2, cols: 4 }), { x: 0.25, y: 0.25, width: 0.25, height: 0.25 });
    const inside = { x: 0.25, y: 0.25, width: 0.5, height: 0.25 };
    assert.deepEqual(withinSquare(inside, 0.125), inside);
    assert.deepEqual(withinSquare({ x: -1, y: 0, width: 3, height: 0.5 }, 0.125), {
      ...{ x: 0.125, y: 0.125, width: 0.75, height: 0.375 },
    });
  },
});
