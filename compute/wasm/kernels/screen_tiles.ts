/**
 * The screen: rows by columns in 8-bit integers, then the bound. Loops that print AssemblyScript for a module of its own.
 *
 * Its memory is private to a worker and has a window at a fixed address, which a group of eight columns' segments is copied to.
 * An engine knows such addresses to be good and reads them without a bounds check; here (Deno has no trap handler for
 * WebAssembly) a check costs as much as the load. That needs code without loops for a whole group, and pays, as every row of
 * a part meets the window.
 *
 * A step is eight dimensions: a vector holds them of two columns, and meets a row's eight bytes twice, which processors load
 * that way for nothing. So nothing is spread or shuffled, and what is left to add up at the end is little. Of four rows that
 * are met together, segments lie side by side: they are read in the order of their addresses. Two ways to add:
 *
 * - wide: one instruction multiplies four bytes and adds them to 32 bits; good where the engine has it as one instruction.
 * - narrow: pairs are added in 16 bits, modulo 2^16, and widened at the end of the segment, each lane times the factor that
 *   its column has there: fewer instructions where the wide one is made of three. Rows and columns are scaled such that no
 *   segment's lane overflows.
 *
 * V8's `--experimental-wasm-revectorize` joins two 128-bit operations to one of 256 bits where it finds an addition of two
 * results of the same kind, and no check between the loads they come from. Hence three things that would be odd otherwise:
 * columns in fixed places, nothing rearranged by the compiler (it does not optimise here), and sums of *pairs* of columns
 * at the end, from which the bound takes them apart again. The small shape makes these pairs only after its sums are whole,
 * where nothing can be joined: so it stays as it is written, and checks the large one.
 * @module
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Columns in the window, and vectors that hold a step of them. */
const [COLUMNS, VECTORS] = [8, 4];
/** Address of the window: its segments. */
const WINDOW = 1024;

/** Steps of a segment. */
const SEGMENT = 8;
/** Rows whose segments lie side by side, and the bytes of a row's. */
const [SIDE, OWN_BYTES] = [4, 8 * SEGMENT];
/** A segment of eight columns: `u8 [steps, 8 columns, 8]`, then `i16 [8 columns, 4 lanes]`, how much a lane's sum counts. */
const SEGMENT_BYTES = 8 * COLUMNS * (SEGMENT + 1);
/** Segments that rows meet in one go, in code of its own each; most first. */
const GROUPS = [12, 4, 1];

/** A way to walk the window. */
interface Shape {
  /** In names of kernels. */
  readonly name: string;
  /** Rows of a tile. */
  readonly rows: 2 | 4;
}

/** Eight sums, a row and the columns stay in the 15 registers that V8 gives. */
const SMALL: Shape = { name: "Small", rows: 2 };
/** The same where two vectors share a register of 256 bits; twice too many where not. */
const LARGE: Shape = { name: "Large", rows: 4 };

/** The parameters at address 0, u32 each; the host writes them, see `kernel_host.ts`. */
export const SCREEN_FIELDS = [
  "d", // bytes of a row
  "narrow", // 1: sums in 16 bits within a segment
  "floored", // 1: pairs have to exceed their row's floor; 0: 0
  "line", // bytes from one segment's beginnings to the next's
  "x", // i8 [rows / 4, d / 64, 4, 64]
  "begin", // u64 [segments, rows]
  "rowTerms", // f32 [rows, 4]
  "w", // {u8 [8, 8, 8], i16 [8, 4]} [tiles, d / 64]
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
    ...GROUPS.flatMap((segments) => [true, false].map((narrow) => groupKernel(shape, segments, narrow))),
    sumsKernel(shape),
  ]);
  return [NOW, FMA4, ...getters, ...kernels, APART, tileKernel(false), tileKernel(true), PART].join("\n");
}

const nameOf = ({ name }: Shape, segments: number, narrow: boolean): string =>
  `add${name}${narrow ? "Narrow" : "Wide"}${segments}`;

/** The products of rows with the window's columns, added to their 32-bit sums. */
function groupKernel(shape: Shape, segments: number, narrow: boolean): string {
  const [rows, vectors] = [range(shape.rows), range(VECTORS)];
  const add = (r: number, v: number, k: number): string =>
    narrow
      ? `a${r}_${v} = i16x8.add(a${r}_${v}, i16x8.relaxed_dot_i8x16_i7x16_s(x${r}_${k}, w${v}_${k}));`
      : `a${r}_${v} = i32x4.relaxed_dot_i8x16_i7x16_add_s(x${r}_${k}, w${v}_${k}, a${r}_${v});`;
  const at = (segment: number, step: number, v: number): number =>
    SEGMENT_BYTES * segment + 8 * COLUMNS * step + 16 * v;
  const step = (k: number): string =>
    [
      vectors.map((v) => `const w${v}_${k} = v128.load(${WINDOW}, ${at(Math.floor(k / SEGMENT), k % SEGMENT, v)});`)
        .join(" "),
      ...rows.map((r) =>
        `const x${r}_${k} = v128.load64_splat(x${r}, ${
          SIDE * OWN_BYTES * Math.floor(k / SEGMENT) + 8 * (k % SEGMENT)
        }); ` + vectors.map((v) => add(r, v, k)).join(" ")
      ),
    ].join("\n    ");
  const part = (g: number): string => {
    const first = g === 0;
    const begin = rows.map((r) =>
      `const b${r}_${g} = v128.load64_splat(begin + ${g} * line, ${8 * r}); ` +
      vectors.map((v) => `${first ? "let " : ""}a${r}_${v} = b${r}_${g};`).join(" ")
    );
    const factors = vectors.map((v) => narrow ? `const m${v}_${g} = v128.load(${WINDOW}, ${at(g, SEGMENT, v)});` : "");
    const sums = rows.flatMap((r) =>
      vectors.map((v) => {
        const a = narrow ? `i32x4.dot_i16x8_s(a${r}_${v}, m${v}_${g})` : `a${r}_${v}`;
        return first ? `let s${r}_${v} = ${a};` : `s${r}_${v} = i32x4.add(s${r}_${v}, ${a});`;
      })
    );
    return [...begin, ...range(SEGMENT).map((k) => step(g * SEGMENT + k)), ...factors, sums.join(" ")].join("\n    ");
  };
  const stored = rows.flatMap((r) =>
    [0, 1].map((half) => {
      const [one, other] = [`s${r}_${2 * half}`, `s${r}_${2 * half + 1}`];
      const [id, at] = [`${r}_${half}`, 32 * r + 16 * half];
      const pairs = shape === LARGE
        ? `const o${id} = i32x4.add(${one}, ${other}); ${laneSums(`t${id}`, one, `o${id}`)}`
        : `${laneSums(`u${id}`, one, other)}
    const t${id} = i32x4.add(u${id}, v128.shuffle<i32>(u${id}, i32x4.splat(0), 4, 4, 0, 1));`;
      return `${pairs}
    v128.store(sums, i32x4.add(v128.and(v128.load(sums, ${at}), kept), t${id}), ${at});`;
    })
  );
  return `
/**
 * x_i · the window's columns to sums[i] (of 8 columns, in pairs), i < n (a multiple of 4), added to what bits of it \`keep\` has;
 * ld the width of a row.
 */
function ${nameOf(shape, segments, narrow)}(
  x: usize, ld: usize, n: i32, begin: usize, line: usize, sums: usize, keep: i32,
): void {
  const kept = i32x4.splat(keep);
  for (let i = 0; i < n; i += ${shape.rows}) {
    ${rows.map((r) => `const x${r} = x + ${OWN_BYTES * r};`).join(" ")}
    ${range(segments).map(part).join("\n    ")}
    ${stored.join("\n    ")}
    x += ${shape === LARGE ? `${SIDE} * ld` : `i & 2 ? ${SIDE} * ld - ${2 * OWN_BYTES} : ${2 * OWN_BYTES}`}; begin += ${
    8 * shape.rows
  }; sums += ${4 * COLUMNS * shape.rows};
  }
}`;
}

/** `to`: the sums of lanes 0 and 1, and of 2 and 3, of two vectors. */
function laneSums(to: string, a: string, b: string): string {
  return `const ${to} = i32x4.add(v128.shuffle<i32>(${a}, ${b}, 0, 2, 4, 6), v128.shuffle<i32>(${a}, ${b}, 1, 3, 5, 7));`;
}

/** Sums of rows with a tile of 8 columns, segment by segment. */
function sumsKernel(shape: Shape): string {
  const groups = GROUPS.map((segments) => {
    const width = 8 * SEGMENT * segments;
    const call = (narrow: boolean): string =>
      `${nameOf(shape, segments, narrow)}(rows + ${SIDE} * at, width, whole, begins, line(), sums(), at ? -1 : 0);`;
    return `for (; at + ${width} <= width; at += ${width}, begins += ${segments} * line()) {
    memory.copy(${WINDOW}, columns + ${COLUMNS + 1} * at, ${SEGMENT_BYTES * segments});
    if (narrow()) ${call(true)}
    else ${call(false)}
  }`;
  });
  return `
/** sums[i] = rows first … first + n − 1 times a tile's 8 columns, in pairs. */
function sum${shape.name}(tile: i32, first: i32, n: i32): void {
  const width = d(), whole = (n + 3) & ~3, rows = x() + <usize>first * width, columns = w() + <usize>tile * ${
    COLUMNS + 1
  } * width;
  let at: usize = 0, begins = begin() + (<usize>first << 3);
  ${groups.join("\n  ")}
}`;
}

const APART = `
/** a, b, c, d from a, b, a + c, b + d; modulo 2^32, so it does not matter should a + c not fit. */
@inline function apart(v: v128): v128 { return i32x4.sub(v, v128.shuffle<i32>(v, i32x4.splat(0), 4, 4, 0, 1)); }`;

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
