/**
 * What reading artifacts needs in several places.
 * @module
 */
import { ArtifactError, TorchFileError } from "../compute/errors.ts";
import type { LazyTensor } from "./torch_file.ts";
import type { TorchTensor } from "./torch_tensor.ts";

/** Upstream's ranking, read off the heatmaps latent by latent. */
export async function deriveRanking(
  topValues: LazyTensor,
): Promise<{ rankValues: Float32Array; topPatchI: Uint32Array; topCount: Uint32Array }> {
  const [dSae, k, patches = 1] = topValues.shape;
  const rankValues = new Float32Array(dSae * k);
  const topPatchI = new Uint32Array(dSae * k);
  const topCount = new Uint32Array(dSae);
  for (let j = 0; j < dSae; j++) {
    const { data } = await topValues.readRows(j, j + 1) as { data: Float32Array };
    for (let i = 0; i < k; i++) {
      let best = 0;
      for (let p = 1; p < patches; p++) if (data[i * patches + p] > data[i * patches + best]) best = p;
      const value = data[i * patches + best];
      rankValues[j * k + i] = value;
      topPatchI[j * k + i] = best;
      if (value > 0 && topCount[j] === i) topCount[j]++;
    }
  }
  return { rankValues, topPatchI, topCount };
}

/** Indices and counts are below 2^32, so the low words of an int64 are all there is. */
export function toU32(data: TorchTensor["data"]): Uint32Array {
  if (!(data instanceof BigInt64Array)) return Uint32Array.from(data as ArrayLike<number>);
  const words = new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
  const out = new Uint32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = words[2 * i];
  return out;
}

/** A damaged torch file among artifacts is a damaged artifact. */
export async function asArtifact<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof TorchFileError)) throw cause;
    throw new ArtifactError(`${cause.message}; compute the artifacts again with --force`, { path }, { cause });
  }
}
