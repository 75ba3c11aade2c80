/**
 * The names a tensor file may mention, and what each means here. Everything else is refused.
 * @module
 */
import { TorchFileError, UnsafePickleError } from "../compute/errors.ts";
import { checkRef, type Storage, type TensorRef, type TorchDtype } from "./torch_tensor.ts";
import { PickleGlobal, type PickleHost } from "./unpickle.ts";

const STORAGES: ReadonlyMap<string, TorchDtype> = new Map([
  ["torch.DoubleStorage", "float64"],
  ["torch.FloatStorage", "float32"],
  ["torch.HalfStorage", "float16"],
  ["torch.BFloat16Storage", "bfloat16"],
  ["torch.LongStorage", "int64"],
  ["torch.IntStorage", "int32"],
  ["torch.ShortStorage", "int16"],
  ["torch.CharStorage", "int8"],
  ["torch.ByteStorage", "uint8"],
  ["torch.BoolStorage", "bool"],
]);
const DTYPES: ReadonlySet<string> = new Set(
  [
    "float64 double float32 float float16 half bfloat16 int64 long int32 int int16 short int8 uint8 bool".split(" "),
  ].flat().map((name) => `torch.${name}`),
);

/** Classes of settings that checkpoints hold an object of: their fields are read, the classes don't exist here. */
const RECORDS: ReadonlySet<string> = new Set([
  "vit_prisma.sae.config.VisionModelSAERunnerConfig",
  "vit_prisma.configs.HookedViTConfig.HookedViTConfig",
]);

/** A storage as the pickle sees it; never part of a finished value that plain code would look into. */
class StorageRef implements Storage {
  constructor(readonly dtype: TorchDtype, readonly length: number, readonly key: string) {}
}

/**
 * The allow-list for torch's pickles.
 *
 * @param makeTensor Gives the object that stands in the value for a tensor.
 */
export function torchHost(path: string, makeTensor: (ref: TensorRef) => object): PickleHost {
  const storages = new Map<string, StorageRef>();
  const wrong = (what: string): never => {
    throw new TorchFileError(`Cannot read the pickle of ${path}: ${what}`, { path });
  };
  const callables = new Map<string, (args: readonly unknown[]) => unknown>([
    ["collections.OrderedDict", (args) => orderedDict(args) ?? wrong("an OrderedDict is not made of pairs")],
    ["torch._utils._rebuild_tensor_v2", (args) => {
      const [storage, offset, shape, stride] = args;
      if (
        !(storage instanceof StorageRef) || typeof offset !== "number" || !isNumbers(shape) || !isNumbers(stride)
      ) return wrong("a tensor is not made of storage, offset, shape and strides");
      // Copied: a list that becomes a shape may be appended to later in the pickle.
      return makeTensor(
        checkRef({ dtype: storage.dtype, storage, offset, shape: [...shape], stride: [...stride] }, path),
      );
    }],
    ["torch._utils._rebuild_parameter", (args) => args.length > 0 ? args[0] : wrong("a parameter holds no tensor")],
    ["torch.Size", (args) => isNumbers(args[0]) ? [...args[0]] : wrong("a torch.Size is not made of integers")],
    [
      "torch.device",
      // Lists within lists could stand for a text without end.
      (args) =>
        args.every((arg) => typeof arg === "string" || typeof arg === "number")
          ? args.join(":")
          : wrong("a torch.device is not made of a name and a number"),
    ],
    // How Python 3 writes bytes in protocol 2.
    ["_codecs.encode", (args) => latin1(args) ?? wrong("bytes are not given as Latin-1 text")],
    ["__builtin__.bytes", (args) => args.length === 0 ? new Uint8Array(0) : wrong("bytes() is called with arguments")],
    ["builtins.bytes", (args) => args.length === 0 ? new Uint8Array(0) : wrong("bytes() is called with arguments")],
  ]);
  return {
    path,
    global(symbol: string): unknown {
      const call = callables.get(symbol);
      if (call !== undefined) return new PickleGlobal(symbol, call);
      const dtype = STORAGES.get(symbol);
      if (dtype !== undefined) return new PickleGlobal(symbol, undefined, dtype);
      if (DTYPES.has(symbol)) return symbol;
      if (RECORDS.has(symbol)) return new PickleGlobal(symbol, undefined, undefined, true);
      throw new UnsafePickleError(
        `Refused to read ${path}: it asks for ${symbol}, which a file of tensors never needs; nothing was executed`,
        { path, symbol },
      );
    },
    persistent(id: unknown): unknown {
      if (!Array.isArray(id) || id[0] !== "storage" || !(id[1] instanceof PickleGlobal)) {
        return wrong("a persistent id is not a storage's");
      }
      const [, type, key, , length, view] = id;
      const dtype = type.tag as TorchDtype | undefined;
      if (dtype === undefined || typeof key !== "string" || !Number.isSafeInteger(length) || length < 0) {
        return wrong(`a storage is not made of type, key and length`);
      }
      if (view !== undefined && view !== null) {
        return wrong(`storage ${key} is a view of another, which is not supported`);
      }
      const known = storages.get(key);
      if (known !== undefined) {
        if (known.dtype !== dtype || known.length !== length) wrong(`storage ${key} is described in two ways`);
        return known;
      }
      const storage = new StorageRef(dtype, length, key);
      storages.set(key, storage);
      return storage;
    },
  };
}

function orderedDict(args: readonly unknown[]): Map<unknown, unknown> | undefined {
  if (args.length === 0) return new Map();
  const pairs = args[0];
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) return undefined;
  return new Map(pairs);
}

function latin1(args: readonly unknown[]): Uint8Array | undefined {
  const [text, encoding] = args;
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return undefined;
  // A plain loop: a hundred times faster than `Uint8Array.from` with a function.
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}
