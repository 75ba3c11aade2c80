/**
 * Runs a vision transformer on batches and finds its layers in what it gives.
 * @module
 */
import { ConfigError, DatasetError } from "../compute/errors.ts";
import type { LayerView } from "../compute/gather_hidden_states.ts";
import type { OnnxModel, OnnxValue } from "../io/onnx_model.ts";
import type { PixelSize } from "../render/picture_transform.ts";
import type { HiddenStates } from "./find_hidden_states.ts";

/** Where pictures go in. */
export interface PictureInput {
  /** Its name. */
  readonly name: string;
  /** Its size, where it is fixed. */
  readonly size: PixelSize | undefined;
  /** Pictures in a batch, where that is fixed. */
  readonly batch: number | undefined;
}

/**
 * The model's one input of pictures, `[batch, 3, height, width]`.
 *
 * @throws {ConfigError} If it has other inputs, or its input is no such thing.
 *
 * @example
 * ```ts
 * import { pictureInput } from "./run_model.ts";
 * const inputs = [{ name: "pixel_values", type: "float32", shape: ["batch", 3, 112, 112] }];
 * console.assert(pictureInput({ path: "vit.onnx", inputs }).size?.width === 112);
 * ```
 */
export function pictureInput(
  { path, inputs }: { readonly path: string; readonly inputs: readonly OnnxValue[] },
): PictureInput {
  const shown = inputs.map(({ name, type, shape }) => `${name} ${type} [${shape.join(", ")}]`).join("; ");
  const fail = (why: string): never => {
    throw new ConfigError(
      `Cannot record from ${path}: it takes ${shown}, and ${why}; one input of f32 or f16 [batch, 3, height, width] was expected`,
      { path: "model" },
    );
  };
  if (inputs.length !== 1) fail("has more inputs than pictures; export the vision part alone");
  const [{ name, type, shape }] = inputs;
  if (type !== "float32" && type !== "float16") fail(`${type} is no kind of picture`);
  if (shape.length !== 4) fail(`${shape.length} axes are no batch of pictures`);
  const [batch, channels, height, width] = shape;
  if (typeof channels === "number" && channels !== 3) {
    fail(shape[3] === 3 ? "its channels come last" : `it has ${channels} channels`);
  }
  return {
    name,
    size: typeof height === "number" && typeof width === "number" && height > 0 && width > 0
      ? { width, height }
      : undefined,
    batch: typeof batch === "number" && batch > 0 ? batch : undefined,
  };
}

/** What one run gave. */
export interface RunResult {
  /** A view for each layer, in the order asked for. */
  readonly layers: readonly LayerView[];
  /** Tokens of an image. */
  readonly tokens: number;
  /** Width of a vector. */
  readonly dVit: number;
}

/**
 * Runs the model on `n` pictures, filling up with zeros where its batch is fixed.
 *
 * @param pixels `f32 [n, 3, height, width]`.
 * @throws {DatasetError} If the model refuses, or gives other shapes than it should.
 */
export async function runModel(
  model: OnnxModel,
  { input, hidden, size }: { readonly input: PictureInput; readonly hidden: HiddenStates; readonly size: PixelSize },
  { pixels, n }: { readonly pixels: Float32Array; readonly n: number },
): Promise<RunResult> {
  const perPicture = 3 * size.width * size.height;
  const batch = input.batch ?? n;
  const data = new Float32Array(batch * perPicture);
  data.set(pixels.subarray(0, n * perPicture));
  const names = [...new Set(hidden.sources.map(({ output }) => output))];
  const found = await model.run({ name: input.name, data, shape: [batch, 3, size.height, size.width] }, names);
  let common: { tokens: number; dVit: number } | undefined;
  const layers = hidden.sources.map(({ layer, output, position }): LayerView => {
    const { data, shape } = found.get(output)!;
    const [tokens, dVit] = shape.slice(-2);
    common ??= { tokens, dVit };
    const fits = shape.length === (position === undefined ? 3 : 4) && tokens === common.tokens &&
      dVit === common.dVit &&
      shape[hidden.layerAxis === 0 && position !== undefined ? 1 : 0] === batch;
    if (!fits) {
      throw new DatasetError(
        `Cannot record layer ${layer}: output ${output} of ${model.path} came out as [${
          shape.join(", ")
        }] for ${batch} pictures, ` +
          `and ${position === undefined ? "[batch, tokens, width]" : "a stack of [batch, tokens, width]"} of ` +
          `${common.tokens} tokens and width ${common.dVit} was expected`,
        { path: model.path },
      );
    }
    const image = tokens * dVit;
    if (position === undefined) return { data, offset: 0, stride: image };
    return hidden.layerAxis === 0
      ? { data, offset: position * batch * image, stride: image }
      : { data, offset: position * image, stride: shape[1] * image };
  });
  return { layers, ...common! };
}
