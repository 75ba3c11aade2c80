/**
 * Further numbers of every latent in the viewer's table.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { ViewerColumn } from "../render/viewer_data.ts";

/**
 * The columns beside firing rate, mean, top value, distinct pictures and label entropy. The page's table, filters and orders
 * take whatever is listed here.
 */
export function viewerColumns(config: VisualsConfig, artifacts: StoredArtifacts): ViewerColumn[] {
  const { sparsity, percentiles } = artifacts;
  // A latent that never fires has no percentile.
  const values = percentiles.map((value, latent) => sparsity[latent] > 0 ? value : NaN);
  const name = `p${config.percentile}`;
  const about = `The ${config.percentile}th percentile of its positive activations, estimated while they went by`;
  return [{ key: "percentile", name, about, log: true, values }];
}
