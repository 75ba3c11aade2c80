/**
 * The compiler of the WebAssembly kernels, for the build scripts; nothing else loads it.
 * @module
 */
import asc from "npm:assemblyscript@0.28.20/asc";

/** Flags of every build: no runtime, no assertions. */
const FLAGS = "kernels.ts -o kernels.wasm --noAssert --runtime stub --use abort= --disableWarning 201";

/**
 * Compiles AssemblyScript held in memory.
 *
 * @param source The program.
 * @param options `features` to enable, as the compiler names them; `flags` for the module's memory; `optimise`, how hard,
 *   3 if not given, 0 to keep the order of operations.
 * @returns The module's bytes.
 * @throws {Error} If it does not compile; the message is the compiler's.
 */
export async function compileKernels(
  source: string,
  { features, flags, optimise = 3 }: {
    readonly features: readonly string[];
    readonly flags: readonly string[];
    readonly optimise?: 0 | 1 | 3;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array();
  const enabled = features.flatMap((name) => ["--enable", name]);
  const { error, stderr } = await asc.main([...FLAGS.split(" "), `-O${optimise}`, ...flags, ...enabled], {
    readFile: (name: string) => name === "kernels.ts" ? source : null,
    writeFile: (_name: string, data: string | Uint8Array) => {
      if (typeof data !== "string") bytes = new Uint8Array(data);
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`Cannot compile the kernels: ${stderr.toString()}`, { cause: error });
  return bytes;
}
