/**
 * Further numbers of every latent in the viewer's table.
 * @module
 */
import { sketchQuantile } from "../compute/quantile_sketch.ts";
import type { VisualsConfig } from "../config/types.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { ViewerColumn } from "../render/viewer_data.ts";

/**
 * The columns beside firing rate, mean, largest value, distinct pictures and label entropy. The page's table, filters, orders
 * and latents' pages take whatever is listed here.
 */
export async function viewerColumns(
  _config: VisualsConfig,
  artifacts: StoredArtifacts,
): Promise<ViewerColumn[]> {
  return [await sketchColumn(artifacts, 0.99)].filter((column) => column !== undefined);
}

/** A quantile of every latent's positive activations; undefined for artifacts without sketches. */
async function sketchColumn(artifacts: StoredArtifacts, q: number): Promise<ViewerColumn | undefined> {
  const { dSae, sparsity } = artifacts;
  const values = new Float32Array(dSae).fill(NaN);
  for (let latent = 0; latent < dSae; latent++) {
    if (!(sparsity[latent] > 0)) continue;
    const sketch = await artifacts.readSketch(latent);
    if (sketch === undefined) return undefined;
    const { histogram, min, max } = sketch;
    const count = histogram.reduce((sum, n) => sum + n, 0);
    values[latent] = sketchQuantile(histogram, 0, count, q, min, max);
  }
  const percent = Number((q * 100).toFixed(3));
  const about = `${percent} % of its positive activations do not exceed it, to within 1/65`;
  return { key: `p${String(percent).replace(".", "d")}`, name: `p${percent}`, about, log: true, values };
}
