/**
 * Writes what a comparison found: pictures of both sides, a page of pairs, and the matches as tables.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { writeTable } from "../io/write_table.ts";
import { type ComparedLatent, comparePage } from "../render/compare_page.ts";
import type { ComparedRun, LatentMatches } from "./compare_runs.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";
import { renderLatents } from "./render_latents.ts";
import { withEntries } from "./shown_entries.ts";

/** Pictures shown of a latent. */
const PICTURES = 8;

/** See {@linkcode writeComparison}. */
interface Comparison {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  readonly found: readonly LatentMatches[];
  /** Images that counted. */
  readonly images: number;
  readonly pictures: PictureSource;
  readonly hooks: JobHooks;
  readonly watch: Stopwatch;
}

/**
 * Writes `matches.parquet`, `matches.json`, pictures below `a/` and `b/`, and last `index.html`.
 *
 * @returns How many pictures there are.
 */
export async function writeComparison(directory: string, comparison: Comparison): Promise<number> {
  const { a, b, found, images, pictures, hooks, watch } = comparison;
  const rows = found.flatMap(({ latent, matches }) =>
    matches.map((match, i) => ({ latent, rank: i + 1, isMutual: i === 0 && isBest(found, latent, match), ...match }))
  );
  const facts = { images, a: a.artifacts.manifest!.inputs.checkpoint, b: b.artifacts.manifest!.inputs.checkpoint };
  await writeTable(`${directory}/matches.parquet`, {
    rows: rows.length,
    columns: [
      { name: "latent_a", type: "int32", cell: (i) => rows[i].latent },
      { name: "rank", type: "int32", cell: (i) => rows[i].rank },
      { name: "latent_b", type: "int32", cell: (i) => rows[i].other },
      { name: "correlation", type: "float64", cell: (i) => rows[i].correlation },
      { name: "mutual", type: "bool", cell: (i) => rows[i].isMutual },
    ],
    facts,
  });
  await atomicWrite(`${directory}/matches.json`, `${JSON.stringify({ format: 1, ...facts, matches: found })}\n`);
  const matched = [...new Set(found.flatMap(({ matches }) => matches.slice(0, 1).map(({ other }) => other)))];
  let drawn = 0;
  const sides = [[a, "a", found.map(({ latent }) => latent)], [b, "b", matched]] as const;
  for (const [run, name, latents] of sides) {
    const options = { latents, pictures, directory: `${directory}/${name}`, hooks };
    // Small ones: a page shows thousands. How they are fitted is the first run's setting, as they are the same pictures.
    const look: VisualsConfig = { ...a.config, gridScale: 1, render: "jpeg", grid: run.config.grid };
    const some = withEntries(run.artifacts, firstPictures(run.artifacts, latents));
    drawn += await watch.time("render", () => renderLatents(look, some, options));
  }
  const byCorrelation = found.toSorted((one, other) => strength(other) - strength(one) || one.latent - other.latent);
  const html = comparePage({
    title: "Latents of two runs",
    summary: [
      ["First run", `${a.config.ckpt}, ${a.artifacts.directory}`],
      ["Second run", `${b.config.ckpt}, ${b.artifacts.directory}`],
      ["Images", images.toLocaleString("en")],
      [
        "Compared",
        `${found.length} latents of the first with all ${b.artifacts.dSae.toLocaleString("en")} of the second`,
      ],
    ],
    pairs: byCorrelation.map(({ latent, matches: [best, ...next] }) => ({
      a: sideOf(a.artifacts, latent, "a", pictures),
      b: best === undefined ? undefined : sideOf(b.artifacts, best.other, "b", pictures),
      correlation: best?.correlation ?? NaN,
      next: next.map(({ other, correlation }) => [other, correlation]),
    })),
  });
  await atomicWrite(`${directory}/index.html`, html);
  return drawn;
}

/** Whether no other latent of the first run has a stronger correlation with the same one of the second. */
function isBest(found: readonly LatentMatches[], latent: number, match: LatentMatches["matches"][number]): boolean {
  return found.every(({ latent: other, matches: [best] }) =>
    other === latent || best?.other !== match.other || best.correlation < match.correlation
  );
}

function strength({ matches }: LatentMatches): number {
  return matches[0]?.correlation ?? -2;
}

/** Ranks of the first distinct images of latents. */
function firstPictures({ k, topI, topCount }: StoredArtifacts, latents: readonly number[]): Map<number, number[]> {
  return new Map(latents.map((latent) => {
    const images = [...topI.subarray(latent * k, latent * k + topCount[latent])];
    const ranks = [...images.keys()].filter((rank) => images.indexOf(images[rank]) === rank);
    return [latent, ranks.slice(0, PICTURES)];
  }));
}

function sideOf(artifacts: StoredArtifacts, latent: number, name: string, pictures: PictureSource): ComparedLatent {
  const { k, topI } = artifacts;
  const ranks = firstPictures(artifacts, [latent]).get(latent)!;
  const log = (value: number): string => value > 0 ? Math.log10(value).toFixed(2) : "–";
  return {
    latent,
    facts: [["log10 rate", log(artifacts.sparsity[latent])], ["log10 mean", log(artifacts.meanValues[latent])]],
    pictures: ranks.map((rank, j) => {
      const image = topI[latent * k + rank];
      return { src: `${name}/neurons/${latent}/${j}.jpg`, alt: `${pictures.name(image)}, ${pictures.label(image)}` };
    }),
  };
}
