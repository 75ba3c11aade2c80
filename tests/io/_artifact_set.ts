/**
 * Artifacts of a few latents, made up.
 * @module
 */
import { type LatentState, SKETCH_BINS } from "../../compute/latent_state.ts";
import { tensor } from "../../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../../compute/topk.ts";
import type { ArtifactSet, ManifestFacts } from "../../io/write_artifacts.ts";

/** How much there is: latents, entries, patches, distributions, rows. */
export const [dSae, k, patches, m, rows] = [5, 3, 4, 2, 12];

/** Some numbers. */
export function f32(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => i / 7 - 1);
}

function u32(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i === 0 ? 2 ** 32 - 1 : i);
}

/** What both kinds of ranking have. */
export const shared = {
  rankValues: tensor(f32(dSae * k), [dSae, k]),
  topI: tensor(u32(dSae * k), [dSae, k]),
  topCount: tensor(u32(dSae).map((count) => Math.min(count, k)), [dSae]),
  meanValues: tensor(Float32Array.of(NaN, 1, 2, 3, Infinity), [dSae]),
  sparsity: tensor(f32(dSae), [dSae]),
  distributions: tensor(f32(m * rows), [m, rows]),
  percentiles: tensor(f32(dSae), [dSae]),
};
/** A ranking of patches. */
export const patch: TopKPatch = {
  kind: "patch",
  ...shared,
  topValues: tensor(f32(dSae * k * patches), [dSae, k, patches]),
  topPatchI: tensor(u32(dSae * k).map((i) => i % patches), [dSae, k]),
};
/** A ranking of images. */
export const img: TopKImg = { kind: "img", ...shared, topValues: shared.rankValues };

type Sketch = Pick<LatentState, "histogram" | "min" | "max">;

/** Everything that is written. */
export function setOf(result: TopKImg | TopKPatch, percentile = 99): ArtifactSet & { readonly sketch: Sketch } {
  const histogram = new Uint32Array(dSae * SKETCH_BINS);
  histogram[0] = 3;
  histogram[2 * SKETCH_BINS + 1280] = 2 ** 31;
  histogram[5 * SKETCH_BINS - 1] = 1;
  const values = Float64Array.of(1, 2, NaN, NaN, 0.5, 0.25, 3, 4, 5, 6);
  return {
    result,
    sketch: {
      histogram,
      min: Float32Array.of(2 ** -41, Infinity, 1, Infinity, 2 ** 25),
      max: Float32Array.of(2 ** -40, 0, 1.01, 0, 2 ** 25),
    },
    count: Uint32Array.of(3, 0, 2 ** 31, 0, 1),
    max: f32(dSae),
    percentile,
    quantiles: { at: [0.5, 0.99], values, relativeError: 1 / 65 },
  };
}

/** What the manifest says besides. */
export const facts: ManifestFacts = {
  startedAt: "2025-01-01T00:00:00.000Z",
  config: { percentile: 99 },
  inputs: { checkpoint: { path: "a", sha256: "b" }, metadata: { path: "c", sha256: "d" }, shards: [] },
  backend: { name: "reference", reason: "asked for", details: {} },
  rows,
  skippedRows: 0,
  versions: {},
  timings: {},
  notes: [],
};
