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
 * at the end, `s0, s0 + s1, s2, s2 + s3`, from which the bound takes them apart again. The small shape makes these pairs only
 * after its sums are whole, where nothing can be joined: so it stays as it is written, and checks the large one.
 * @module
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Rows of a tile. */
const ROWS = 2;
/** Columns in the window. */
const WINDOW_COLUMNS = 8;
/** Address of the window: `u8 [steps, 8, 16]`. */
const WINDOW = 1024;

/** Steps of 16 dimensions in a long segment and in a short one, of which the rest of the width is made. */
const LONG_STEPS = 16;
const SHORT_STEPS = 4;
/** Long segments that rows meet in one go. */
const LONG_GROUPS = [3, 1];

/** A way to walk the window. */
interface Shape {
  /** In names of kernels. */
  readonly name: string;
  /** Columns of a tile. */
  readonly columns: 4 | 8;
}

/** Runs of segments that have code of their own: steps in all, and steps of a segment; long ones first. */
const GROUPS: readonly (readonly [steps: number, segment: number])[] = [
  ...LONG_GROUPS.map((n) => [n * LONG_STEPS, LONG_STEPS] as const),
  [SHORT_STEPS, SHORT_STEPS],
];

/** Eight sums, two rows and a column stay in the 15 registers that V8 gives. */
const SMALL: Shape = { name: "Small", columns: 4 };
/** The same where two columns share a register of 256 bits; twice too many where not. */
const LARGE: Shape = { name: "Large", columns: 8 };

/** The parameters at address 0, u32 each; the host writes them, see `kernel_host.ts`. */
export const SCREEN_FIELDS = [
  "d", // bytes of a row
  "narrow", // 1: sums in 16 bits within a segment
  "floored", // 1: pairs have to exceed their row's floor; 0: 0
  "line", // bytes from one segment's beginnings to the next's
  "x", // i8 [rows, d]
  "begin", // v128 [segments, rows]
  "rowTerms", // f32 [rows, 4]
  "w", // u8 [tiles, d / 16, 8, 16]
  "columnTerms", // f32 [tiles, 4, 8]
  "sums", // i32 [rows of a part, 8]
  "masks", // bits [rows of a part, 128]
  "alive", // u32 [16]: pairs of each tile that are
  "floors", // f32 [rows]; where there are
  "inverses", // f32 [tiles, 8]; likewise
] as const;

const FMA4 = "@inline function fma4(a: v128, b: v128, c: v128): v128 { return f32x4.relaxed_madd(a, b, c); }";

/** The module's source. In its sums nothing is an inlined function: one makes a block, and blocks are joined by nobody. */
export function screenSource(): string {
  const getters = SCREEN_FIELDS.map((name, i) => `@inline function ${name}(): usize { return load<u32>(${4 * i}); }`);
  const kernels = [SMALL, LARGE].flatMap((shape) => [
    ...GROUPS.flatMap((group) =>
      [true, false].flatMap((narrow) => halvesOf(shape).map((first) => groupKernel(shape, group, narrow, first)))
    ),
    sumsKernel(shape),
  ]);
  return [NOW, FMA4, ...getters, ...kernels, APART, tileKernel(false), tileKernel(true), PART].join("\n");
}

/** First columns of a shape's tiles. */
const halvesOf = ({ columns }: Shape): number[] => columns === 8 ? [0] : [0, 4];

const nameOf = ({ name }: Shape, steps: number, narrow: boolean, from: number): string =>
  `add${name}${narrow ? "Narrow" : "Wide"}${steps}From${from}`;

/** The products of rows with some of the window's columns, added to their 32-bit sums. */
function groupKernel(
  shape: Shape,
  [steps, segment]: readonly [number, number],
  narrow: boolean,
  from: number,
): string {
  const [rows, columns] = [range(ROWS), range(shape.columns)];
  const step = (k: number): string =>
    rows.map((r) => `const x${r}_${k} = v128.load(x${r}, ${16 * k});`).join(" ") +
    columns.map((c) => `const w${c}_${k} = v128.load(${WINDOW}, ${16 * (WINDOW_COLUMNS * k + from + c)});`).join(" ") +
    "\n    " +
    rows.flatMap((r) =>
      columns.map((c) =>
        narrow
          ? `a${r}_${c} = i16x8.add(a${r}_${c}, i16x8.relaxed_dot_i8x16_i7x16_s(x${r}_${k}, w${c}_${k}));`
          : `a${r}_${c} = i32x4.relaxed_dot_i8x16_i7x16_add_s(x${r}_${k}, w${c}_${k}, a${r}_${c});`
      )
    ).join(" ");
  const part = (g: number): string => {
    const first = g === 0;
    const begin = [
      ...rows.map((r) => `const b${r}_${g} = v128.load(begin + ${g} * line, ${16 * r});`),
      ...rows.flatMap((r) => columns.map((c) => `${first ? "let " : ""}a${r}_${c} = b${r}_${g};`)),
    ];
    const sums = rows.flatMap((r) =>
      columns.map((c) => {
        const a = narrow ? `i32x4.extadd_pairwise_i16x8_s(a${r}_${c})` : `a${r}_${c}`;
        return first ? `let s${r}_${c} = ${a};` : `s${r}_${c} = i32x4.add(s${r}_${c}, ${a});`;
      })
    );
    return [begin.join(" "), ...range(segment).map((k) => step(g * segment + k)), sums.join(" ")].join("\n    ");
  };
  const parts = range(steps / segment);
  const stored = rows.flatMap((r) =>
    range(shape.columns / 4).map((q) => {
      const [a, b, c, d] = range(4).map((column) => `s${r}_${4 * q + column}`);
      const [at, id] = [32 * r + 4 * (from + 4 * q), `${r}_${q}`];
      const pairs = shape === LARGE
        ? `const ab${id} = i32x4.add(${a}, ${b}), cd${id} = i32x4.add(${c}, ${d});
    ${wholeSums(`t${id}`, [a, `ab${id}`, c, `cd${id}`])}`
        : `${wholeSums(`u${id}`, [a, b, c, d])}
    const t${id} = i32x4.add(u${id}, v128.shuffle<i32>(u${id}, i32x4.splat(0), 4, 0, 4, 2));`;
      return `${pairs}
    v128.store(sums, i32x4.add(v128.load(sums, ${at}), t${id}), ${at});`;
    })
  );
  return `
/** sums[i] (of 8 columns, in pairs) += x_i · ${shape.columns} columns of the window, i < n (even); ld the width of a row. */
function ${
    nameOf(shape, steps, narrow, from)
  }(x: usize, ld: usize, n: i32, begin: usize, line: usize, sums: usize): void {
  for (let i = 0; i < n; i += ${ROWS}) {
    ${rows.map((r) => `const x${r} = x + ${r} * ld;`).join(" ")}
    ${parts.map(part).join("\n    ")}
    ${stored.join("\n    ")}
    x += ${ROWS} * ld; begin += ${16 * ROWS}; sums += ${32 * ROWS};
  }
}`;
}

/** `to`: the four sums of the lanes of four vectors, one a lane. */
function wholeSums(to: string, [a, b, c, d]: readonly string[]): string {
  const pairs = (p: string, q: string): string =>
    `i32x4.add(v128.shuffle<i32>(${p}, ${q}, 0, 4, 1, 5), v128.shuffle<i32>(${p}, ${q}, 2, 6, 3, 7))`;
  return `const ${to}l = ${pairs(a, b)}, ${to}h = ${pairs(c, d)};
    const ${to} = i32x4.add(v128.shuffle<i32>(${to}l, ${to}h, 0, 1, 4, 5), v128.shuffle<i32>(${to}l, ${to}h, 2, 3, 6, 7));`;
}

/** Sums of rows with a tile of 8 columns, segment by segment. */
function sumsKernel(shape: Shape): string {
  const calls = (steps: number, narrow: boolean): string =>
    halvesOf(shape).map((from) =>
      `${nameOf(shape, steps, narrow, from)}(rows + at, width, even, begins, line(), sums());`
    ).join(" ");
  const groups = GROUPS.map(([steps, segment]) =>
    `for (; at + ${16 * steps} <= width; at += ${16 * steps}, begins += ${steps / segment} * line()) {
    memory.copy(${WINDOW}, columns + ${WINDOW_COLUMNS} * at, ${16 * WINDOW_COLUMNS * steps});
    if (narrow()) { ${calls(steps, true)} } else { ${calls(steps, false)} }
  }`
  );
  return `
/** sums[i] = rows first … first + n − 1 times a tile's 8 columns, in pairs. */
function sum${shape.name}(tile: i32, first: i32, n: i32): void {
  const width = d(), even = (n + 1) & ~1, rows = x() + <usize>first * width, columns = w() + (<usize>tile << 3) * width;
  memory.fill(sums(), 0, <usize>even << 5);
  let at: usize = 0, begins = begin() + (<usize>first << 4);
  ${groups.join("\n  ")}
}`;
}

const APART = `
/** a, b, c, d from a, a + b, c, c + d. */
@inline function apart(v: v128): v128 { return i32x4.sub(v, v128.shuffle<i32>(v, i32x4.splat(0), 4, 0, 4, 2)); }`;

/** The bound over a tile's sums; with `floored` rows have floors that are taken off. */
function tileKernel(floored: boolean): string {
  const terms = ["P", "Q", "T", "beta"].map((name, i) =>
    `const ${name}0 = v128.load(terms, ${32 * i}), ${name}1 = v128.load(terms, ${32 * i + 16});`
  ).join(" ");
  const bound = (v: number): string =>
    `f32x4.le(fma4(ny, T${v}, fma4(nd, Q${v}, fma4(nx, P${v}, fma4(f32x4.convert_i32x4_s(apart(v128.load(sum, ${
      16 * v
    }))), sx, ${floored ? `fma4(drop, inverse${v}, beta${v})` : `beta${v}`})))), zero)`;
  const inverses = [0, 1].map((v) => `const inverse${v} = v128.load(inverses() + (<usize>tile << 5), ${16 * v});`);
  const splat = (lane: number): string => `v128.shuffle<f32>(t, t, ${lane}, ${lane}, ${lane}, ${lane})`;
  return `
/**
 * Notes which of rows first … first + n − 1 may fire in which of a tile's 8 columns, whose sums are there: bits of one byte a
 * row, 16 bytes apart. Undecided (NaN) counts as alive. Returns how many pairs are.
 */
function mark${floored ? "AboveFloor" : "Alive"}(tile: i32, first: i32, n: i32): i32 {
  const terms = columnTerms() + (<usize>tile << 7), zero = f32x4.splat(0);
  ${terms}
  ${floored ? inverses.join(" ") : ""}
  let sum = sums(), row = rowTerms() + (<usize>first << 4), mask = masks() + <usize>tile, all = 0;
  for (let i = 0; i < n; i++, sum += 32, row += 16, mask += 16) {
    const t = v128.load(row), sx = ${splat(0)}, nx = ${splat(1)}, nd = ${splat(2)}, ny = ${splat(3)};
    ${floored ? "const drop = f32x4.neg(v128.load32_splat(floors() + (<usize>(first + i) << 2)));" : ""}
    const dead = i32x4.bitmask(${bound(0)}) | i32x4.bitmask(${bound(1)}) << 4, bits = ~dead & 0xff;
    store<u8>(mask, <u8>bits);
    all += popcnt(bits);
  }
  return all;
}`;
}

const NOW = `@external("env", "now") declare function now(): f64;`;

const PART = `
/** Which shape is the faster one here, and parts screened so far. */
let isLarge = false;
let parts: u32 = 0;

/** Repetitions when shapes are timed: enough for an engine to see that a kernel is worth its better compiler. */
const TIMED = 4;

/** Whether to time the shapes again: often at first, as engines compile in the background, less where parts are small. */
@inline function isDue(part: u32, tiles: i32): bool {
  return part < 2048 ? (part & (tiles < 8 ? 511 : 63)) == 8 : (part & (part - 1)) == 0;
}

/** A number that depends on every sum of n rows. */
function checksum(n: i32): u64 {
  let h: u64 = 0;
  for (let at = sums(), end = sums() + (<usize>n << 5); at < end; at += 8) h = h * 0x9e3779b97f4a7c15 + load<u64>(at);
  return h;
}

/** Times both shapes on a tile; they have to agree to the bit. Returns false when they do not. */
function tune(tile: i32, first: i32, n: i32): bool {
  let small = Infinity, large = Infinity, same: u64 = 0;
  for (let i = 0; i < TIMED; i++) {
    const t = now();
    sumSmall(tile, first, n);
    small = min(small, now() - t);
  }
  same = checksum(n);
  for (let i = 0; i < TIMED; i++) {
    const t = now();
    sumLarge(tile, first, n);
    large = min(large, now() - t);
  }
  isLarge = large < small;
  return same == checksum(n);
}

/** Leaves the sums of rows with a tile, in pairs, by one shape or the other; for tests. */
export function sumTile(large: i32, tile: i32, first: i32, n: i32): void {
  if (large) sumLarge(tile, first, n);
  else sumSmall(tile, first, n);
}

/**
 * Screens rows first … first + n − 1 against the tiles held, but for those whose bits are in \`skipped\`. Returns how many
 * tiles were large ones, or −1 when the shapes disagree: then the engine computes wrongly.
 */
export function screen(first: i32, n: i32, tiles: i32, skipped: u32): i32 {
  memory.fill(masks(), 0, <usize>n << 4);
  if (isDue(parts++, tiles) && !tune(0, first, n)) return -1;
  let large = 0;
  for (let tile = 0; tile < tiles; tile++) {
    if ((skipped >> tile) & 1) continue;
    if (isLarge) {
      sumLarge(tile, first, n);
      large++;
    } else {
      sumSmall(tile, first, n);
    }
    const left = floored() ? markAboveFloor(tile, first, n) : markAlive(tile, first, n);
    store<u32>(alive() + (<usize>tile << 2), left);
  }
  return large;
}`;
