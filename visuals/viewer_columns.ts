/**
 * Further numbers of every latent in the viewer's table.
 * @module
 */
import { sketchQuantile } from "../compute/quantile_sketch.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { Study, StudyNumber } from "../io/study_file.ts";
import type { ViewerColumn } from "../render/viewer_data.ts";

/** Columns of a study, if there is one: key, heading, what it is, whether it spreads over decades. */
const STUDIED: readonly (readonly [key: StudyNumber, name: string, about: string, log: boolean])[] = [
  [
    "bestLabelAuroc",
    "AUROC",
    "How well its strength on a picture tells the pictures of its best class from all others",
    false,
  ],
  ["bestLabelLow", "AUROC from", "Lower end of the 95 % interval of that area", false],
  ["bestLabelHigh", "AUROC to", "Upper end of the 95 % interval of that area", false],
  [
    "bestLabelLift",
    "best lift",
    "The share of that class among its top pictures, over its share in the data set",
    true,
  ],
  ["positionConcentration", "position", "How often firings in two pictures meet in a place, over chance", true],
  ["borderOdds", "border", "Its odds of firing on a border patch, over those of a patch to be one", true],
  ["highNormShare", "high norm", "Share of its firings on patches of high norm", false],
];

/**
 * The columns beside firing rate, mean, largest value, distinct pictures and label entropy. The page's table, filters, orders
 * and latents' pages take whatever is listed here.
 */
export async function viewerColumns(
  artifacts: StoredArtifacts,
  study: Study | undefined,
): Promise<ViewerColumn[]> {
  const own = [await sketchColumn(artifacts, 0.99)].filter((column) => column !== undefined);
  return study === undefined ? own : [...own, ...studied(study, artifacts.dSae)];
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

/** Latents that were not studied have none of these numbers. */
function studied(study: Study, dSae: number): ViewerColumn[] {
  const spread = (of: (i: number) => number | null): Float32Array => {
    const values = new Float32Array(dSae).fill(NaN);
    study.latents.forEach((latent, i) => values[latent] = of(i) ?? NaN);
    return values;
  };
  const numbers = STUDIED.map(([key, name, about, log]): ViewerColumn => ({
    key,
    name,
    about,
    log,
    values: spread((i) => study[key][i]),
  })).filter(({ values }) => values.some((value) => !Number.isNaN(value)));
  const about = "What it seems to track besides content: places, borders, patches of high norm";
  return [...numbers, { key: "flags", name: "flags", about, values: spread((i) => study.flags[i].length) }];
}
