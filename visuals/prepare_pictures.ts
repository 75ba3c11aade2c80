/**
 * How pictures are prepared for a model: from settings, or from a file beside it.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { readSmallFile } from "../io/open_file.ts";
import { parsePreprocessor, type Preprocessor } from "../render/parse_preprocessor.ts";
import type { PictureTransform, PixelSize } from "../render/picture_transform.ts";

const MAX_PREPROCESSOR_BYTES = 1 << 20;

/** Settings that a preprocessor's file stands for. */
const FLAGS = ["resize", "crop", "interpolation", "mean", "std"] as const;

/**
 * The transform that a configuration asks for.
 *
 * @param input The model's input size, where it is fixed: pictures are stretched to it when nothing else is said.
 * @throws {ConfigError} If mean or deviation is missing, both ways are given, the file is wrong, or what comes out is not of one size, or
 * not of the model's.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { choosePreprocessor } from "./prepare_pictures.ts";
 * const config = parseConfig({ mean: [0.5], std: [0.25] });
 * const { size } = await choosePreprocessor(config, { width: 112, height: 112 });
 * console.assert(size.width === 112);
 * ```
 */
export async function choosePreprocessor(
  config: VisualsConfig,
  input: PixelSize | undefined,
): Promise<Preprocessor & { readonly size: PixelSize }> {
  const { preprocessor } = config;
  const chosen = preprocessor === undefined
    ? { transform: fromFlags(config, input), notes: [] }
    : await fromFile(config, preprocessor);
  const size = outputSize(chosen.transform);
  if (input !== undefined && (size.width !== input.width || size.height !== input.height)) {
    throw new ConfigError(
      `Pictures come out as ${size.width} x ${size.height} pixels, and the model takes ${input.width} x ${input.height}; ` +
        (preprocessor === undefined ? "change --resize and --crop" : `${preprocessor} is another model's`),
      { path: preprocessor === undefined ? "resize" : "preprocessor" },
    );
  }
  return { ...chosen, size };
}

/** The same in words, for logs. */
export function describeTransform({ resize, filter, crop, rescale, mean, std }: PictureTransform): string {
  const steps = [
    resize === undefined
      ? undefined
      : "shortest" in resize
      ? `short side to ${resize.shortest} (${filter})`
      : `to ${resize.width} x ${resize.height} (${filter})`,
    crop === undefined ? undefined : `central ${crop.width} x ${crop.height}`,
    `(v · ${Number(rescale.toPrecision(6))} - ${joined(mean)}) / ${joined(std)}`,
  ];
  return steps.filter((step) => step !== undefined).join(", ");
}

function joined(values: readonly number[]): string {
  return new Set(values).size === 1 ? String(values[0]) : `(${values.join(", ")})`;
}

function fromFlags(config: VisualsConfig, input: PixelSize | undefined): PictureTransform {
  const { resize, crop, interpolation = "bicubic", mean, std } = config;
  for (const [path, values] of [["mean", mean], ["std", std]] as const) {
    if (values.length === 1 || values.length === 3) continue;
    const found = values.length === 0 ? "is missing" : `has ${values.length} numbers, expected one or three`;
    throw new ConfigError(
      `--${path} ${found}: give what the model was trained with, for example 0.5 (ViT, SigLIP), or --preprocessor with the ` +
        "model's preprocessor_config.json",
      { path },
    );
  }
  if (resize.length === 0 && input === undefined) {
    throw new ConfigError(
      "--resize is missing: the model takes pictures of any size; give the one it was trained with",
      {
        path: "resize",
      },
    );
  }
  const [first, second] = resize;
  return {
    resize: first === undefined ? input : second === undefined ? { shortest: first } : { height: first, width: second },
    filter: interpolation,
    crop: crop.length === 0 ? undefined : { height: crop[0], width: crop[1] ?? crop[0] },
    cropRounding: "even",
    rescale: 1 / 255,
    mean: three(mean),
    std: three(std),
  };
}

async function fromFile(config: VisualsConfig, path: string): Promise<Preprocessor> {
  const both = FLAGS.find((flag) => (config[flag]?.length ?? 0) > 0);
  if (both !== undefined) {
    throw new ConfigError(`--preprocessor and --${both} both say how pictures are prepared; give one of them`, {
      path: both,
    });
  }
  const bytes = await readSmallFile(path, MAX_PREPROCESSOR_BYTES, ConfigErrorAt);
  if (bytes === undefined) {
    throw new ConfigError(`Cannot find ${path}: give the model's preprocessor_config.json with --preprocessor`, {
      path: "preprocessor",
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ConfigError(
      `Cannot use ${path}: it is not JSON (${(cause as Error).message})`,
      { path: "preprocessor" },
      {
        cause,
      },
    );
  }
  return parsePreprocessor(value, path);
}

/** What is wrong with a settings file is wrong with the setting that names it. */
class ConfigErrorAt extends ConfigError {
  constructor(message: string) {
    super(message, { path: "preprocessor" });
  }
}

/** The size of what comes out, which must not depend on the picture. */
function outputSize({ resize, crop }: PictureTransform): PixelSize {
  if (crop !== undefined) {
    const least = resize === undefined ? undefined : "width" in resize ? resize : {
      width: resize.shortest,
      height: resize.shortest,
    };
    if (least !== undefined && (least.width < crop.width || least.height < crop.height)) {
      throw new ConfigError(
        `Cannot crop ${crop.width} x ${crop.height} out of pictures resized to ${least.width} x ${least.height}; resize to more, ` +
          "or crop less",
        { path: "crop" },
      );
    }
    return crop;
  }
  if (resize !== undefined && "width" in resize) return resize;
  throw new ConfigError(
    "Pictures of different shapes would come out in different sizes; give --crop, or --resize with height and width",
    { path: "crop" },
  );
}

function three(values: readonly number[]): [number, number, number] {
  const [red, green = red, blue = red] = values;
  return [red, green, blue];
}
