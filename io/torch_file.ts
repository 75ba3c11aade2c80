/**
 * Reads what `torch.save` wrote, from any byte source, without running any of it.
 * @module
 */
import { TorchFileError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import { sizeOf, type TypedArray } from "../compute/tensor.ts";
import { torchHost } from "./_torch_globals.ts";
import { type ByteSource, readBytes } from "./byte_source.ts";
import {
  DTYPE_BYTES,
  readTensor,
  sliceRef,
  spanBytes,
  type TensorRef,
  type TorchDtype,
  type TorchTensor,
} from "./torch_tensor.ts";
import { type PickleGlobal, unpickle } from "./unpickle.ts";
import { memberOffset, zipDirectory, type ZipMember } from "./zip_directory.ts";

/** A pickle longer than this describes no tensor file. */
const MAX_PICKLE_BYTES = 64 << 20;
/** Expanded and shared tensors may make more of a file than it holds, but no more than this. */
const MAX_GROWTH = 8;
/** What any file may make, however small it is. */
const MIN_BUDGET_BYTES = 64 << 20;
/** `0x1950a86a20f946f9c6c` as a pickle: how files from before torch 1.6 begin. */
const LEGACY_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/**
 * A value of a torch file: dicts are `Map`s, lists and tuples arrays, `None` null, integers past 2^53 `bigint`, dtypes
 * strings such as `torch.float32`. A bare mention of an allowed class stays an opaque {@linkcode PickleGlobal}.
 */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | TorchTensor
  | PickleGlobal
  | TorchValue[]
  | Map<TorchValue, TorchValue>;

/** A tensor in a file that is read when asked for. */
export interface LazyTensor {
  /** Element type. */
  readonly dtype: TorchDtype;
  /** Length of each axis. */
  readonly shape: readonly number[];
  /** Reads all of it. */
  read(): Promise<TorchTensor>;
  /** Reads `start … end − 1` of the first axis. */
  readRows(start: number, end: number): Promise<TorchTensor>;
}

/** What of a torch file is read. */
export interface TorchReading {
  /**
   * Whether the elements of a tensor of the file's dictionary are read; all are if not given. Of the others type and shape are
   * known, and that the file holds them; taking their elements throws.
   */
  readonly wanted?: ((key: string) => boolean) | undefined;
}

/**
 * Reads a torch file: the zip format, and the format from before torch 1.6.
 *
 * @throws {UnsafePickleError} If it needs anything but plain data and tensors; nothing is executed.
 * @throws {TorchFileError} If it is damaged, truncated, big-endian, or would make far more tensors than it holds.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * import { readTorch } from "./torch_file.ts";
 * const failure = await readTorch(memorySource("no.pt", new Uint8Array(9))).catch((error: Error) => error.name);
 * console.assert(failure === "TorchFileError");
 * ```
 */
export async function readTorch(source: ByteSource, { wanted }: TorchReading = {}): Promise<TorchValue> {
  const pending: { tensor: { data: TypedArray }; ref: TensorRef }[] = [];
  const file = await openParts(source, (ref) => {
    const tensor = { dtype: ref.dtype, shape: ref.shape, data: new Uint8Array(0) as TypedArray };
    pending.push({ tensor, ref });
    return tensor;
  });
  checkBudget(source, pending.map(({ ref }) => ref));
  const value = file.value as TorchValue;
  const unread = unwanted(value, wanted);
  for (const { tensor, ref } of pending) {
    const start = await file.storageStart(ref);
    const name = unread.get(tensor);
    if (name === undefined) tensor.data = (await readTensor(source, start, ref)).data;
    else Object.defineProperty(tensor, "data", { get: () => throwUnread(name) });
  }
  return value;
}

/** Tensors of a dictionary that only keys nobody wants name, and one of these keys. */
function unwanted(value: TorchValue, wanted: TorchReading["wanted"]): Map<unknown, string> {
  const unread = new Map<unknown, string>();
  if (wanted === undefined || !(value instanceof Map)) return unread;
  for (const [key, item] of value) if (typeof key === "string" && !wanted(key)) unread.set(item, key);
  for (const [key, item] of value) if (typeof key !== "string" || wanted(key)) unread.delete(item);
  return unread;
}

function throwUnread(name: string): never {
  throw new Error(`The elements of ${name} were not read, as nobody wanted them`);
}

/**
 * Opens a torch file that holds a single tensor, without reading its elements.
 *
 * @throws {UnsafePickleError} If it needs anything but plain data and tensors.
 * @throws {TorchFileError} If it is damaged, or holds something else than one tensor.
 *
 * @example
 * ```ts
 * import { openFile } from "./open_file.ts";
 * import { openTensor } from "./torch_file.ts";
 * const file = await openFile("fixtures/golden/emoji-sort_by_patch/top_values.pt");
 * const heatmaps = await (await openTensor(file)).readRows(546, 547);
 * console.assert(heatmaps.shape.join() === "1,8,64");
 * file.close();
 * ```
 */
export async function openTensor(source: ByteSource): Promise<LazyTensor> {
  let only: TensorRef | undefined;
  const { value, storageStart } = await openParts(source, (ref) => only = ref);
  const ref = only;
  if (ref === undefined || value !== ref) return fail(source, "it does not hold a single tensor");
  checkBudget(source, [ref]);
  const readPart = async (part: TensorRef): Promise<TorchTensor> =>
    await readTensor(source, await storageStart(part), part);
  return {
    dtype: ref.dtype,
    shape: ref.shape,
    read: () => readPart(ref),
    readRows: async (start, end) => await readPart(sliceRef(ref, start, end)),
  };
}

/** Refuses tensors that take far more memory than the file has bytes: expanded ones take as much as they like. */
function checkBudget(source: ByteSource, refs: readonly TensorRef[]): void {
  const budget = Math.max(MIN_BUDGET_BYTES, MAX_GROWTH * source.size);
  let claimed = 0;
  for (const ref of refs) claimed += Math.max(sizeOf(ref.shape) * Math.max(4, DTYPE_BYTES[ref.dtype]), spanBytes(ref));
  if (claimed > budget) {
    fail(source, `its tensors take ${claimed} bytes, and a file of ${source.size} bytes may make ${budget}`);
  }
}

interface Parts {
  readonly value: unknown;
  /** Byte offset of a tensor's storage; checks that the file holds all of it. */
  readonly storageStart: (ref: TensorRef) => Promise<number>;
}

async function openParts(source: ByteSource, makeTensor: (ref: TensorRef) => object): Promise<Parts> {
  const head = await readBytes(source, 0, LEGACY_MAGIC.length);
  const isLegacy = LEGACY_MAGIC.every((byte, i) => head[i] === byte);
  return isLegacy ? await openLegacy(source, makeTensor) : await openZip(source, makeTensor);
}

async function openZip(source: ByteSource, makeTensor: (ref: TensorRef) => object): Promise<Parts> {
  const members = await zipDirectory(source);
  const pickleName = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) return fail(source, "it is a zip without a data.pkl");
  const folder = pickleName.slice(0, -"data.pkl".length);
  const byteOrder = members.get(`${folder}byteorder`);
  if (byteOrder !== undefined) {
    const text = new TextDecoder().decode(await readMember(source, byteOrder, 16));
    if (text !== "little") fail(source, `it was written in ${text}-endian byte order, and only little-endian is read`);
  }
  const pickle = await readMember(source, members.get(pickleName)!, MAX_PICKLE_BYTES);
  const { value } = unpickle(pickle, torchHost(source.path, makeTensor));
  return {
    value,
    storageStart: async ({ storage }) => {
      const member = members.get(`${folder}data/${storage.key}`);
      if (member === undefined) return fail(source, `storage ${storage.key} is missing`);
      const needed = storage.length * DTYPE_BYTES[storage.dtype];
      if (member.size < needed) {
        fail(source, `storage ${storage.key} holds ${member.size} bytes, and ${needed} were expected`);
      }
      return await memberOffset(source, member);
    },
  };
}

/** Magic, protocol, machine, value and keys as five pickles; then per key an int64 length and the elements. */
async function openLegacy(source: ByteSource, makeTensor: (ref: TensorRef) => object): Promise<Parts> {
  const head = await readBytes(source, 0, MAX_PICKLE_BYTES);
  const storages = new Map<string, { dtype: TorchDtype; length: number }>();
  const host = torchHost(source.path, makeTensor);
  const watching = {
    ...host,
    persistent: (id: unknown): unknown => {
      const storage = host.persistent(id) as { dtype: TorchDtype; length: number; key: string };
      storages.set(storage.key, storage);
      return storage;
    },
  };
  const protocol = unpickle(head, host, LEGACY_MAGIC.length);
  if (protocol.value !== 1001) {
    fail(source, `it is of the old format's protocol ${shown(protocol.value)}, and 1001 is read`);
  }
  const machine = unpickle(head, host, protocol.end);
  if (!(machine.value instanceof Map) || machine.value.get("little_endian") !== true) {
    fail(source, "it was written in big-endian byte order, and only little-endian is read");
  }
  const value = unpickle(head, watching, machine.end);
  const keys = unpickle(head, host, value.end);
  if (!Array.isArray(keys.value)) fail(source, "its list of storages is missing");
  const starts = new Map<string, number>();
  let at = keys.end;
  for (const key of keys.value as unknown[]) {
    const storage = storages.get(key as string);
    const length = await readBytes(source, at, 8);
    if (storage === undefined || length.length < 8) {
      return fail(source, `storage ${shown(key)} is missing; it is truncated`);
    }
    const stated = new DataView(length.buffer, length.byteOffset).getBigInt64(0, true);
    const bytes = storage.length * DTYPE_BYTES[storage.dtype];
    if (stated !== BigInt(storage.length) || at + 8 + bytes > source.size) {
      fail(source, `storage ${key} holds ${stated} elements or is truncated, and ${storage.length} were expected`);
    }
    starts.set(key as string, at + 8);
    at += 8 + bytes;
  }
  return {
    value: value.value,
    storageStart: ({ storage }) =>
      Promise.resolve(starts.get(storage.key) ?? fail(source, `storage ${storage.key} is missing`)),
  };
}

async function readMember(source: ByteSource, member: ZipMember, maxBytes: number): Promise<Uint8Array> {
  if (member.size > maxBytes) {
    fail(source, `member ${member.name} holds ${member.size} bytes, at most ${maxBytes} expected`);
  }
  const bytes = await readBytes(source, await memberOffset(source, member), member.size);
  if (bytes.length < member.size) fail(source, `member ${member.name} is truncated`);
  return bytes;
}

function fail(source: ByteSource, what: string): never {
  throw new TorchFileError(`Cannot read ${source.path} as a torch file: ${what}`, { path: source.path });
}
