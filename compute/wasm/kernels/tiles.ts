/**
 * Kernel text that is easier to write as loops than by hand: unrolled tiles in AssemblyScript.
 *
 * **The order of summation.** Every pre-activation, whichever kernel makes it, is the same sequence of operations: eight
 * running sums, sum_l over k = l, l + 8, l + 16, …, each step `fma(x_k, w_k, sum_l)` (mul, then add in the plain build);
 * `t_l = sum_l + sum_(l + 4)` for l < 4; then `((t_0 + t_2) + (t_1 + t_3)) + bias`. So a value has the same bits however rows
 * and columns are grouped, and the exact pass after screening equals the dense one.
 * @module
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Rows and columns of the dense tile, and how often its loop is unrolled; the fastest of those measured. */
const DENSE = { rows: 2, columns: 4, unroll: 2 };

/**
 * The inner loop of a product in dot form: adds up every `stride` bytes from byte `from` on, up to where x0 is `end`; with
 * several letters in `sums` in turns, as one addition waits for the one before.
 */
function dotLoop(rows: number, columns: number, unroll: number, sums = "a", from = 0, stride = 16): string {
  const steps = range(unroll).map((u) => {
    const at = from + stride * u;
    const x = range(rows).map((r) => `const p${r} = v128.load(x${r}, ${at});`);
    const w = range(columns).map((c) =>
      `const q${c} = v128.load(w${c}, ${at}); ` +
      range(rows).map((r) => `${sums[u % sums.length]}${r}_${c}`).map((sum, r) =>
        `${sum} = fma4(p${r}, q${c}, ${sum});`
      )
        .join(" ")
    );
    return `{ ${[...x, ...w].join("\n")} }`;
  });
  const advance = [...range(rows).map((r) => `x${r}`), ...range(columns).map((c) => `w${c}`)]
    .map((pointer) => `${pointer} += ${stride * unroll};`).join(" ");
  return `do {\n${steps.join("\n")}\n${advance}\n} while (x0 != end);`;
}

const declare = (rows: number, columns: number, sums = "a"): string =>
  range(rows).flatMap((r) => range(columns).map((c) => `let ${sums}${r}_${c} = f32x4.splat(0);`)).join(" ");

/** A tile of 2 rows by 4 columns over all rows of a chunk; `epilogue(r)` uses `sums`, four pre-activations of row i + r. */
function denseKernel(head: string, setup: string, epilogue: (r: number) => string): string {
  const { rows, columns, unroll } = DENSE;
  return `
${head} {
  const ld = dPad() << 2, w = wt() + <usize>j * ld, bias4 = v128.load(bias() + (<usize>j << 2));
  ${setup}
  for (let i = 0; i < n; i += ${rows}) {
    ${range(rows).map((r) => `let x${r} = x + <usize>min(i + ${r}, n - 1) * ld;`).join(" ")}
    ${range(columns).map((c) => `let w${c} = w + ${c} * ld;`).join(" ")}
    const end = x0 + ld;
    ${declare(rows, columns)}
    ${dotLoop(rows, columns, unroll, "a", 0, 32)}
    ${range(rows).map((r) => `x${r} -= ld;`).join(" ")} ${range(columns).map((c) => `w${c} -= ld;`).join(" ")}
    ${declare(rows, columns, "b")}
    ${dotLoop(rows, columns, unroll, "b", 16, 32)}
    ${
    range(rows).map((r) =>
      `if (i + ${r} < n) { const sums = f32x4.add(laneSums(${
        range(columns).map((c) => `f32x4.add(a${r}_${c}, b${r}_${c})`).join(", ")
      }), bias4); ${epilogue(r)} }`
    ).join("\n    ")
  }
  }
}`;
}

/** All kernels of this file. */
export function tileKernels(): string {
  const lanes = `
/** (a0 + a2) + (a1 + a3) of four vectors, one a lane. */
@inline function laneSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}`;
  const dense = denseKernel(
    `/** Appends what fires in columns j … j + 3, the block's c … c + 3, among n rows of the chunk from \`first\` on. */
function denseTile(s: usize, j: i32, c: i32, first: i32, n: i32, rows: usize): void`,
    `const t = v128.load(threshold() + (<usize>j << 2)), x = rows + <usize>first * ld;`,
    (r) =>
      `let mask = i32x4.bitmask(f32x4.gt(sums, t)); if (mask) { v128.store(s + TILE, sums); do { const lane = ctz(mask); mask &= mask - 1; append(s, c + lane, first + i + ${r}, load<f32>(s + TILE + (<usize>lane << 2))); } while (mask); }`,
  );
  const append = `
/** Notes that a column of the block fires in a row. */
@inline function append(s: usize, column: i32, row: i32, value: f32): void {
  const end = load<u32>(s + FIRED_END);
  store<u32>(end, <u32>column << 16 | <u32>row);
  store<f32>(end, value, 4);
  store<u32>(s + FIRED_END, end + 8);
}`;
  const stored = denseKernel(
    `/** Writes the pre-activations of columns j … j + 3, rows first … first + n − 1 of the chunk, to \`pre\`. */
function storeTile(j: i32, first: i32, n: i32, rows: usize): void`,
    "const x = rows + <usize>first * ld;",
    (r) => `v128.store(pre() + ((<usize>(first + i + ${r}) * nPad() + <usize>j) << 2), sums);`,
  );
  return [
    lanes,
    append,
    dense,
    stored,
    productKernel(),
    groupKernels(),
    exactKernel(
      "Computes what the screen left of the block from column j on, rows first … first + n − 1, and notes what fires.",
      "exactRows",
      `// Without a branch that nobody could foretell: what does not fire is written past the end.
        store<u32>(next, <u32>c << 16 | <u32>(first + i));
        store<f32>(next, v, 4);
        next += <usize>(v > load<f32>(cuts + (<usize>c << 2))) << 3;`,
      { before: "let next: usize = load<u32>(s + FIRED_END);", after: "store<u32>(s + FIRED_END, next);" },
    ),
    exactKernel(
      "The same, but writes it to \`pre\`.",
      "storeExact",
      "store<f32>(pre() + ((<usize>(first + i) * nPad() + <usize>(j + c)) << 2), v);",
    ),
    shrinkKernel(),
  ].join("\n");
}

/** Columns that a row meets at a time in the exact pass, at most, and how often the loop over dimensions is unrolled. */
const EXACT = { group: 6, unroll: 8 };

/** A row against 1, 2, … columns of a list: a kernel of its own for every number, so that nothing is computed in vain. */
function groupKernels(): string {
  const kernel = (n: number): string => {
    const g = range(n);
    const step = (u: number): string =>
      `{ const q = v128.load(p, ${16 * u}); ${
        g.map((c) => `${"ab"[u % 2]}${c} = fma4(q, v128.load(w${c}, ${16 * u}), ${"ab"[u % 2]}${c});`).join(" ")
      } }`;
    const four = (from: number): string =>
      range(4).map((c) => from + c < n ? `f32x4.add(a${from + c}, b${from + c})` : "f32x4.splat(0)").join(", ");
    return `
/** Writes the products of a row at x with the first ${n} columns of a list to \`to\`, less their biases. */
function dots${n}(x: usize, ld: usize, w: usize, list: usize, to: usize): void {
  ${
      g.map((c) =>
        `let w${c} = w + <usize>load<i32>(list, ${4 * c}) * ld, a${c} = f32x4.splat(0), b${c} = f32x4.splat(0);`
      )
        .join("\n  ")
    }
  const end = x + ld;
  let p = x;
  do {
    ${range(EXACT.unroll).map(step).join("\n    ")}
    p += ${16 * EXACT.unroll}; ${g.map((c) => `w${c} += ${16 * EXACT.unroll};`).join(" ")}
  } while (p != end);
  ${range(Math.ceil(n / 4)).map((q) => `v128.store(to, laneSums(${four(4 * q)}), ${16 * q});`).join("\n  ")}
}`;
  };
  return `${range(EXACT.group).map((n) => kernel(n + 1)).join("\n")}

/** The same for the first n columns, at most ${EXACT.group}. */
@inline function dots(n: i32, x: usize, ld: usize, w: usize, list: usize, to: usize): void {
  ${range(EXACT.group).map((n) => `if (n == ${n + 1}) dots${n + 1}(x, ld, w, list, to);`).join("\n  else ")}
}

/** How many columns a row takes next of \`left\`: even shares rather than a small rest. */
@inline function groupOf(left: i32): i32 {
  return left > ${2 * EXACT.group - 1} ? ${EXACT.group} : left > ${EXACT.group} ? (left + 1) >> 1 : left;
}`;
}

/** The exact pass: a row against the columns that the screen left it; `epilogue` uses the value v of column c. */
function exactKernel(text: string, name: string, epilogue: string, { before = "", after = "" } = {}): string {
  return `
/** ${text} */
function ${name}(s: usize, j: i32, first: i32, n: i32, rows: usize): void {
  const ld = dPad() << 2, w = wt() + <usize>j * ld, list = columnSpace(s), sums = s + TILE;
  const biases = bias() + (<usize>j << 2), cuts = threshold() + (<usize>j << 2);
  ${before}
  let x = rows + <usize>first * ld;
  for (let i = 0; i < n; i++, x += ld) {
    let from = list, left = listAlive(maskSpace(s) + (<usize>i << 4), list);
    while (left > 0) {
      const group = groupOf(left);
      dots(group, x, ld, w, from, sums);
      left -= group;
      for (let at: usize = 0, end = <usize>group << 2; at < end; at += 4, from += 4) {
        const c = load<i32>(from), v = load<f32>(sums + at) + load<f32>(biases + (<usize>c << 2));
        ${epilogue}
      }
    }
  }
  ${after}
}`;
}

/** A product of two row-major matrices along their rows, 4 columns of it. */
function productKernel(): string {
  return `
/** c[i, 0 … 3] = a[i] · b[0 … 3] for i < m; ld and ldc in bytes. */
function productTile(a: usize, b: usize, c: usize, m: i32, ld: usize, ldc: usize): void {
  for (let i = 0; i < m; i++, c += ldc) {
    let x0 = a + <usize>i * ld;
    ${range(4).map((i) => `let w${i} = b + ${i} * ld;`).join(" ")}
    const end = x0 + ld;
    ${declare(1, 4)}
    ${dotLoop(1, 4, 2)}
    v128.store(c, laneSums(a0_0, a0_1, a0_2, a0_3));
  }
}`;
}

/** The balancing of two rows, which share the directions that they meet: z = y + V(t∘Vᵀy). */
function shrinkKernel(): string {
  const rows = range(2), four = range(4);
  return `
/** z = y + Σ_i t_i (v_i·y) v_i; the directions four at a time, then 16 values at a time, the sums in one chain per value. */
function shrinkDirections(y0: usize, z0: usize, y1: usize, z1: usize): void {
  const ld = dScreen() << 2, r = rank() << 2, ${rows.map((n) => `along${n} = z${n} + ld`).join(", ")};
  for (let i: usize = 0; i < r; i += 16) {
    ${rows.map((n) => `let x${n} = y${n};`).join(" ")}
    const v = screenV() + (i >> 2) * ld, t = v128.load(screenT() + i);
    ${four.map((i) => `let w${i} = v + ${i} * ld;`).join(" ")}
    const end = x0 + ld;
    ${declare(2, 4)}
    ${dotLoop(2, 4, 4)}
    ${
    rows.map((n) => `v128.store(along${n} + i, f32x4.mul(laneSums(${four.map((c) => `a${n}_${c}`).join(", ")}), t));`)
      .join("\n    ")
  }
  }
  for (let at: usize = 0; at < ld; at += 64) {
    ${rows.map((n) => four.map((i) => `let s${n}_${i} = v128.load(y${n} + at, ${16 * i});`).join(" ")).join("\n    ")}
    let v = screenV() + at;
    for (let i: usize = 0; i < r; i += 4, v += ld) {
      ${rows.map((n) => `const c${n} = v128.load32_splat(along${n} + i);`).join(" ")}
      ${
    four.map((i) =>
      `const v${i} = v128.load(v, ${16 * i}); ${
        rows.map((n) => `s${n}_${i} = fma4(c${n}, v${i}, s${n}_${i});`).join(" ")
      }`
    ).join("\n      ")
  }
    }
    ${rows.map((n) => four.map((i) => `v128.store(z${n} + at, s${n}_${i}, ${16 * i});`).join(" ")).join("\n    ")}
  }
}`;
}
