/**
 * The screen: rows by columns in 8-bit integers, then the bound. Loops that print AssemblyScript for a module of its own.
 *
 * Its memory is private to a worker and has a window at a fixed address, which a group of eight columns' segments is copied to.
 * An engine knows such addresses to be good and reads them without a bounds check; here (Deno has no trap handler for
 * WebAssembly) a check costs as much as the load. That needs code without loops for a whole group, and pays, as every row of
 * a part meets the window.
 *
 * Both operands lie along the dimensions, so nothing is spread or shuffled: lane l of a sum takes what is at l in every
 * step of 16 dimensions. Two ways to add up:
 *
 * - wide: one instruction multiplies four bytes and adds them to 32 bits; good where the engine has it as one instruction.
 * - narrow: pairs are added in 16 bits, modulo 2^16, and widened at the end of the segment: fewer instructions where the
 *   wide one is made of three. Rows and columns are scaled such that no segment's lane overflows.
 *
 * V8's `--experimental-wasm-revectorize` joins two 128-bit operations to one of 256 bits where it finds an addition of two
 * results of the same kind, and no check between the loads they come from. Hence three things that would be odd otherwise:
 * columns in fixed places, nothing rearranged by the compiler (it does not optimise here), and sums of *pairs* of columns
 * at the end, `s0, s0 + s1, s2, s2 + s3`, from which the bound takes them apart again.
 * @module
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Rows and columns of a tile: eight sums, two rows and a column stay in the 15 registers that V8 gives. */
const ROWS = 2;
const COLUMNS = 4;
/** Columns in the window. */
const WINDOW_COLUMNS = 8;
/** Address of the window: `u8 [steps, 8, 16]`. */
const WINDOW = 1024;

/** Steps of 16 dimensions in a long segment and in a short one, of which the rest of the width is made. */
const LONG_STEPS = 16;
const SHORT_STEPS = 4;
/** Long segments that rows meet in one go. */
const LONG_GROUP = 3;

/** Runs of segments that have code of their own: steps in all, and steps of a segment. */
const GROUPS: readonly (readonly [steps: number, segment: number])[] = [
  [LONG_GROUP * LONG_STEPS, LONG_STEPS],
  [LONG_STEPS, LONG_STEPS],
  [SHORT_STEPS, SHORT_STEPS],
];

/** The parameters at address 0, u32 each; the host writes them, see `kernel_host.ts`. */
export const SCREEN_FIELDS = [
  "d", // bytes of a row
  "narrow", // 1: sums in 16 bits within a segment
  "line", // bytes from one segment's beginnings to the next's
  "x", // i8 [rows, d]
  "begin", // v128 [segments, rows]
  "rowTerms", // f32 [rows, 4]
  "w", // u8 [tiles, d / 16, 8, 16]
  "columnTerms", // f32 [tiles, 4, 8]
  "sums", // i32 [rows of a part, 8]
  "masks", // bits [rows of a part, 128]
  "alive", // u32 [16]: pairs of each tile that are
] as const;

const FMA4 = "@inline function fma4(a: v128, b: v128, c: v128): v128 { return f32x4.relaxed_madd(a, b, c); }";

/** The module's source. In its sums nothing is an inlined function: one makes a block, and blocks are joined by nobody. */
export function screenSource(): string {
  const getters = SCREEN_FIELDS.map((name, i) => `@inline function ${name}(): usize { return load<u32>(${4 * i}); }`);
  const kernels = GROUPS.flatMap(([steps, segment]) =>
    [true, false].flatMap((narrow) => [0, 1].map((half) => groupKernel(steps, segment, narrow, half)))
  );
  return [FMA4, ...getters, ...kernels, tileKernel(), PART].join("\n");
}

/** The products of rows with half of the window's columns, added to their 32-bit sums. */
function groupKernel(steps: number, segment: number, narrow: boolean, half: number): string {
  const [rows, columns] = [range(ROWS), range(COLUMNS)];
  const step = (k: number): string =>
    rows.map((r) => `const x${r}_${k} = v128.load(x${r}, ${16 * k});`).join(" ") +
    columns.map((c) => {
      const at = 16 * (WINDOW_COLUMNS * k + COLUMNS * half + c);
      return `const w${c}_${k} = v128.load(${WINDOW}, ${at});`;
    }).join(" ") + "\n    " +
    rows.flatMap((r) =>
      columns.map((c) =>
        narrow
          ? `a${r}_${c} = i16x8.add(a${r}_${c}, i16x8.relaxed_dot_i8x16_i7x16_s(x${r}_${k}, w${c}_${k}));`
          : `a${r}_${c} = i32x4.relaxed_dot_i8x16_i7x16_add_s(x${r}_${k}, w${c}_${k}, a${r}_${c});`
      )
    ).join(" ");
  const part = (g: number): string => {
    const first = g === 0;
    const begin = rows.flatMap((r) => columns.map((c) => `${first ? "let " : ""}a${r}_${c} = b${r}_${g};`));
    const sums = rows.flatMap((r) =>
      columns.map((c) => {
        const a = narrow ? `i32x4.extadd_pairwise_i16x8_s(a${r}_${c})` : `a${r}_${c}`;
        return first ? `let s${r}_${c} = ${a};` : `s${r}_${c} = i32x4.add(s${r}_${c}, ${a});`;
      })
    );
    return [begin.join(" "), ...range(segment).map((k) => step(g * segment + k)), sums.join(" ")].join("\n    ");
  };
  const parts = range(steps / segment);
  return `
/** sums[i] (of 8 columns, in pairs) += x_i · columns ${COLUMNS * half} … ${
    COLUMNS * half + COLUMNS - 1
  } of the window, i < n (even). */
function ${nameOf(steps, narrow, half)}(x: usize, ld: usize, n: i32, begin: usize, line: usize, sums: usize): void {
  for (let i = 0; i < n; i += ${ROWS}) {
    ${rows.map((r) => `const x${r} = x + ${r} * ld;`).join(" ")}
    ${
    rows.flatMap((r) => parts.map((g) => `const b${r}_${g} = v128.load(begin + ${g} * line, ${16 * r});`)).join(" ")
  }
    ${parts.map(part).join("\n    ")}
    ${
    rows.map((r) => {
      const [a, b, c, d] = columns.map((column) => `s${r}_${column}`);
      const at = 32 * r + 16 * half;
      return `const ab${r} = i32x4.add(${a}, ${b}), cd${r} = i32x4.add(${c}, ${d});
    ${wholeSums(`t${r}`, [a, `ab${r}`, c, `cd${r}`])}
    v128.store(sums, i32x4.add(v128.load(sums, ${at}), t${r}), ${at});`;
    }).join("\n    ")
  }
    x += ${ROWS} * ld; begin += ${16 * ROWS}; sums += ${32 * ROWS};
  }
}`;
}

const nameOf = (steps: number, narrow: boolean, half: number): string =>
  `add${narrow ? "Narrow" : "Wide"}${steps}${half === 0 ? "Low" : "High"}`;

/** `to`: the four sums of the lanes of four vectors, one a lane. */
function wholeSums(to: string, [a, b, c, d]: readonly string[]): string {
  const pairs = (p: string, q: string): string =>
    `i32x4.add(v128.shuffle<i32>(${p}, ${q}, 0, 4, 1, 5), v128.shuffle<i32>(${p}, ${q}, 2, 6, 3, 7))`;
  return `const ${to}l = ${pairs(a, b)}, ${to}h = ${pairs(c, d)};
    const ${to} = i32x4.add(v128.shuffle<i32>(${to}l, ${to}h, 0, 1, 4, 5), v128.shuffle<i32>(${to}l, ${to}h, 2, 3, 6, 7));`;
}

/** A tile of 8 columns over some rows: all segments, then the bound. */
function tileKernel(): string {
  const calls = (steps: number, narrow: boolean): string =>
    [0, 1].map((half) => `${nameOf(steps, narrow, half)}(from + at, width, even, begins, line(), sums());`).join(" ");
  const groups = GROUPS.map(([steps, segment]) =>
    `for (; at + ${16 * steps} <= width; at += ${16 * steps}, begins += ${steps / segment} * line()) {
    memory.copy(${WINDOW}, columns + ${WINDOW_COLUMNS} * at, ${16 * WINDOW_COLUMNS * steps});
    if (narrow()) { ${calls(steps, true)} }
    else { ${calls(steps, false)} }
  }`
  );
  const terms = ["P", "Q", "T", "beta"].map((name, i) =>
    `const ${name}0 = v128.load(terms, ${32 * i}), ${name}1 = v128.load(terms, ${32 * i + 16});`
  ).join(" ");
  const bound = (v: number): string =>
    `f32x4.le(fma4(ny, T${v}, fma4(nd, Q${v}, fma4(nx, P${v}, fma4(f32x4.convert_i32x4_s(apart(v128.load(at32, ${
      16 * v
    }))), sx, beta${v})))), zero)`;
  const splat = (lane: number): string => `v128.shuffle<f32>(t, t, ${lane}, ${lane}, ${lane}, ${lane})`;
  return `
/** a, b, c, d from a, a + b, c, c + d. */
@inline function apart(v: v128): v128 { return i32x4.sub(v, v128.shuffle<i32>(v, i32x4.splat(0), 4, 0, 4, 2)); }

/**
 * Notes which of rows first … first + n − 1 may fire in which of a tile's 8 columns: bits of one byte a row, 16 bytes apart.
 * Undecided (NaN) counts as alive. Returns how many pairs are.
 */
function screenTile(tile: i32, first: i32, n: i32): i32 {
  const width = d(), even = (n + 1) & ~1, from = x() + <usize>first * width, columns = w() + (<usize>tile << 3) * width;
  memory.fill(sums(), 0, <usize>even << 5);
  let at: usize = 0, begins = begin() + (<usize>first << 4);
  ${groups.join("\n  ")}
  const terms = columnTerms() + (<usize>tile << 7), zero = f32x4.splat(0);
  ${terms}
  let at32 = sums(), rowAt = rowTerms() + (<usize>first << 4), mask = masks() + <usize>tile, all = 0;
  for (let i = 0; i < n; i++, at32 += 32, rowAt += 16, mask += 16) {
    const t = v128.load(rowAt), sx = ${splat(0)}, nx = ${splat(1)}, nd = ${splat(2)}, ny = ${splat(3)};
    const dead = i32x4.bitmask(${bound(0)}) | i32x4.bitmask(${bound(1)}) << 4, bits = ~dead & 0xff;
    store<u8>(mask, <u8>bits);
    all += popcnt(bits);
  }
  return all;
}`;
}

const PART = `
/** Screens rows first … first + n − 1 against the tiles held, but for those whose bits are in \`skipped\`. */
export function screen(first: i32, n: i32, tiles: i32, skipped: u32): void {
  memory.fill(masks(), 0, <usize>n << 4);
  for (let tile = 0; tile < tiles; tile++) {
    if ((skipped >> tile) & 1) continue;
    store<u32>(alive() + (<usize>tile << 2), screenTile(tile, first, n));
  }
}`;
