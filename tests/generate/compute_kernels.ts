/**
 * Compiles the kernels: `deno task wasm:build` writes `compute/wasm/build/*.generated.ts`; with `--check` it compares
 * instead and exits 1 on a difference. Needs the npm package assemblyscript and nothing else.
 * @module
 */
import { compileKernels } from "./_compile_kernels.ts";
import { F64_FIELDS, fieldAddress, U32_FIELDS } from "../../compute/wasm/fields.ts";
import { screenSource } from "../../compute/wasm/kernels/screen_tiles.ts";
import { tileKernels } from "../../compute/wasm/kernels/tiles.ts";

/** Where the kernels are at home. */
const HOME = new URL("../../compute/wasm/", import.meta.url);

/** Kernel files, in reading order. */
const FILES = [
  "sync",
  "rows",
  "percentile",
  "heap",
  "fold_column",
  "topk_rows",
  "rotate",
  "quantise_rows",
  "quantise_columns",
  "screen_block",
  "products",
  "probe",
  "pass",
  "setup",
];

/** The two builds. */
const VARIANTS = {
  relaxed: {
    features: ["relaxed-simd"],
    fma4: "f32x4.relaxed_madd(a, b, c)",
    fma2: "f64x2.relaxed_madd(a, b, c)",
    dot8: "i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, c)",
    pairs8: "i16x8.add(i16x8.relaxed_dot_i8x16_i7x16_s(a, b), c)",
  },
  plain: {
    features: [],
    fma4: "f32x4.add(f32x4.mul(a, b), c)",
    fma2: "f64x2.add(f64x2.mul(a, b), c)",
    // Plain SIMD has no fast dot product of bytes: such an engine does not screen, so these are never called.
    dot8: "c",
    pairs8: "c",
  },
};

/** What comes before the kernels: parameters, the multiply-adds, and the clock. */
function prelude({ fma4, fma2, dot8, pairs8 }: Record<"fma4" | "fma2" | "dot8" | "pairs8", string>): string {
  const u32 = U32_FIELDS.map((name) =>
    `@inline function ${name}(): usize { return load<u32>(${fieldAddress(name)}); }`
  );
  const f64 = F64_FIELDS.map((name) => `@inline function ${name}(): f64 { return load<f64>(${fieldAddress(name)}); }`);
  return [
    `@external("env", "now") declare function now(): f64;`,
    `@inline function fma4(a: v128, b: v128, c: v128): v128 { return ${fma4}; }`,
    `@inline function fma2(a: v128, b: v128, c: v128): v128 { return ${fma2}; }`,
    `@inline function dot8(a: v128, b: v128, c: v128): v128 { return ${dot8}; }`,
    `@inline function pairs8(a: v128, b: v128, c: v128): v128 { return ${pairs8}; }`,
    ...u32,
    ...f64,
  ].join("\n");
}

const FEATURES = ["simd", "threads", "bulk-memory"];

/** Compiles one variant. */
async function compile(variant: keyof typeof VARIANTS): Promise<Uint8Array> {
  const { features, ...operations } = VARIANTS[variant];
  const texts = await Promise.all(
    FILES.map((name) => Deno.readTextFile(new URL(`kernels/${name}.as`, HOME))),
  );
  const source = [prelude(operations), tileKernels(), ...texts].join("\n");
  return await compileKernels(source, {
    features: [...FEATURES, ...features],
    optimise: 1, // why no more: compute/wasm/README.md
    flags: ["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
  });
}

/** Compiles the screen, for relaxed SIMD alone: plain SIMD has no fast product of bytes. */
async function compileScreen(): Promise<Uint8Array> {
  return await compileKernels(screenSource(), {
    features: [...FEATURES, ...VARIANTS.relaxed.features],
    optimise: 0, // why: screen_tiles.ts
    flags: ["--importMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
  });
}

/** The module that carries the bytes. */
function carrier(name: string, about: string, bytes: Uint8Array): string {
  const base64 = bytes.toBase64();
  return `// Made by tests/generate/compute_kernels.ts from compute/wasm/kernels; do not edit.\n` +
    `/** ${about}, base64. */\nexport const ${name.toUpperCase()}_WASM: string =\n  "${base64}";\n`;
}

if (import.meta.main) {
  let stale = false;
  const modules: [name: string, about: string, bytes: Uint8Array][] = [
    ["relaxed", "The relaxed SIMD kernels", await compile("relaxed")],
    ["plain", "The plain SIMD kernels", await compile("plain")],
    ["screen", "The screen, relaxed SIMD", await compileScreen()],
  ];
  for (const [name, about, bytes] of modules) {
    const path = new URL(`build/${name}.generated.ts`, HOME);
    const text = carrier(name, about, bytes);
    if (!Deno.args.includes("--check")) {
      await Deno.writeTextFile(path, text);
    } else if (await Deno.readTextFile(path) !== text) {
      stale = true;
    }
  }
  if (stale) {
    throw new Error("The committed kernels differ from their sources: run deno task wasm:build and commit the result");
  }
}
