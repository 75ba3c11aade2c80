/**
 * The screen's products, as loops that print AssemblyScript: rows by columns in 8-bit integers, then the bound.
 *
 * A segment of four columns is put into globals first. An engine reads a module's globals without a bounds check, and here
 * (Deno has no trap handler for WebAssembly) a check is two instructions of the three that a load takes; so the columns,
 * which every row meets, are read for a third of the price. That needs code without loops for a whole segment.
 *
 * Both operands lie along the dimensions, so nothing is spread or shuffled: lane l of a sum takes what is at l in every
 * step of 16 dimensions. Two ways to add up:
 *
 * - wide: one instruction multiplies four bytes and adds them to 32 bits; good where the engine has it as one instruction.
 * - narrow: pairs are added in 16 bits, modulo 2^16, and widened at the end of the segment: fewer instructions where the
 *   wide one is made of three. Rows and columns are scaled such that no segment's lane overflows.
 * @module
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Rows and columns of a tile: eight sums, two rows and a column stay in the 15 registers that V8 gives. */
const ROWS = 2;
const COLUMNS = 4;

/** Steps of 16 dimensions in a long segment and in a short one, of which the rest of the width is made. */
export const LONG_STEPS = 16;
const SHORT_STEPS = 4;

/** All kernels of this file. */
export function screenKernels(): string {
  const held = range(LONG_STEPS * COLUMNS).map((i) => `let held${i}: v128 = i64x2(0, 0);`).join(" ");
  return [
    `/** A segment of four columns, ${COLUMNS} to a step. Globals belong to an instance, and so to one worker. */\n${held}`,
    ...[LONG_STEPS, SHORT_STEPS].flatMap((steps) => [
      holdKernel(steps),
      segmentKernel(steps, true),
      segmentKernel(steps, false),
    ]),
    tileKernel(),
  ].join("\n");
}

/** Loads a segment of four columns. */
function holdKernel(steps: number): string {
  const loads = range(steps).map((k) =>
    range(COLUMNS).map((c) => `held${k * COLUMNS + c} = v128.load(w${c}, ${16 * k});`).join(" ")
  );
  return `
function hold${steps}(w: usize, ld: usize): void {
  ${range(COLUMNS).map((c) => `const w${c} = w + ${c} * ld;`).join(" ")}
  ${loads.join("\n  ")}
}`;
}

/** The products of rows with the segment held, added to their 32-bit sums. */
function segmentKernel(steps: number, narrow: boolean): string {
  const rows = range(ROWS);
  const columns = range(COLUMNS);
  const step = (k: number): string =>
    rows.map((r) => `const x${r}_${k} = v128.load(x${r}, ${16 * k});`).join(" ") +
    columns.map((c) =>
      `{ const w = held${k * COLUMNS + c}; ${
        rows.map((r) =>
          narrow
            ? `a${r}_${c} = i16x8.add(a${r}_${c}, dotPairs(x${r}_${k}, w));`
            : `a${r}_${c} = dot8(x${r}_${k}, w, a${r}_${c});`
        ).join(" ")
      } }`
    ).join("\n    ");
  const widened = (r: number): string =>
    columns.map((c) => narrow ? `i32x4.extadd_pairwise_i16x8_s(a${r}_${c})` : `a${r}_${c}`).join(", ");
  return `
/** sums[i] (of 8 columns) += x_i · the four columns held, i < n (even); ld the width of a row. */
function add${narrow ? "Narrow" : "Wide"}${steps}(x: usize, ld: usize, n: i32, begin: usize, sums: usize): void {
  for (let i = 0; i < n; i += ${ROWS}) {
    ${rows.map((r) => `const x${r} = x + ${r} * ld, b${r} = v128.load(begin, ${16 * r});`).join(" ")}
    ${rows.map((r) => columns.map((c) => `let a${r}_${c} = b${r};`).join(" ")).join(" ")}
    ${range(steps).map(step).join("\n    ")}
    ${
    rows.map((r) => `v128.store(sums, i32x4.add(v128.load(sums, ${32 * r}), wholeSums(${widened(r)})), ${32 * r});`)
      .join("\n    ")
  }
    x += ${ROWS} * ld; begin += ${16 * ROWS}; sums += ${32 * ROWS};
  }
}`;
}

/** A tile of 8 columns over some rows of the chunk: all segments, then the bound. */
function tileKernel(): string {
  const segments = (steps: number): string =>
    `for (; at + ${16 * steps} <= d; at += ${16 * steps}, begin += line) {
      hold${steps}(w + at, d);
      if (narrow) addNarrow${steps}(x + at, d, even, begin, to);
      else addWide${steps}(x + at, d, even, begin, to);
    }`;
  const terms = ["P", "Q", "T", "beta"].map((name, i) =>
    `const ${name}0 = v128.load(terms, ${32 * i}), ${name}1 = v128.load(terms, ${32 * i + 16});`
  ).join(" ");
  const bound = (v: number): string =>
    `f32x4.le(fma4(ny, T${v}, fma4(nd, Q${v}, fma4(nx, P${v}, fma4(f32x4.convert_i32x4_s(v128.load(sums, ${
      16 * v
    })), sx, beta${v})))), zero)`;
  const splat = (lane: number): string => `v128.shuffle<f32>(t, t, ${lane}, ${lane}, ${lane}, ${lane})`;
  return `
/** The four sums of the lanes of a, b, c and d, one a lane. */
@inline function wholeSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/**
 * Notes which of the chunk's rows first … first + n − 1 may fire in which of a tile's 8 columns: bits of one byte a row, at
 * \`masks\` and every 16 bytes on. Undecided (NaN) counts as alive. Returns how many pairs are.
 */
function screenTile(s: usize, tile: i32, masks: usize, first: i32, n: i32, parity: usize): i32 {
  const d = dScreen(), even = (n + 1) & ~1, narrow = sums16() != 0, line = xqRows() << 4;
  const row = parity * xqRows() + <usize>first, x = xq() + row * d, space = sumSpace(s);
  memory.fill(space, 0, <usize>even << 5);
  for (let half: usize = 0; half < 2; half++) {
    const w = wq() + ((<usize>tile << 3) + (half << 2)) * d, to = space + (half << 4);
    let at: usize = 0, begin = rowBegin() + ((parity * segments() * xqRows() + <usize>first) << 4);
    ${segments(LONG_STEPS)}
    ${segments(SHORT_STEPS)}
  }
  const terms = columnTerms() + (<usize>tile << 7), zero = f32x4.splat(0);
  ${terms}
  let sums = space, rowAt = rowTerms() + (row << 4), all = 0;
  for (let i = 0; i < n; i++, sums += 32, rowAt += 16, masks += 16) {
    const t = v128.load(rowAt), sx = ${splat(0)}, nx = ${splat(1)}, nd = ${splat(2)}, ny = ${splat(3)};
    const dead = i32x4.bitmask(${bound(0)}) | i32x4.bitmask(${bound(1)}) << 4, alive = ~dead & 0xff;
    store<u8>(masks, <u8>alive);
    all += popcnt(alive);
  }
  return all;
}`;
}
