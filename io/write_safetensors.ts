/**
 * Writes safetensors files.
 * @module
 */
import { atomicWrite } from "./atomic_write.ts";

/** A tensor to write: elements row-major, and the length of each axis. */
export interface SafetensorsOutput {
  /** Elements; the array's type is the tensor's: F32, I32, I64 or U8. */
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
  /** Length of each axis, outermost first; one axis when not given. */
  readonly shape?: readonly number[];
}

/**
 * Writes tensors by name, each aligned to its elements, whole or not at all.
 *
 * @param facts Text by name, kept as `__metadata__`.
 * @throws {ArtifactError} If it cannot be written.
 *
 * Source: the format's description in the safetensors repository (README, "Format").
 *
 * @example
 * ```ts
 * import { writeSafetensors } from "./write_safetensors.ts";
 * await writeSafetensors("tests/tmp/example.safetensors", { b: { data: new Uint8Array([3, 4]) } });
 * await Deno.remove("tests/tmp/example.safetensors");
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, SafetensorsOutput>>,
  facts: Readonly<Record<string, string>> = {},
): Promise<void> {
  // Wide elements first, so that with a padded header all are aligned and nothing lies between them.
  const sorted = Object.entries(tensors).sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  let end = 0;
  const entries = sorted.map(([name, { data, shape = [data.length] }]) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: dtypeOf(data), shape, data_offsets: [begin, end] }] as const;
  });
  const json = JSON.stringify({ "__metadata__": facts, ...Object.fromEntries(entries) });
  const text = new TextEncoder().encode(json);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  await atomicWrite(path, async (output) => {
    await output.write(header);
    for (const [, { data }] of sorted) {
      await output.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

function dtypeOf(data: SafetensorsOutput["data"]): string {
  return data instanceof Float32Array
    ? "F32"
    : data instanceof Int32Array
    ? "I32"
    : data instanceof BigInt64Array
    ? "I64"
    : "U8";
}
