/**
 * Which outputs of a model hold the layers that are to be recorded.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { OnnxValue } from "../io/onnx_model.ts";

/** Where one layer is. */
export interface LayerSource {
  /** The layer, as it was asked for. */
  readonly layer: number;
  /** The output. */
  readonly output: string;
  /** Position along the output's axis of layers; undefined where it has none. */
  readonly position: number | undefined;
}

/** The layers to record. */
export interface HiddenStates {
  /** One for each layer, in the order asked for. */
  readonly sources: readonly LayerSource[];
  /** Axis of layers in outputs that hold several: 0 before the batch, 1 after it. */
  readonly layerAxis: 0 | 1;
}

/** Outputs that hold layers, by the layer's number. */
interface Offer {
  readonly layers: ReadonlyMap<number, Omit<LayerSource, "layer">>;
  readonly layerAxis: 0 | 1;
  readonly where: string;
}

/** More than this along the second axis are channels of a map, not layers. */
const MAX_LAYERS = 128;

/**
 * Finds them by shape and name: one output `[batch, layers, tokens, width]` or `[layers, batch, tokens, width]`, whose layers are
 * counted from 0; else several `[batch, tokens, width]` that end in numbers, such as `hidden_states.7`, whose layers are those
 * numbers; else the only `[batch, tokens, width]`, which is layer −1. Negative layers count from the last.
 *
 * @param model Its name for messages, and its outputs.
 * @param asked Layers, and outputs if the user chose them: one for each layer, or one for all.
 * @throws {ConfigError} If a layer is not offered, named twice, or nothing looks like hidden states; the message says what is
 * offered.
 *
 * @example
 * ```ts
 * import { findHiddenStates } from "./find_hidden_states.ts";
 * const outputs = [{ name: "residual_stream", type: "float32", shape: ["batch", 6, 65, 96] }];
 * const { sources } = findHiddenStates({ path: "vit.onnx", outputs }, { layers: [-2], outputs: [] });
 * console.assert(sources[0].position === 4);
 * ```
 */
export function findHiddenStates(
  model: { readonly path: string; readonly outputs: readonly OnnxValue[] },
  asked: { readonly layers: readonly number[]; readonly outputs: readonly string[] },
): HiddenStates {
  const { layers } = asked;
  const chosen = asked.outputs.map((name) => named(model, name));
  if (chosen.length > 1 || (chosen.length === 1 && chosen[0].shape.length === 3)) {
    if (layers.length !== chosen.length) {
      throw new ConfigError(
        `--outputs names ${chosen.length} outputs and --layers ${layers.length} layers, expected one for each; give both lists alike`,
        { path: "outputs" },
      );
    }
    distinct(layers, layers);
    return {
      sources: layers.map((layer, i) => ({ layer, output: chosen[i].name, position: undefined })),
      layerAxis: 1,
    };
  }
  const offer = findOffer(model, chosen);
  const numbers = [...offer.layers.keys()].sort((a, b) => a - b);
  const range = `${numbers.length === 1 ? "layer" : "layers"} ${shownNumbers(numbers)}${
    numbers.length > 1 && numbers[0] >= 0 ? `, or -1 to -${numbers.length} from the last,` : ""
  } in ${offer.where}`;
  if (layers.length === 0) {
    throw new ConfigError(`--layers is missing: ${model.path} offers ${range}; give those to record`, {
      path: "layers",
    });
  }
  const resolved = layers.map((layer) =>
    layer < 0 && !offer.layers.has(layer) ? numbers[numbers.length + layer] : layer
  );
  distinct(layers, resolved);
  return {
    sources: resolved.map((layer, i) => {
      const source = offer.layers.get(layer);
      if (source === undefined) {
        throw new ConfigError(`${model.path} has no layer ${layers[i]}: it offers ${range}; choose from these`, {
          path: "layers",
        });
      }
      return { layer: layers[i], ...source };
    }),
    layerAxis: offer.layerAxis,
  };
}

/**
 * Outputs as text: name, type and axes.
 *
 * @example
 * ```ts
 * import { describeOutputs } from "./find_hidden_states.ts";
 * console.assert(describeOutputs([{ name: "y", type: "float32", shape: ["n", 4] }]) === "y float32 [n, 4]");
 * ```
 */
export function describeOutputs(outputs: readonly OnnxValue[]): string {
  return outputs.map(({ name, type, shape }) => `${name} ${type} [${shape.join(", ")}]`).join("; ");
}

function named({ path, outputs }: { path: string; outputs: readonly OnnxValue[] }, name: string): OnnxValue {
  const found = outputs.find((output) => output.name === name);
  if (found !== undefined && isFloat(found) && (found.shape.length === 3 || found.shape.length === 4)) return found;
  throw new ConfigError(
    `${path} has no output ${name} of hidden states: it has ${describeOutputs(outputs)}; ` +
      "one of f32 or f16 with three or four axes was expected",
    { path: "outputs" },
  );
}

function findOffer(
  model: { readonly path: string; readonly outputs: readonly OnnxValue[] },
  chosen: readonly OnnxValue[],
): Offer {
  const candidates = chosen.length > 0 ? chosen : model.outputs.filter(isFloat);
  for (const { name, shape } of candidates) {
    if (shape.length !== 4) continue;
    const isFirst = typeof shape[0] === "number" && shape[0] > 1 && (typeof shape[1] === "string" || shape[1] === 1);
    const layerAxis = isFirst ? 0 : 1;
    const count = shape[layerAxis];
    if (typeof count !== "number" || count < 1 || count > MAX_LAYERS) continue;
    const layers = Array.from({ length: count }, (_, i) => [i, { output: name, position: i }] as const);
    return { layers: new Map(layers), layerAxis, where: `output ${name} [${shape.join(", ")}]` };
  }
  const three = candidates.filter(({ shape }) => shape.length === 3);
  const families = new Map<string, Map<number, Omit<LayerSource, "layer">>>();
  for (const { name } of three) {
    const [, prefix, number] = /^(.*?)[._/-]?(\d{1,4})$/.exec(name) ?? [];
    if (number === undefined) continue;
    const family = families.get(prefix) ?? new Map<number, Omit<LayerSource, "layer">>();
    families.set(prefix, family.set(Number(number), { output: name, position: undefined }));
  }
  const [largest, second] = [...families].sort(([, a], [, b]) => b.size - a.size);
  if (largest !== undefined && (largest[1].size > 1 || three.length === 1) && largest[1].size !== second?.[1].size) {
    const names = [...largest[1].values()].map(({ output }) => output);
    return { layers: largest[1], layerAxis: 1, where: `outputs ${names[0]} to ${names.at(-1)}` };
  }
  if (three.length === 1) {
    const [{ name }] = three;
    return { layers: new Map([[-1, { output: name, position: undefined }]]), layerAxis: 1, where: `output ${name}` };
  }
  throw new ConfigError(
    `Cannot tell which outputs of ${model.path} are hidden states: it has ${
      describeOutputs(model.outputs)
    }; name them with ` +
      "--outputs, one for each of --layers, or export the model with its hidden states as outputs",
    { path: "outputs" },
  );
}

function isFloat({ type }: OnnxValue): boolean {
  return type === "float32" || type === "float16";
}

function distinct(layers: readonly number[], resolved: readonly number[]): void {
  const twice = resolved.findIndex((layer, i) => layer !== undefined && resolved.indexOf(layer) !== i);
  if (twice < 0) return;
  throw new ConfigError(
    `--layers names one layer twice: ${layers[resolved.indexOf(resolved[twice])]} and ${layers[twice]}; give it once`,
    { path: "layers" },
  );
}

function shownNumbers(numbers: readonly number[]): string {
  const isRun = numbers.length > 2 && numbers.every((number, i) => number === numbers[0] + i);
  return isRun ? `${numbers[0]} to ${numbers.at(-1)}` : numbers.join(", ");
}
