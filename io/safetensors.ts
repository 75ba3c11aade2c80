/**
 * Reads safetensors files: a JSON header that lists tensors, then their elements.
 * @module
 */
import { CheckpointError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import { sizeOf } from "../compute/tensor.ts";
import { type ByteSource, readBytes } from "./byte_source.ts";
import { DTYPE_BYTES, readTensor, type TorchDtype, type TorchTensor } from "./torch_tensor.ts";

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: Readonly<Record<string, TorchDtype>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

/**
 * Whether a source begins as a safetensors file does: a length that fits, and a JSON object.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * import { isSafetensors } from "./safetensors.ts";
 * const bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
 * console.assert(await isSafetensors(memorySource("empty", bytes)));
 * ```
 */
export async function isSafetensors(source: ByteSource): Promise<boolean> {
  const head = await readBytes(source, 0, 9);
  if (head.length < 9 || head[8] !== 0x7b) return false;
  return headerLength(head) <= BigInt(source.size - 8);
}

/**
 * Reads every tensor of a safetensors file, in the header's order.
 *
 * Numbers are widened as in torch files: F16 and BF16 exactly to f32. `__metadata__` is left out.
 *
 * Source: the format's description in the safetensors repository (README, "Format").
 *
 * @throws {CheckpointError} If the header is not JSON, a tensor is of an unknown type, its bytes lie outside of the file,
 *   are not as many as its shape needs, or overlap another's.
 * @throws {TorchFileError} If the file ends while it is read.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * import { readSafetensors } from "./safetensors.ts";
 * const header = new TextEncoder().encode('{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}');
 * const bytes = new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...header, 3, 4]);
 * const tensors = await readSafetensors(memorySource("two", bytes));
 * console.assert(tensors.get("b")?.data.join() === "3,4");
 * ```
 */
export async function readSafetensors(source: ByteSource): Promise<Map<string, TorchTensor>> {
  const { header, start } = await readHeader(source);
  const ends: [begin: number, end: number, name: string][] = [];
  const tensors = new Map<string, TorchTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const known = typeof dtype === "string" && Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
    if (known === undefined) return fail(source, `${name} is of type ${shown(dtype)}, which is not read`);
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
      return fail(source, `${name} has no shape or no data_offsets`);
    }
    const [begin, end] = offsets;
    const bytes = shape.reduce((product, axis) => product * axis, DTYPE_BYTES[known]);
    if (begin > end || end > source.size - start) {
      return fail(source, `${name} lies at bytes ${begin} to ${end} of ${source.size - start}; it is truncated`);
    }
    if (end - begin !== bytes) {
      return fail(
        source,
        `${name} of shape [${shape.join(", ")}] takes ${end - begin} bytes, and ${bytes} were expected`,
      );
    }
    if (begin < end) ends.push([begin, end, name]);
    tensors.set(name, { dtype: known, shape, data: new Uint8Array(0) });
  }
  ends.sort((a, b) => a[0] - b[0]);
  ends.forEach(([begin, , name], i) => {
    if (i > 0 && begin < ends[i - 1][1]) fail(source, `the bytes of ${ends[i - 1][2]} and ${name} overlap`);
  });
  for (const [name, { dtype, shape }] of tensors) {
    const [begin] = (header[name] as { data_offsets: number[] }).data_offsets;
    const stride = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    const storage = { dtype, length: sizeOf(shape), key: name };
    tensors.set(name, await readTensor(source, start + begin, { dtype, shape, stride, offset: 0, storage }));
  }
  return tensors;
}

/**
 * The text that a safetensors file keeps beside its tensors, `__metadata__`, by name; what is no text is left out.
 *
 * @throws {CheckpointError} If the header is not JSON.
 * @throws {TorchFileError} If the file ends while it is read.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * import { readSafetensorsFacts } from "./safetensors.ts";
 * const header = new TextEncoder().encode('{"__metadata__":{"format":"pt"}}');
 * const facts = await readSafetensorsFacts(memorySource("none", new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...header])));
 * console.assert(facts.get("format") === "pt");
 * ```
 */
export async function readSafetensorsFacts(source: ByteSource): Promise<Map<string, string>> {
  const { header } = await readHeader(source);
  const facts = Object.entries(header["__metadata__"] ?? {});
  return new Map(facts.filter((fact): fact is [string, string] => typeof fact[1] === "string"));
}

/** The header, and where the tensors' bytes begin. */
async function readHeader(source: ByteSource): Promise<{ header: Record<string, unknown>; start: number }> {
  const head = await readBytes(source, 0, 8);
  const length = head.length < 8 ? -1n : headerLength(head);
  if (length < 0n || length > BigInt(Math.min(MAX_HEADER_BYTES, source.size - 8))) {
    return fail(source, `its header claims ${length < 0n ? "no" : length} bytes of a file of ${source.size}`);
  }
  return { header: parseHeader(source, await readBytes(source, 8, Number(length))), start: 8 + Number(length) };
}

function parseHeader(source: ByteSource, bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    return fail(source, `its header is not JSON (${(cause as Error).message})`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) fail(source, "its header is no object");
  return header as Record<string, unknown>;
}

function headerLength(head: Uint8Array): bigint {
  return new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function fail(source: ByteSource, what: string): never {
  throw new CheckpointError(`Cannot read ${source.path} as safetensors: ${what}`, {
    path: source.path,
    key: "header",
    found: what,
    expected: "a safetensors file",
  });
}
