/**
 * What the page says about a run as a whole.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { IndexPageData, PageLatent } from "../render/page.ts";

/** Collects the page's contents. */
export function pageData(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  drawn: { readonly pages: readonly PageLatent[]; readonly plot: string | undefined },
): IndexPageData {
  const { manifest } = artifacts;
  const rows = manifest?.rows ?? artifacts.distributionsShape[1];
  const layer = typeof config.data.layer === "number" ? `layer ${config.data.layer}` : `mean over layers`;
  return {
    title: "What activates these latents",
    summary: [
      ["Checkpoint", config.ckpt],
      ["Shards", `${config.data.shardRoot}, ${layer}, ${config.data.patches}`],
      ["Pictures", `${config.images.root} (${config.images.kind})`],
      ["Rows", rows.toLocaleString("en")],
      ["Latents", artifacts.dSae.toLocaleString("en")],
      ["Ranked by", `${config.sortBy}, top ${artifacts.k}${config.dedupe === "image" ? ", one entry per image" : ""}`],
      ...(manifest === undefined ? [] : [
        ["Computed", `${manifest.startedAt.slice(0, 16).replace("T", " ")} UTC on ${manifest.backend.name}`] as const,
      ]),
    ],
    latents: drawn.pages,
    scatter: {
      log10Freq: artifacts.sparsity.map(Math.log10),
      log10Value: artifacts.meanValues.map(Math.log10),
      freqRange: config.logFreqRange,
      valueRange: config.logValueRange,
    },
    plots: drawn.plot === undefined
      ? []
      : [{ src: drawn.plot, caption: `How strongly the first ${config.nDistributions} latents fire` }],
  };
}
