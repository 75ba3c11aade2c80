/**
 * Opens what a recording reads and lays it out, before anything is written.
 * @module
 */
import type { KeptTokens } from "../compute/gather_hidden_states.ts";
import { BackendUnavailableError, ConfigError, DatasetError } from "../compute/errors.ts";
import { gatherHiddenStates } from "../compute/gather_hidden_states.ts";
import type { VisualsConfig } from "../config/types.ts";
import { memorySource } from "../io/byte_source.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { type OnnxModel, openOnnxModel } from "../io/onnx_model.ts";
import { sha256 } from "../io/open_file.ts";
import { planShards, type ShardPlan } from "../io/write_shards.ts";
import { decodePicture } from "../render/decode_picture.ts";
import { fillTensor, layOutForModel, type PictureTransform, type PixelSize } from "../render/picture_transform.ts";
import { describeOutputs, findHiddenStates, type HiddenStates } from "./find_hidden_states.ts";
import { choosePreprocessor, describeTransform } from "./prepare_pictures.ts";
import { type PictureInput, pictureInput, runModel } from "./run_model.ts";
import { layOutTokens, type TokenLayout } from "./token_layout.ts";

/** A recording whose inputs are open; close it when done. */
export interface OpenedRecording {
  /** The configuration. */
  readonly config: VisualsConfig;
  /** The pictures. */
  readonly pictures: PictureSource;
  /** The model, where its pictures go in, and where its layers come out. */
  readonly model: OnnxModel;
  readonly input: PictureInput;
  readonly hidden: HiddenStates;
  /** How pictures are prepared, and their size then. */
  readonly transform: PictureTransform;
  readonly size: PixelSize;
  /** Which tokens are recorded. */
  readonly tokens: TokenLayout;
  readonly kept: KeptTokens;
  /** Where everything goes. */
  readonly plan: ShardPlan;
  /** Everything that the values depend on. */
  readonly request: Readonly<Record<string, unknown>>;
  /** What the model runs on, and why. */
  readonly backend: { readonly name: "wasm" | "webgpu"; readonly reason: string };
  /** What was found out, one line each. */
  readonly facts: readonly string[];
  /** What a user should know, one line each. */
  readonly warnings: readonly string[];
  /** Closes pictures and model. */
  close(): Promise<void>;
}

/**
 * Opens model and pictures, runs the first picture, and lays the shards out.
 *
 * @throws {ConfigError} If a setting is missing or does not fit the model; the message says what the model offers.
 * @throws {DatasetError | PictureError} If model or pictures cannot be read.
 * @throws {BackendUnavailableError} If the model cannot run here.
 */
export async function openRecording(config: VisualsConfig): Promise<OpenedRecording> {
  if (config.model === undefined) {
    throw new ConfigError(
      "--model is missing: give an ONNX file of a vision transformer whose outputs hold hidden states",
      {
        path: "model",
      },
    );
  }
  const { model, backend } = await openOnDevice(config.model, config);
  let pictures: PictureSource | undefined;
  try {
    const input = pictureInput(model);
    const hidden = findHiddenStates(model, config);
    const { transform, size, notes } = await choosePreprocessor(config, input.size);
    pictures = await openPictures(config.images);
    const pixels = new Float32Array(3 * size.width * size.height);
    await preparePicture({ config, pictures, transform }, 0, pixels);
    const first = await runModel(model, { input, hidden, size }, { pixels, n: 1 });
    const tokens = layOutTokens(first.tokens, size, config);
    const kept: KeptTokens = { dVit: first.dVit, ...tokens };
    const facts = {
      layout: config.layout,
      root: config.dumpTo,
      family: config.modelFamily,
      ckpt: config.modelCkpt ?? model.path.replace(/^.*\//, "").replace(/\.onnx$/, ""),
      layers: config.layers,
      patches: tokens.patches,
      clsToken: tokens.clsToken,
      dVit: first.dVit,
      nImages: pictures.length,
      tokensPerShard: config.tokensPerShard,
      pictures: config.images,
    };
    const plan = planned(facts);
    checkFinite(first.layers, { kept, plan, config });
    const request = {
      model: model.sha256,
      runtime: `${model.runtime} ${backend.name}`,
      layers: hidden.sources,
      tokens: kept,
      transform,
      exif: config.exif,
      pictures: { kind: config.images.kind, split: config.images.split, names: await namesHash(pictures) },
      nonFinite: config.nonFinite,
      metadata: plan.metadata,
    };
    const opened = pictures;
    return {
      config,
      pictures,
      model,
      input,
      hidden,
      transform,
      size,
      tokens,
      kept,
      plan,
      request,
      backend,
      facts: [
        `Model: ${model.path}, ${describeOutputs(model.outputs)}`,
        ...hidden.sources.map(({ layer, output, position }) =>
          `Layer ${layer}: output ${output}${position === undefined ? "" : `, position ${position} of its layers`}`
        ),
        `Tokens: ${first.tokens}, which are ${tokens.text}`,
        `Pictures: ${describeTransform(transform)}`,
      ],
      warnings: notes,
      close: async () => {
        opened.close();
        await model.close();
      },
    };
  } catch (error) {
    pictures?.close();
    await model.close();
    throw error;
  }
}

/**
 * Reads, decodes and prepares one picture.
 *
 * @throws {PictureError} If it cannot be decoded: shards without it would be shifted against the pictures.
 * @throws {DatasetError} If it is too small to be cropped.
 */
export async function preparePicture(
  { config, pictures, transform }: Pick<OpenedRecording, "config" | "pictures" | "transform">,
  image: number,
  into: Float32Array,
): Promise<void> {
  const name = pictures.name(image);
  const decoded = await decodePicture(await pictures.bytes(image), {
    name,
    maxPixels: config.maxPixels,
    applyExif: config.exif,
  });
  let made;
  try {
    made = layOutForModel(decoded, transform);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DatasetError(`Cannot prepare ${name}: ${cause.message}`, { path: name }, { cause });
  }
  fillTensor(made, transform, into);
}

/** Loads the model on a real GPU if there is one and it can, else in WebAssembly; what is asked for by name is never replaced. */
async function openOnDevice(
  path: string,
  { device, nWorkers: threads }: Pick<VisualsConfig, "device" | "nWorkers">,
): Promise<{ model: OnnxModel; backend: OpenedRecording["backend"] }> {
  const open = async (
    provider: "wasm" | "webgpu",
    reason: string,
  ): Promise<Awaited<ReturnType<typeof openOnDevice>>> => ({
    model: await openOnnxModel(path, { provider, threads }),
    backend: { name: provider, reason },
  });
  if (device === "reference") {
    throw new ConfigError("--device reference cannot run a model; give auto, wasm or webgpu", { path: "device" });
  }
  if (device !== "auto") return await open(device, "asked for by name");
  try {
    const { requestDevice } = await import("../compute/webgpu/device.ts");
    const { device: gpu } = await requestDevice({ allowSoftware: false, limits: "default", half: false });
    gpu.destroy();
    return await open("webgpu", "there is a GPU");
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return await open("wasm", `webgpu: ${error.reason}; wasm: ${threads} threads`);
  }
}

function planned(facts: Parameters<typeof planShards>[0]): ShardPlan {
  try {
    return planShards(facts);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(cause.message, { path: "tokensPerShard" }, { cause });
  }
}

/** A model in f16 that overflows does so on the first picture; hours later would be worse. */
function checkFinite(
  layers: Parameters<typeof gatherHiddenStates>[0],
  { kept, plan, config }: { kept: KeptTokens; plan: ShardPlan; config: VisualsConfig },
): void {
  const bad = gatherHiddenStates(layers, 1, { kept, into: new Float32Array(plan.imageStride) });
  if (bad >= 0 && config.nonFinite === "error") throw nonFiniteError(config, { kept, image: 0, value: bad });
}

/** Names the layer and token of a value that is NaN or infinite. */
export function nonFiniteError(
  { layers, model }: Pick<VisualsConfig, "layers" | "model">,
  { kept, image, value }: { readonly kept: KeptTokens; readonly image: number; readonly value: number },
): DatasetError {
  const tokens = kept.patches + (kept.clsToken ? 1 : 0);
  const token = Math.floor(value / kept.dVit) % tokens;
  const layer = layers[Math.floor(value / (kept.dVit * tokens))];
  const where = kept.clsToken && token === 0 ? "the CLS token" : `patch ${token - (kept.clsToken ? 1 : 0)}`;
  return new DatasetError(
    `${model} gives NaN or an infinity for image ${image}, layer ${layer}, ${where}; export it in f32, or record such rows ` +
      "all the same with --non-finite skip",
    { path: model! },
  );
}

async function namesHash(pictures: PictureSource): Promise<string> {
  const names = Array.from({ length: pictures.length }, (_, i) => pictures.name(i)).join("\n");
  return await sha256(memorySource("names", new TextEncoder().encode(names)));
}
