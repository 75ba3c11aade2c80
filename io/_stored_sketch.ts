/**
 * The quantile sketch on disk: nonempty bins only, latent by latent.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { type LatentState, SKETCH_BINS } from "../compute/latent_state.ts";
import { sketchBin } from "../compute/quantile_sketch.ts";
import { tensor } from "../compute/tensor.ts";
import { asArtifact, toU32 } from "./_artifact_parts.ts";
import { safeLoad } from "./safe_load.ts";
import type { TorchTensor } from "./torch_tensor.ts";
import type { TorchOutput } from "./write_torch.ts";

/** Name of the quantile sketch; see `writeArtifacts`. */
export const SKETCH_NAME = "sketch.pt";

/** One latent's quantile sketch, read back. */
export interface StoredSketch {
  /** `u32 [2048]`: counts of compute's bins. */
  readonly histogram: Uint32Array;
  /** Least value counted; +Infinity when there is none. */
  readonly min: number;
  /** Largest value counted; 0 when there is none. */
  readonly max: number;
}

/** What `sketch.pt` holds: the nonempty bins, latent by latent. */
export function sparseSketch(
  { histogram, min, max }: Pick<LatentState, "histogram" | "min" | "max">,
): Record<string, TorchOutput> {
  const dSae = min.length;
  // A latent's counts lie between the bins of its least and its largest value: a tenth of all, as a rule.
  const [first, last] = [min, max].map((values) => Int16Array.from(values, sketchBin));
  // Room for all of them: of what is not written to, the system gives none.
  let most = 0;
  for (let j = 0; j < dSae; j++) most += Math.max(0, last[j] - first[j] + 1);
  const offsets = new Uint32Array(dSae + 1);
  const bins = new Int16Array(most);
  const counts = new Uint32Array(most);
  let [nonempty, largest] = [0, 0];
  for (let j = 0; j < dSae; j++) {
    for (let b = first[j], i = j * SKETCH_BINS + b; b <= last[j]; b++, i++) {
      const n = histogram[i];
      if (n === 0) continue;
      bins[nonempty] = b;
      counts[nonempty++] = n;
      if (n > largest) largest = n;
    }
    offsets[j + 1] = nonempty;
  }
  const count = largest < 2 ** 31 ? new Int32Array(counts.buffer, 0, nonempty) : counts.subarray(0, nonempty);
  return {
    offsets: tensor(offsets, [dSae + 1]),
    bin: tensor(bins.subarray(0, nonempty), [nonempty]),
    count: tensor<Int32Array | Uint32Array>(count, [nonempty]),
    min: tensor(min, [dSae]),
    max: tensor(max, [dSae]),
  };
}

/** All latents' sketches, as stored. */
export interface Sketch {
  readonly offsets: Uint32Array;
  readonly bin: Int16Array;
  readonly count: Uint32Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
}

/** Reads `sketch.pt`. */
export async function readSketch(path: string, dSae: number): Promise<Sketch> {
  const value = await asArtifact(path, () => safeLoad(path));
  const part = (key: string): TorchTensor["data"] => {
    const item = value instanceof Map ? value.get(key) : undefined;
    if (item !== null && typeof item === "object" && "dtype" in item) return item.data;
    throw new ArtifactError(`Cannot use ${path}: it has no ${key}`, { path });
  };
  const [offsets, count] = [toU32(part("offsets")), toU32(part("count"))];
  const [bin, min, max] = [part("bin"), part("min"), part("max")];
  const wrong = (what: string): never => {
    throw new ArtifactError(`Cannot use ${path}: ${what}; compute the artifacts again with --force`, { path });
  };
  if (offsets.length !== dSae + 1) return wrong(`it holds ${offsets.length - 1} latents, not ${dSae}`);
  if (!(bin instanceof Int16Array && min instanceof Float32Array && max instanceof Float32Array)) {
    return wrong("its bins or bounds are of another type");
  }
  const isWhole = offsets[0] === 0 && offsets[dSae] === bin.length && bin.length === count.length &&
    offsets.every((offset, j) => j === 0 || offset >= offsets[j - 1]);
  if (!isWhole || min.length !== dSae || max.length !== dSae || bin.some((b) => b < 0 || b >= SKETCH_BINS)) {
    return wrong("its parts do not fit each other");
  }
  return { offsets, bin, count, min, max };
}

/** One latent's sketch, every bin in its place. */
export function expandSketch({ offsets, bin, count, min, max }: Sketch, latent: number): StoredSketch {
  const histogram = new Uint32Array(SKETCH_BINS);
  for (let i = offsets[latent]; i < offsets[latent + 1]; i++) histogram[bin[i]] = count[i];
  return { histogram, min: min[latent], max: max[latent] };
}
