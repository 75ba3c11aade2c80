/**
 * A Hugging Face `preprocessor_config.json` as a picture transform. Every field is honoured, known to change nothing here,
 * or refused by name.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import type { PictureTransform, PixelSize } from "./picture_transform.ts";
import type { ResizeFilter } from "./resize.ts";

/** A transform and what a user should know of it. */
export interface Preprocessor {
  /** The transform. */
  readonly transform: PictureTransform;
  /** One line each. */
  readonly notes: readonly string[];
}

/** `PIL.Image.Resampling`, by number. */
const FILTERS: readonly ResizeFilter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** Fields that say who reads the file, or what becomes of pixels after they were made. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "_name_or_path",
  "_processor_class",
  "_valid_processor_keys",
  "default_to_square",
  "device",
  "disable_grouping",
  "do_convert_rgb",
  "feature_extractor_type",
  "image_processor_type",
  "input_data_format",
  "processor_class",
  "return_tensors",
  "transformers_version",
]);

/** Fields that change pixels in ways that are not done here, with the one value that stands for no change. */
const REFUSED_UNLESS: Readonly<Record<string, readonly unknown[]>> = {
  data_format: ["channels_first", null],
  do_flip_channel_order: [false, null],
  do_pad: [false, null],
  do_reduce_labels: [false, null],
  do_thumbnail: [false, null],
  pad_size: [null],
  size_divisor: [null],
};

/** What processors do where the file does not say. */
const CROPS_UNLESS_TOLD = /^(CLIP|ChineseCLIP|Bit|DeiT|Beit)/;
const BICUBIC_UNLESS_TOLD = /^(CLIP|ChineseCLIP|Bit|Siglip|DeiT|Beit)/;
const BILINEAR_UNLESS_TOLD = /^(ViT|ConvNext)/;
/** Processors that read `size: 224` as the short side; others as both. */
const SHORT_SIDE = /^(CLIP|ChineseCLIP|Bit|ConvNext|LeViT|Levit|PoolFormer|MobileNetV[12]|Flava)/;
const HONOURED = [
  ...["do_resize", "size", "resample", "crop_pct", "do_center_crop", "crop_size"],
  ...["do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"],
];

/**
 * Reads the settings of an image processor.
 *
 * `resize` (a size, a short side, ConvNeXt's `crop_pct`), `center crop`, `rescale` and `normalize` are done as transformers'
 * Pillow-based processors do them. Those called `…Fast` resize tensors with torchvision, whose last bits differ: a note says so.
 *
 * @param value The parsed file.
 * @param path Its name, for messages.
 * @throws {ConfigError} If a field is unknown, has a value that cannot be honoured, or something is missing.
 *
 * Source: transformers, `image_processing_*.py`.
 *
 * @example
 * ```ts
 * import { parsePreprocessor } from "./parse_preprocessor.ts";
 * const { transform } = parsePreprocessor({
 *   image_processor_type: "ViTImageProcessor", size: { height: 224, width: 224 }, resample: 2,
 *   image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5],
 * }, "preprocessor_config.json");
 * console.assert(transform.filter === "bilinear" && transform.crop === undefined);
 * ```
 */
export function parsePreprocessor(value: unknown, path: string): Preprocessor {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`Cannot use ${path}: it holds no JSON object; give a preprocessor_config.json`, {
      path: "preprocessor",
    });
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const wrong = (field: string, expected: string): never => {
    throw new ConfigError(`Cannot use ${path}: ${field} is ${shown(fields[field])}, and ${expected} was expected`, {
      path: "preprocessor",
    });
  };
  for (const [field, found] of Object.entries(fields)) {
    if (WITHOUT_EFFECT.has(field) || HONOURED.includes(field)) continue;
    const allowed = Object.hasOwn(REFUSED_UNLESS, field) ? REFUSED_UNLESS[field] : undefined;
    if (allowed === undefined) {
      throw new ConfigError(
        `Cannot use ${path}: its field ${field} is not known here, so the pixels might not be the model's; give --resize, ` +
          "--crop, --interpolation, --mean and --std instead",
        { path: "preprocessor" },
      );
    }
    if (!allowed.includes(found)) wrong(field, allowed.map(shown).join(" or "));
  }
  const flag = (field: string, fallback: boolean): boolean => {
    const found = fields[field] ?? fallback;
    return typeof found === "boolean" ? found : wrong(field, "true or false");
  };
  const processor = String(fields.image_processor_type ?? fields.feature_extractor_type ?? "");
  const isConvNext = processor.startsWith("ConvNext");
  const hasCrop = flag("do_center_crop", CROPS_UNLESS_TOLD.test(processor));
  let crop = hasCrop ? cropSize(fields.crop_size, wrong) : undefined;
  let resize = flag("do_resize", true) ? targetSize(fields.size, SHORT_SIDE.test(processor), wrong) : undefined;
  if (fields.crop_pct !== undefined && fields.crop_pct !== null) {
    const share = fields.crop_pct;
    if (typeof share !== "number" || !(share > 0 && share <= 1)) return wrong("crop_pct", "a number from 0 to 1");
    if (!isConvNext) return wrong("crop_pct", "none, as only ConvNeXt's processor has it,");
    if (resize !== undefined && "shortest" in resize) {
      const side = resize.shortest;
      const square = { width: side, height: side };
      // At 384 and above that processor squeezes; below, it takes the middle of a larger picture.
      if (side >= 384) resize = square;
      else [resize, crop] = [{ shortest: Math.trunc(side / share) }, square];
    }
  }
  const usual = BICUBIC_UNLESS_TOLD.test(processor) ? 3 : BILINEAR_UNLESS_TOLD.test(processor) ? 2 : undefined;
  const resample = fields.resample ?? (resize === undefined ? 0 : usual);
  const filter = FILTERS[resample as number] ?? wrong("resample", "a number from 0 to 5");
  const rescales = flag("do_rescale", true);
  const factor = fields.rescale_factor ?? 1 / 255;
  if (rescales && (typeof factor !== "number" || !(factor > 0))) wrong("rescale_factor", "a number above 0");
  const normalizes = flag("do_normalize", true);
  return {
    transform: {
      resize,
      filter,
      crop,
      cropRounding: "floor",
      rescale: rescales ? factor as number : 1,
      mean: normalizes ? channels(fields.image_mean, "image_mean", wrong) : [0, 0, 0],
      std: normalizes ? channels(fields.image_std, "image_std", wrong) : [1, 1, 1],
    },
    notes: processor.endsWith("Fast")
      ? [
        `${path} names ${processor}, which resizes with torchvision; here pictures are resized as Pillow does, and pixels may ` +
        "differ by a level",
      ]
      : [],
  };
}

type Wrong = (field: string, expected: string) => never;

function targetSize(found: unknown, shortSide: boolean, wrong: Wrong): NonNullable<PictureTransform["resize"]> {
  if (isSide(found)) return shortSide ? { shortest: found } : { width: found, height: found };
  const { shortest_edge: shortest, height, width, ...rest } = (found ?? {}) as Record<string, unknown>;
  const known = Object.keys(rest).length === 0;
  if (known && isSide(shortest) && height === undefined && width === undefined) return { shortest };
  if (known && isSide(height) && isSide(width) && shortest === undefined) return { width, height };
  return wrong("size", "a number, {shortest_edge} or {height, width}");
}

function cropSize(found: unknown, wrong: Wrong): PixelSize {
  if (isSide(found)) return { width: found, height: found };
  const { height, width } = (found ?? {}) as Record<string, unknown>;
  return isSide(height) && isSide(width) ? { width, height } : wrong("crop_size", "a number or {height, width}");
}

function channels(found: unknown, field: string, wrong: Wrong): [number, number, number] {
  const ok = Array.isArray(found) && found.length === 3 && found.every((one) => Number.isFinite(one));
  if (!ok || (field === "image_std" && found.some((one) => !(one > 0)))) return wrong(field, "a list of three numbers");
  return found as [number, number, number];
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= 65536;
}
