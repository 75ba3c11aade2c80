/**
 * Writes ONNX graphs as protobuf, field by field: models small enough to know every number of.
 * @module
 */

const text = new TextEncoder();

/** A protobuf varint. */
export function varint(n: number): number[] {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n & 127) | 128);
  return [...bytes, n];
}
/** A field that holds a number. */
export const number = (field: number, n: number): number[] => [...varint(field << 3), ...varint(n)];
/** A field that holds bytes. */
export const bytes = (field: number, b: Iterable<number>): number[] => {
  const body = [...b];
  return [...varint((field << 3) | 2), ...varint(body.length), ...body];
};
/** A field that holds text. */
export const string = (field: number, s: string): number[] => bytes(field, text.encode(s));

/** Element types of TensorProto. */
export const FLOAT = 1, INT64 = 7, FLOAT16 = 10;

/** ValueInfoProto of a tensor; named axes are free. */
export function value(name: string, type: number, ...axes: (string | number)[]): number[] {
  const dims = axes.flatMap((axis) => bytes(1, typeof axis === "number" ? number(1, axis) : string(2, axis)));
  return [...string(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, dims)]))];
}

/** NodeProto; attributes are integers. */
export function node(
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Readonly<Record<string, number>> = {},
): number[] {
  return [
    ...inputs.flatMap((s) => string(1, s)),
    ...outputs.flatMap((s) => string(2, s)),
    ...string(4, op),
    ...Object.entries(attributes).flatMap(([name, n]) =>
      bytes(5, [...string(1, name), ...number(3, n), ...number(20, 2)])
    ),
  ];
}

/** TensorProto of integers. */
export function integers(name: string, values: readonly number[], dims: readonly number[] = [values.length]): number[] {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return [...dims.flatMap((d) => number(1, d)), ...number(2, INT64), ...string(8, name), ...bytes(9, raw)];
}

/** TensorProto of floats; with a location its values lie in that file. */
export function floats(name: string, values: readonly number[], dims: readonly number[], location?: string): number[] {
  const raw = new Uint8Array(Float32Array.from(values).buffer);
  const head = [...dims.flatMap((d) => number(1, d)), ...number(2, FLOAT), ...string(8, name)];
  if (location === undefined) return [...head, ...bytes(9, raw)];
  const entry = (key: string, v: string): number[] => bytes(13, [...string(1, key), ...string(2, v)]);
  return [
    ...head,
    ...entry("location", location),
    ...entry("offset", "0"),
    ...entry("length", String(raw.length)),
    ...number(14, 1),
  ];
}

/** A graph's parts. */
export interface GraphParts {
  readonly nodes: readonly number[][];
  readonly constants: readonly number[][];
  readonly inputs: readonly number[][];
  readonly outputs: readonly number[][];
}

/** ModelProto, opset 13. */
export function model({ nodes, constants, inputs, outputs }: GraphParts): Uint8Array<ArrayBuffer> {
  const graph = [
    ...nodes.flatMap((n) => bytes(1, n)),
    ...string(2, "graph"),
    ...constants.flatMap((c) => bytes(5, c)),
    ...inputs.flatMap((i) => bytes(11, i)),
    ...outputs.flatMap((o) => bytes(12, o)),
  ];
  return new Uint8Array([...number(1, 8), ...bytes(8, number(2, 13)), ...bytes(7, graph)]);
}
