/**
 * Reads a torch file without running any code from it.
 * @module
 */
import { TorchFileError } from "../compute/errors.ts";
import { openFile } from "./open_file.ts";
import { readTorch, type TorchValue } from "./torch_file.ts";

/**
 * Reads what `torch.save` wrote: the value with every tensor in it.
 *
 * Unlike Python's `torch.load`, nothing of the file is executed: the pickle reader knows a short list of names and refuses
 * every other. `float16` and `bfloat16` are widened to f32, strides and shared storages are resolved.
 *
 * Source: formats.md of this system's specification; upstream's `safe_load`.
 *
 * @throws {UnsafePickleError} If the file asks for anything but plain data and tensors; `symbol` says what.
 * @throws {TorchFileError} If there is no such file, or it is damaged or truncated.
 *
 * @example
 * ```ts
 * import { safeLoad } from "./safe_load.ts";
 * const value = await safeLoad("fixtures/golden/torch-files/transposed.pt");
 * console.assert(value !== null && typeof value === "object" && "shape" in value && value.shape[0] === 6);
 * ```
 */
export async function safeLoad(path: string): Promise<TorchValue> {
  const file = await openFile(path).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TorchFileError(`Cannot find ${path}: give the path of a file that torch.save wrote`, { path }, {
      cause: error,
    });
  });
  try {
    return await readTorch(file);
  } finally {
    file.close();
  }
}
