/**
 * The online percentile estimator against a distribution that is known.
 * @module
 */
import { type OnlineQuantile, type OnlineQuantileOptions, simulateOnlineQuantile } from "../compute/online_quantile.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import { plotOnlineQuantile } from "../render/plot_online_quantile.ts";
import { svgToPng } from "../render/svg_to_png.ts";

/** What {@linkcode testOnlineQuantileEstimation} gives: the course, and its plot. */
export interface OnlineQuantileTest extends OnlineQuantile {
  /** The plot as an SVG document. */
  readonly svg: string;
}

/**
 * Simulates the estimator on normal numbers whose percentile is `trueQuantile`, and plots its course.
 *
 * @param trueQuantile What the estimate should come to.
 * @param percentile Which percentile, above 0 and below 100.
 * @param options Lengths, rate and seed; with `path`, `{path}.svg` and `{path}.png` are written (needs write permission).
 * @returns The course and the SVG.
 * @throws {RangeError} If an argument is out of range.
 * @throws {ArtifactError} If the plot cannot be written.
 *
 * Source: upstream's `test_online_quantile_estimation`.
 *
 * @example
 * ```ts
 * import { testOnlineQuantileEstimation } from "./online_quantile.ts";
 * const { estimates, svg } = await testOnlineQuantileEstimation(0.2, 50, { samples: 2000 });
 * console.assert(estimates.length > 0 && svg.startsWith("<svg"));
 * ```
 */
export async function testOnlineQuantileEstimation(
  trueQuantile: number,
  percentile: number,
  options: OnlineQuantileOptions & { readonly path?: string } = {},
): Promise<OnlineQuantileTest> {
  const { path, ...simulation } = options;
  const course = simulateOnlineQuantile(trueQuantile, percentile, simulation);
  const svg = plotOnlineQuantile(course);
  if (path !== undefined) {
    await atomicWrite(`${path}.svg`, svg);
    await atomicWrite(`${path}.png`, await svgToPng(svg));
  }
  return { ...course, svg };
}
