/**
 * The encoder as an ONNX graph on somebody else's kernels: Gemm, Relu, TopK over rows. An independent oracle, and a peer.
 * @module
 */
import type { Sae } from "../../../compute/sae.ts";
import { InferenceSession, Tensor } from "./_onnxruntime.js";

const text = new TextEncoder();

/** A protobuf varint. */
function varint(n: number): number[] {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n & 127) | 128);
  return [...bytes, n];
}
const number = (field: number, n: number): number[] => [...varint(field << 3), ...varint(n)];
const bytes = (field: number, b: Iterable<number>): number[] => {
  const body = [...b];
  return [...varint((field << 3) | 2), ...varint(body.length), ...body];
};
const string = (field: number, s: string): number[] => bytes(field, text.encode(s));

/** ValueInfoProto of a tensor; named axes are free. Element type 1 is f32, 7 is i64. */
function value(name: string, type: number, ...axes: (string | number)[]): number[] {
  const dims = axes.flatMap((axis) => bytes(1, typeof axis === "number" ? number(1, axis) : string(2, axis)));
  return [...string(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, dims)]))];
}

function node(op: string, inputs: string[], outputs: string[], axis?: number): number[] {
  const attribute = axis === undefined ? [] : bytes(5, [...string(1, "axis"), ...number(3, axis), ...number(20, 2)]);
  return [
    ...inputs.flatMap((s) => string(1, s)),
    ...outputs.flatMap((s) => string(2, s)),
    ...string(4, op),
    ...attribute,
  ];
}

/** ModelProto: f = Relu(x·w + b), and per latent the k largest rows of f. */
function model(k: number): Uint8Array {
  // TensorProto k: one i64.
  const kTensor = [...number(1, 1), ...number(2, 7), ...number(7, k), ...string(8, "k")];
  const graph = [
    ...bytes(1, node("Gemm", ["x", "w", "b"], ["pre"])),
    ...bytes(1, node("Relu", ["pre"], ["f"])),
    ...bytes(1, node("TopK", ["f", "k"], ["values", "rows"], 0)),
    ...string(2, "encoder"),
    ...bytes(5, kTensor),
    ...bytes(11, value("x", 1, "n", "d")),
    ...bytes(11, value("w", 1, "d", "s")),
    ...bytes(11, value("b", 1, "s")),
    ...bytes(12, value("f", 1, "n", "s")),
    ...bytes(12, value("values", 1, "m", "s")),
    ...bytes(12, value("rows", 7, "m", "s")),
  ];
  return new Uint8Array([...number(1, 8), ...bytes(8, number(2, 13)), ...bytes(7, graph)]);
}

/** What the graph gives for a set of rows. */
export interface OnnxResult {
  /** `f32 [n, dSae]`. */
  f: Float32Array;
  /** `f32 [k, dSae]`, largest first. */
  values: Float32Array;
  /** `i64 [k, dSae]`. */
  rows: BigInt64Array;
}

/** Loads the graph for an encoder; rows come less `bPre`, `f32 [n, dVit]`. One thread. */
export async function openOnnx(sae: Sae, k: number): Promise<(x: Float32Array) => Promise<OnnxResult>> {
  const session = await InferenceSession.create(model(k));
  const w = new Tensor("float32", sae.wEnc, [sae.dVit, sae.dSae]);
  const b = new Tensor("float32", sae.bEnc, [sae.dSae]);
  return async (x) => {
    const out = await session.run({ x: new Tensor("float32", x, [x.length / sae.dVit, sae.dVit]), w, b });
    return {
      f: out.f.data as Float32Array,
      values: out.values.data as Float32Array,
      rows: out.rows.data as BigInt64Array,
    };
  };
}
