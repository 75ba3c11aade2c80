/**
 * The pickle of a tensor file: protocol 2, only what `torch.load(weights_only=True)` knows.
 * @module
 */

/** A tensor as the pickle describes it. */
export interface PickledTensor {
  /** `FloatStorage`, `LongStorage`, … */
  readonly storageType: string;
  /** Name of its storage in the zip. */
  readonly key: string;
  /** Length of each axis. */
  readonly shape: readonly number[];
}

/** One tensor, or a dictionary of them. */
export function pickleTensors(value: PickledTensor | ReadonlyMap<string, PickledTensor>): Uint8Array {
  const out = new Pickler();
  out.op(0x80, 2); // PROTO
  if (value instanceof Map) {
    out.op(0x7d, 0x28); // EMPTY_DICT MARK
    for (const [name, tensor] of value as ReadonlyMap<string, PickledTensor>) {
      out.text(name);
      out.tensor(tensor);
    }
    out.op(0x75); // SETITEMS
  } else {
    out.tensor(value as PickledTensor);
  }
  out.op(0x2e); // STOP
  return out.bytes();
}

class Pickler {
  readonly #bytes: number[] = [];

  op(...bytes: number[]): void {
    this.#bytes.push(...bytes);
  }

  tensor({ storageType, key, shape }: PickledTensor): void {
    const length = shape.reduce((product, axis) => product * axis, 1);
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.op(0x28, 0x28); // MARK MARK
    this.text("storage");
    this.#global("torch", storageType);
    this.text(key);
    this.text("cpu");
    this.#integer(length);
    this.op(0x74, 0x51); // TUPLE BINPERSID
    this.#integer(0);
    this.#tuple(shape);
    this.#tuple(strides(shape));
    this.op(0x89); // NEWFALSE: no gradient
    this.#global("collections", "OrderedDict");
    this.op(0x29, 0x52, 0x74, 0x52); // EMPTY_TUPLE REDUCE: no hooks; TUPLE REDUCE
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.op(0x58, ...u32(bytes.length), ...bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #global(module: string, name: string): void {
    this.op(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`));
  }

  #tuple(values: readonly number[]): void {
    this.op(0x28);
    for (const value of values) this.#integer(value);
    this.op(0x74);
  }

  /** BININT up to 2^31 − 1, LONG1 of eight bytes past it. */
  #integer(value: number): void {
    if (value < 2 ** 31) this.op(0x4a, ...u32(value));
    else this.op(0x8a, 8, ...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32)));
  }
}

/** Elements between neighbours on each axis, row-major. torch counts empty axes as one here. */
function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    out[axis] = step;
    step *= Math.max(1, shape[axis]);
  }
  return out;
}

function u32(value: number): number[] {
  return [value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24 & 255];
}
