/**
 * Models that pass pixels on: token t is 12 pixels of the picture, layer l is l + 1 times that. Every number is known.
 * @module
 */
import { FLOAT, FLOAT16, floats, integers, model, node, value } from "../io/_onnx_graph.ts";

/** Pictures are 8 x 8: 16 tokens of 12 values. */
export const SIDE = 8;
/** Width of a vector. */
export const WIDTH = 12;

/** What kind of model to make. */
export interface TinyVit {
  /** Tokens before the patches; they repeat the first one. 1 if not given. */
  readonly extra?: number;
  /** Layers; 3 if not given. */
  readonly layers?: number;
  /** Outputs: one of four axes, layers after or before the batch; or one for each layer, named so. `stacked` if not given. */
  readonly outputs?: "stacked" | "layers-first" | ((layer: number) => string);
  /** Batch; any if not given. */
  readonly batch?: number;
  /** Whether input and outputs are f16. */
  readonly half?: boolean;
  /** File of the factors; inside the model if not given. */
  readonly external?: string;
  /** What layers are multiplied by: l + 1 if not given. */
  readonly factor?: (layer: number) => number;
}

/** The model's bytes, and the bytes of the file beside it. */
export function tinyVit(made: TinyVit = {}): { model: Uint8Array<ArrayBuffer>; external: Uint8Array<ArrayBuffer> } {
  const { extra = 1, layers = 3, outputs = "stacked", batch = "batch", half = false, external } = made;
  const factor = made.factor ?? ((layer: number) => layer + 1);
  const tokens = extra + 16;
  const positions = [...Array(extra).fill(0), ...Array(16).keys()];
  const type = half ? FLOAT16 : FLOAT;
  const factors = Array.from({ length: layers }, (_, l) => factor(l));
  const last = half ? { to: FLOAT16 } : undefined;
  const nodes = [
    node("Cast", ["pixel_values"], ["x"], { to: FLOAT }),
    node("Reshape", ["x", "to_tokens"], ["patches"]),
    node("Gather", ["patches", "positions"], ["tokens"], { axis: 1 }),
  ];
  const single = typeof outputs === "function";
  for (let l = 0; l < layers; l++) {
    nodes.push(node("Gather", ["factors", `layer${l}`], [`factor${l}`], { axis: 0 }));
    nodes.push(node("Mul", ["tokens", `factor${l}`], [`plain${l}`]));
    if (single) nodes.push(node("Cast", [`plain${l}`], [outputs(l)], last ?? { to: FLOAT }));
    else nodes.push(node("Unsqueeze", [`plain${l}`, "axis"], [`one${l}`]));
  }
  const all = Array.from({ length: layers }, (_, l) => l);
  if (!single) {
    const axis = outputs === "stacked" ? 1 : 0;
    nodes.push(node("Concat", all.map((l) => `one${l}`), ["all"], { axis }));
    nodes.push(node("Cast", ["all"], ["hidden"], last ?? { to: FLOAT }));
  }
  const constants = [
    integers("to_tokens", [-1, 16, WIDTH]),
    integers("positions", positions),
    integers("axis", [outputs === "layers-first" ? 0 : 1]),
    ...all.map((l) => integers(`layer${l}`, [l])),
    floats("factors", factors, [layers], external),
  ];
  return {
    model: model({
      nodes,
      constants,
      inputs: [value("pixel_values", type, batch, 3, SIDE, SIDE)],
      outputs: single ? all.map((l) => value(outputs(l), type, batch, tokens, WIDTH)) : [
        outputs === "stacked"
          ? value("hidden", type, batch, layers, tokens, WIDTH)
          : value("hidden", type, layers, batch, tokens, WIDTH),
      ],
    }),
    external: new Uint8Array(Float32Array.from(factors).buffer),
  };
}
