/**
 * The tiny plots whose SVG is kept as text under `snapshots/`.
 * @module
 */
import { tensor } from "../../compute/tensor.ts";
import { sketchBin } from "../../compute/quantile_sketch.ts";
import { plotActivationDistributions } from "../../render/plot_activation_distributions.ts";
import { plotOnlineQuantile } from "../../render/plot_online_quantile.ts";
import { plotSketchDistributions } from "../../render/plot_sketch_distributions.ts";

/** Where the snapshots are. */
export const SNAPSHOTS = new URL("./snapshots/", import.meta.url);

/** Name of each snapshot file and what makes it. */
export const SNAPSHOT_CASES: Readonly<Record<string, () => string>> = {
  "distributions_two_latents.svg": () =>
    plotActivationDistributions({
      distributions: tensor(new Float32Array([0, 1, 10, 100, 1, NaN, 0, 0, 0, 0, 0, -1]), [2, 6]),
      latents: [3, 40],
    }).svg,
  "distributions_none.svg": () =>
    plotActivationDistributions({ distributions: tensor(new Float32Array(0), [0, 6]) }).svg,
  "sketch_one_latent.svg": () => {
    const histogram = new Uint32Array(2 * 2048);
    for (const value of [0.5, 1, 1, 8]) histogram[2048 + sketchBin(value)] += 1;
    return plotSketchDistributions({
      histogram,
      count: new Uint32Array([0, 4]),
      min: new Float32Array([Infinity, 0.5]),
      max: new Float32Array([0, 8]),
      rows: 1200,
      latents: [1],
    }).svg;
  },
  "online_quantile.svg": () =>
    plotOnlineQuantile({
      steps: [1, 2, 3, 4, 5],
      estimates: [0, 0.5, 0.25, NaN, 0.75],
      percentile: 90,
      trueQuantile: 0.8,
      sampleQuantile: 0.78,
      sketchEstimate: 0.7,
    }),
};
