/**
 * Compiles the picture kernels: writes `render/wasm/build/pictures.generated.ts`; with `--check` it compares instead and fails on a
 * difference. Needs the compiler's package and nothing else.
 * @module
 */
import { compileKernels } from "./_compile_kernels.ts";
import { tableDeclarations } from "../../render/wasm/layout.ts";

/** Where the kernels are at home. */
const HOME = new URL("../../render/wasm/", import.meta.url);

/** Kernel files, in reading order. */
const FILES = ["resize", "heatmap", "filter", "checksums", "huffman", "deflate"];

async function compile(): Promise<Uint8Array> {
  const texts = await Promise.all(
    FILES.map((name) => Deno.readTextFile(new URL(`kernels/${name}.as`, HOME))),
  );
  const source = [tableDeclarations(), ...texts].join("\n");
  return await compileKernels(source, { features: ["simd", "bulk-memory"], flags: ["--initialMemory", "2"] });
}

if (import.meta.main) {
  const path = new URL("build/pictures.generated.ts", HOME);
  const text = `// Made by tests/generate/picture_kernels.ts from render/wasm/kernels; do not edit.\n` +
    `/** The picture kernels, base64. */\nexport const PICTURES_WASM: string =\n  "${(await compile()).toBase64()}";\n`;
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(path, text);
  } else if (await Deno.readTextFile(path) !== text) {
    throw new Error(
      "The committed picture kernels differ from their sources: run deno task wasm:build and commit the result",
    );
  }
}
