/**
 * Labels of patches, where a data set has labels of pixels.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { decodePicture } from "../render/decode_picture.ts";
import { layOutForModel, patchLabels } from "../render/picture_transform.ts";
import type { JobHooks } from "./hooks.ts";
import type { OpenedRecording } from "./open_recording.ts";

/**
 * The label that most pixels of each patch have, laid out as the model's input without mixing labels.
 *
 * @returns `u8 [nImages, patches]`; undefined when the data set has none.
 * @throws {PictureError} If a picture of labels is missing, damaged or coloured.
 */
export async function recordLabels(
  { config, pictures, transform, tokens, size }: OpenedRecording,
  { progress, signal }: Pick<JobHooks, "progress" | "signal">,
): Promise<Uint8Array | undefined> {
  const { annotation } = pictures;
  if (annotation === undefined) return undefined;
  const { patches } = tokens;
  // The tiling of the input that has so many patches.
  const rows = config.grid?.[0] ?? Math.round(Math.sqrt(patches * size.height / size.width));
  const grid = { rows, cols: patches / rows };
  const labels = new Uint8Array(pictures.length * patches);
  for (let image = 0; image < pictures.length; image++) {
    signal?.throwIfAborted();
    const { name, bytes } = await annotation(image);
    const decoded = await decodePicture(bytes, { name, maxPixels: config.maxPixels, applyExif: config.exif });
    const laid = layOutForModel(decoded, { ...transform, filter: "nearest" });
    try {
      labels.set(patchLabels(laid, grid), image * patches);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new PictureError(`Cannot use ${name}: ${cause.message}`, { path: name }, { cause });
    }
    progress({ stage: "labels", done: image + 1, total: pictures.length, unit: "images" });
  }
  return labels;
}
