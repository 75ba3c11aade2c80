/**
 * A contiguous share of the shards as inputs of their own.
 * @module
 */
import { rowsPerImage } from "../compute/rows.ts";
import type { PartRange } from "../io/parts.ts";
import type { Inputs } from "./open_inputs.ts";

/** The inputs of one part: images are counted from the part's first. */
export interface PartInputs {
  /** Which images of the data set they are. */
  readonly range: PartRange;
  /** The inputs. */
  readonly inputs: Inputs;
}

/**
 * Narrows inputs to part `index` of `count`: shards `floor(index·S/count) … floor((index + 1)·S/count) − 1` of S, so that no
 * shard is read by two parts and every image belongs to one. With more parts than shards some are empty.
 */
export function partInputs(inputs: Inputs, index: number, count: number): PartInputs {
  const { shards } = inputs;
  const [from, to] = [index, index + 1].map((i) => Math.floor(i * shards.files.length / count));
  const files = shards.files.slice(from, to);
  const firstImage = shards.files[from]?.firstImage ?? shards.nImages;
  const nImages = files.reduce((sum, file) => sum + file.nImages, 0);
  const nRows = nImages * rowsPerImage(inputs.layout);
  return {
    range: { index, count, firstImage, nImages, nRows },
    inputs: {
      ...inputs,
      nRows,
      shards: {
        ...shards,
        nImages,
        files: files.map((file) => ({ ...file, firstImage: file.firstImage - firstImage })),
      },
    },
  };
}
