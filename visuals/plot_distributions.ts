/**
 * The distribution plots of a directory of artifacts.
 * @module
 */
import { SKETCH_BINS } from "../compute/latent_state.ts";
import { tensor } from "../compute/tensor.ts";
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite, removeFile } from "../io/atomic_write.ts";
import { fileSize, readSmallFile } from "../io/open_file.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { type DistributionsPlot, plotActivationDistributions } from "../render/plot_activation_distributions.ts";
import { plotSketchDistributions } from "../render/plot_sketch_distributions.ts";
import { svgToPng } from "../render/svg_to_png.ts";

/** The plot's file; undefined when no distribution was asked for. */
export function distributionsName(config: VisualsConfig, artifacts: StoredArtifacts): string | undefined {
  const m = howMany(config, artifacts);
  return m === 0 ? undefined : `${m}_activation_distributions.png`;
}

/**
 * Writes `{m}_activation_distributions.svg` and `.png` for the first m latents.
 *
 * Drawn from every activation where they were kept, else from the sketch.
 */
export async function plotDistributions(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  directory: string,
): Promise<void> {
  const m = howMany(config, artifacts);
  if (m === 0) return;
  const kept = artifacts.distributionsShape[0] >= m;
  const { svg } = kept ? await fromActivations(artifacts, m) : await fromSketch(artifacts, m);
  const name = `${m}_activation_distributions`;
  if (config.force || !await isDrawn(`${directory}/${name}`, svg)) {
    // The SVG comes last: where it is, so is the PNG made of it.
    await removeFile(`${directory}/${name}.svg`);
    await atomicWrite(`${directory}/${name}.png`, await svgToPng(svg));
    await atomicWrite(`${directory}/${name}.svg`, svg);
  }
}

/** Without a sketch there is nothing to draw of latents whose activations were not kept. */
function howMany({ nDistributions }: VisualsConfig, { manifest, dSae, distributionsShape }: StoredArtifacts): number {
  return Math.min(nDistributions, manifest === undefined ? distributionsShape[0] : dSae);
}

/** Whether this very plot is there, from a run before: drawing it takes longer than all of a small job. */
async function isDrawn(path: string, svg: string): Promise<boolean> {
  const found = await readSmallFile(`${path}.svg`, 2 * svg.length + 1024).catch(() => undefined);
  if (found === undefined || new TextDecoder().decode(found) !== svg) return false;
  return await fileSize(`${path}.png`) !== undefined;
}

async function fromActivations(artifacts: StoredArtifacts, m: number): Promise<DistributionsPlot> {
  const rows = artifacts.distributionsShape[1];
  const data = new Float32Array(m * rows);
  for (let latent = 0; latent < m; latent++) data.set(await artifacts.readDistribution(latent), latent * rows);
  return plotActivationDistributions({ distributions: tensor(data, [m, rows]) });
}

async function fromSketch(artifacts: StoredArtifacts, m: number): Promise<DistributionsPlot> {
  const latents = Array.from({ length: m }, (_, latent) => latent);
  const histogram = new Uint32Array(m * SKETCH_BINS);
  const [count, min, max] = [new Uint32Array(m), new Float32Array(m).fill(Infinity), new Float32Array(m)];
  for (const latent of latents) {
    const sketch = await artifacts.readSketch(latent);
    if (sketch === undefined) continue;
    histogram.set(sketch.histogram, latent * SKETCH_BINS);
    count[latent] = sketch.histogram.reduce((sum, n) => sum + n, 0);
    min[latent] = sketch.min;
    max[latent] = sketch.max;
  }
  return plotSketchDistributions({ histogram, count, min, max, rows: artifacts.manifest?.rows ?? 0, latents });
}
