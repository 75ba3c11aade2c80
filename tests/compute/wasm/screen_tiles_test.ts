/** The screen's kernels against products taken one by one, in both shapes: which of them runs is a matter of speed alone. */
import assert from "node:assert/strict";
import { loadKernels } from "../../../compute/wasm/kernel_module.ts";
import { SCREEN_FIELDS } from "../../../compute/wasm/kernels/screen_tiles.ts";
import { Random } from "../_cases.ts";

type Exports = Readonly<Record<"sumTile" | "screen", (...args: number[]) => number>>;

const [TILES, ROWS, PAGE] = [3, 23, 65_536];

/** Bytes in a range as an encoder's are, or at its ends; a lane of 16 bits holds a segment of the former. */
function fill(view: Int8Array | Uint8Array, random: Random, top: number): void {
  for (let i = 0; i < view.length; i++) {
    view[i] = Math.round((random.uniform() * 2 - 1) * top) + (view instanceof Uint8Array ? 64 : 0);
  }
}

/** A screen over a memory of its own, laid out as a host lays it out. */
interface Screen {
  at: Record<string, number>;
  memory: WebAssembly.Memory;
  capacity: number;
  segments: number;
  kernels: Exports;
}

async function openScreen(d: number, narrow: boolean, now: () => number): Promise<Screen> {
  const { modules } = await loadKernels("relaxed");
  const segments = d / 64;
  const capacity = ROWS + 1; // a multiple of 4
  let top = PAGE;
  const region = (bytes: number): number => (top += Math.ceil(bytes / 64) * 64) - Math.ceil(bytes / 64) * 64;
  const at: Record<string, number> = {
    d,
    narrow: narrow ? 1 : 0,
    floored: 0,
    line: capacity * 8,
    x: region(capacity * d),
    begin: region(segments * capacity * 8),
    rowTerms: region(capacity * 16),
    w: region(TILES * 9 * d),
    columnTerms: region(TILES * 128),
    sums: region(capacity * 32),
    masks: region(capacity * 16),
    alive: region(64),
    floors: region(capacity * 4),
    inverses: region(TILES * 32),
  };
  const pages = Math.ceil(top / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Uint32Array(memory.buffer).set(SCREEN_FIELDS.map((name) => at[name]));
  const { exports } = new WebAssembly.Instance(modules.screen!, { env: { memory, now } });
  return { at, memory, capacity, segments, kernels: exports as unknown as Exports };
}

async function warmUp(kernels: Exports): Promise<void> {
  for (const large of [0, 1]) for (let i = 0; i < 1000; i++) kernels.sumTile(large, 0, 0, ROWS);
  await new Promise((resolve) => setTimeout(resolve, 100));
}

/** A column's bytes lie 8 at a time, eight columns side by side; after 64 of each, the factors of their four lanes. */
const placeOf = (d: number, column: number, i: number): number =>
  (column >> 3) * 9 * d + (i >> 6) * 576 + (i >> 3 & 7) * 64 + (column & 7) * 8 + (i & 7);
/** Of four rows, 64 bytes of each lie side by side. */
const rowPlace = (d: number, row: number, i: number): number =>
  (row & ~3) * d + (i >> 6) * 256 + (row & 3) * 64 + (i & 63);
const factorPlace = (d: number, column: number, segment: number, lane: number): number =>
  (column >> 3) * 9 * d + segment * 576 + 512 + (column & 7) * 8 + lane * 2;

for (const d of [64, 192, 256, 768, 832, 1024, 1856]) {
  Deno.test({
    name: `screen: sums of ${d} bytes are the products', in both shapes, both ways to add, any first row`,
    permissions: "none",
    fn: async () => {
      for (const narrow of [true, false]) {
        const { at, memory, capacity, segments, kernels } = await openScreen(d, narrow, () => 0);
        const random = new Random(d + Number(narrow));
        const x = new Int8Array(memory.buffer, at.x, capacity * d);
        const w = new Uint8Array(memory.buffer, at.w, TILES * 9 * d);
        fill(x, random, 20);
        fill(w, random, 20);
        const factors = new DataView(memory.buffer, at.w, TILES * 9 * d);
        const factorOf = (column: number, segment: number, lane: number): number =>
          narrow ? factors.getInt16(factorPlace(d, column, segment, lane), true) : 1;
        for (let i = 0; i < TILES * 8 * segments * 4; i++) {
          const place = factorPlace(d, i % (TILES * 8), Math.floor(i / 4 / 8 / TILES), Math.floor(i / 8 / TILES) % 4);
          factors.setInt16(place, 1 + i * 29 % 63, true);
        }
        const begin = new DataView(memory.buffer, at.begin, segments * capacity * 8);
        for (let i = 0; i < segments * capacity; i++) {
          for (let lane = 0; lane < (narrow ? 4 : 2); lane++) {
            if (narrow) begin.setInt16(8 * i + 2 * lane, (i * 7 + lane) % 300 - 150, true);
            else begin.setInt32(8 * i + 4 * lane, (i * 7 + lane) % 30_000 - 15_000, true);
          }
        }
        for (const [tile, first, n] of [[0, 0, ROWS], [2, 4, 7], [1, 20, 1], [1, 0, ROWS]]) {
          // Engines compile in tiers: the last round meets the code that long jobs run on.
          if (tile === 1 && n === ROWS) await warmUp(kernels);
          for (const large of [0, 1]) {
            kernels.sumTile(large, tile, first, n);
            const sums = new Int32Array(memory.buffer, at.sums, 8 * n);
            for (let i = 0; i < n; i++) {
              for (let c = 0; c < 8; c++) {
                const column = 8 * tile + c;
                let sum = 0;
                for (let k = 0; k < d; k++) {
                  sum += x[rowPlace(d, first + i, k)] * w[placeOf(d, column, k)] * factorOf(column, k >> 6, k >> 1 & 3);
                }
                for (let s = 0; s < segments; s++) {
                  for (let lane = 0; lane < (narrow ? 4 : 2); lane++) {
                    const place = 8 * (s * capacity + first + i) + (narrow ? 2 : 4) * lane;
                    const offset = narrow ? begin.getInt16(place, true) : begin.getInt32(place, true);
                    sum += offset * factorOf(column, s, lane);
                  }
                }
                // Of every four columns the second two hold sums with the first two.
                const found = sums[8 * i + c] - (c % 4 >= 2 ? sums[8 * i + c - 2] : 0);
                assert.equal(found, sum, `row ${first + i}, column ${8 * tile + c}, shape ${large}`);
              }
            }
          }
        }
      }
    },
  });
}

Deno.test({
  name: "screen: the faster shape is used, whichever it is, and the bits it leaves are the same",
  permissions: "none",
  fn: async () => {
    const d = 256;
    const left: Uint8Array[] = [];
    for (const faster of ["small", "large"]) {
      // Shapes are timed one after the other, four times each, with two looks at the clock.
      let looks = 0;
      let time = 0;
      const now = (): number => {
        const ofLarge = looks % 16 >= 8;
        if (looks++ % 2 === 1) time += ofLarge === (faster === "large") ? 1 : 2;
        return time;
      };
      const { at, memory, capacity, kernels } = await openScreen(d, true, now);
      const random = new Random(1);
      fill(new Int8Array(memory.buffer, at.x, capacity * d), random, 40);
      fill(new Uint8Array(memory.buffer, at.w, TILES * 9 * d), random, 20);
      const rows = new Float32Array(memory.buffer, at.rowTerms, 4 * ROWS);
      for (let i = 0; i < rows.length; i++) rows[i] = [1, 100, 100, 0][i % 4];
      let large = 0;
      for (let part = 0; part < 10; part++) large = kernels.screen(0, ROWS, TILES, 0b010);
      assert.equal(large, faster === "large" ? 2 : 0, "tiles screened in the large shape, one of three being left out");
      left.push(new Uint8Array(memory.buffer, at.masks, 16 * ROWS).slice());
      const bits = left[0].reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
      const alive = new Uint32Array(memory.buffer, at.alive, TILES);
      assert.equal(alive[0] + alive[2], bits);
      assert(bits > 0 && bits < 16 * ROWS);
    }
    assert.deepEqual(left[0], left[1]);
  },
});

Deno.test({
  name: "screen: shapes whose sums differ are noticed when they are timed",
  permissions: "none",
  fn: async () => {
    // Between the last time that the small shape is timed and the first of the large one, a row changes.
    let looks = 0;
    const screen = await openScreen(64, true, () => {
      if (++looks === 9) new Int8Array(screen.memory.buffer, screen.at.x, 1)[0] ^= 64;
      return 0;
    });
    const { at, memory, capacity, kernels } = screen;
    new Int8Array(memory.buffer, at.x, capacity * 64).fill(1);
    new Uint8Array(memory.buffer, at.w, TILES * 9 * 64).fill(3);
    const told = Array.from({ length: 600 }, () => kernels.screen(0, 2, TILES, 0));
    assert.deepEqual(told.flatMap((large, part) => large < 0 ? [part] : []), [8]);
    assert(looks > 16, "timed again later");
  },
});

Deno.test({
  name: "screen: NaN among a row's terms keeps all its pairs",
  permissions: "none",
  fn: async () => {
    const { at, memory, kernels } = await openScreen(64, true, () => 0);
    const rows = new Float32Array(memory.buffer, at.rowTerms, 4 * ROWS);
    rows.set([1, NaN, 0, 0]);
    const columns = new Float32Array(memory.buffer, at.columnTerms, TILES * 32);
    for (let i = 0; i < columns.length; i++) columns[i] = i % 32 < 24 ? 1 : -1;
    kernels.screen(0, 2, TILES, 0);
    assert.deepEqual([...new Uint8Array(memory.buffer, at.masks, 32)], [255, 255, 255, ...new Array(29).fill(0)]);
  },
});
