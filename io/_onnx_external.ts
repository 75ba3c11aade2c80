/**
 * Which files beside an ONNX model hold its weights.
 *
 * Walks the protobuf's tags and lengths and looks into nothing but `graph.initializer.external_data`: a message of fields,
 * each a number (field · 8 + type) and a varint, eight bytes, four bytes, or a length and so many bytes.
 * @module
 */

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/**
 * The locations named, each once, in order.
 *
 * @throws {RangeError} If the bytes are no such message.
 *
 * @example
 * ```ts
 * import { externalLocations } from "./_onnx_external.ts";
 * console.assert(externalLocations(await Deno.readFile("fixtures/demo/vit.onnx")).length === 0);
 * ```
 */
export function externalLocations(model: Uint8Array): string[] {
  const text = new TextDecoder();
  const found = new Set<string>();
  for (const graph of children(model, MODEL_GRAPH)) {
    for (const tensor of children(graph, GRAPH_INITIALIZER)) {
      for (const entry of children(tensor, TENSOR_EXTERNAL_DATA)) {
        const [key] = children(entry, ENTRY_KEY);
        const [value] = children(entry, ENTRY_VALUE);
        if (key !== undefined && value !== undefined && text.decode(key) === "location") found.add(text.decode(value));
      }
    }
  }
  return [...found];
}

/** The length-delimited fields of one number. */
function* children(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= message.length) throw new RangeError("A field ends early");
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("A number is longer than ten bytes");
  };
  while (at < message.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (field < 1) throw new RangeError("A field has no number");
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (length > message.length - at) throw new RangeError("A field ends early");
      if (field === wanted) yield message.subarray(at, at + length);
      at += length;
    } else throw new RangeError(`A field is of the unknown type ${type}`);
  }
  if (at > message.length) throw new RangeError("A field ends early");
}
