/**
 * Drawing what is computed: all of it, or one share of the latents.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { parsePart } from "../config/part.ts";
import type { VisualsConfig } from "../config/types.ts";
import { removeTree } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredExamples } from "../io/examples_file.ts";
import { isDirectory, listDirectory } from "../io/open_file.ts";
import { readArtifacts, type StoredArtifacts } from "../io/read_artifacts.ts";
import { draw, openMatchingPictures } from "./draw.ts";
import { findForeign, openForeignPictures } from "./foreign_artifacts.ts";
import { fits, openDump, type OpenedDump } from "./dump.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { examplesInto } from "./interval_examples.ts";
import { PictureLedger } from "./picture_ledger.ts";
import { chosenLatents, renderLatents } from "./render_latents.ts";
import type { JobSummary } from "./report.ts";
import { shownEntries } from "./shown_entries.ts";
import { ViewerPictures } from "./viewer_pictures.ts";
import { storeViewerPictures } from "./write_viewer.ts";

/** What drawing works on. */
interface Drawing {
  /** Settings, where it goes, and when it began. */
  readonly job: Pick<OpenedDump, "config" | "directory" | "startedMs">;
  readonly artifacts: StoredArtifacts;
  readonly pictures: PictureSource;
  readonly watch: Stopwatch;
  /** Gives the examples of the latents' ranges, taking them if they are missing. */
  readonly examples: (hooks: JobHooks) => Promise<StoredExamples | undefined>;
}

/**
 * Draws artifacts that are there; never computes them. Examples of the latents' ranges are taken if they are missing.
 *
 * With `config.part` a contiguous share of the chosen latents is drawn, and their pictures stored for the viewer, into
 * `parts/render-i-of-n/`. Without it everything is: what parts have drawn and stored is moved into place, what is missing is
 * made, and the viewer and the plots are written. The files are those of one render, byte for byte: a part takes no examples.
 *
 * Artifacts of upstream's, which have no manifest, are drawn as they are: neither checkpoint nor shards are looked at, so
 * there are no examples.
 *
 * @throws {ArtifactError} If there are no artifacts of this request, or something cannot be written.
 * @throws {DatasetError} If the pictures are not those that the activations were recorded from.
 */
export async function renderArtifacts(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const filled = withDefaults(hooks);
  const foreign = await findForeign(asked);
  if (foreign !== undefined) {
    filled.log(`${foreign.directory} has no manifest: drawing what another program computed, as it is`);
    return await drawJob(foreign, foreign.percentile, {
      open: () => openForeignPictures(asked, foreign),
      take: () => Promise.resolve(undefined),
      hooks: filled,
    });
  }
  const job = await openDump(asked);
  const { directory, config } = job;
  if (!await fits(job)) {
    throw new ArtifactError(
      `Cannot render ${directory}: it holds no artifacts of this request; compute them with dump, or merge their parts`,
      { path: directory },
    );
  }
  return await drawJob(job, config.percentile, {
    open: () => openMatchingPictures(job),
    take: (artifacts, hooks) => examplesInto(job, artifacts, { hooks, fresh: config.force }),
    hooks: filled,
  });
}

async function drawJob(
  job: Drawing["job"],
  percentile: number,
  { open, take, hooks }: {
    readonly open: () => Promise<PictureSource>;
    readonly take: (artifacts: StoredArtifacts, hooks: JobHooks) => Promise<StoredExamples | undefined>;
    readonly hooks: JobHooks;
  },
): Promise<JobSummary> {
  const { directory, config } = job;
  const watch = new Stopwatch();
  const pictures = await watch.time("open pictures", open);
  try {
    const artifacts = await readArtifacts(directory, { percentile });
    try {
      const examples = (hooks: JobHooks): Promise<StoredExamples | undefined> =>
        watch.time("examples", () => take(artifacts, hooks));
      const drawing = { job, artifacts, pictures, watch, examples };
      return await (config.part === undefined ? drawAll(drawing, hooks) : drawParts(drawing, config.part, hooks));
    } finally {
      artifacts.close();
    }
  } finally {
    pictures.close();
  }
}

async function drawParts(
  { job, artifacts, pictures, watch }: Drawing,
  part: string,
  hooks: JobHooks,
): Promise<JobSummary> {
  const { config, startedMs } = job;
  const { indices, count } = parsePart(part);
  const all = chosenLatents(config, artifacts);
  const outputs: string[] = [];
  let [nLatents, nPictures] = [0, 0];
  for (const index of indices) {
    const [from, to] = [index, index + 1].map((i) => Math.floor((i * all.length) / count));
    const latents = all.slice(from, to);
    const directory = `${job.directory}/parts/render-${index}-of-${count}`;
    await inDirectory(directory, config, hooks, async (hooks) => {
      const shown = { latents, pictures, directory, hooks };
      const entries = await watch.time("compare pictures", () => shownEntries(config, artifacts, shown));
      const stored = await watch.time("viewer", () => storeViewerPictures(config, entries, shown));
      const drawn = await watch.time("render", () => renderLatents(config, entries, shown));
      nPictures += config.render === "viewer-only" ? stored.pictures : drawn;
    });
    outputs.push(directory);
    nLatents += latents.length;
  }
  return {
    outputs,
    latents: nLatents,
    pictures: nPictures,
    seconds: (performance.now() - startedMs) / 1000,
    profile: watch.seconds,
  };
}

async function drawAll(
  { job, artifacts, pictures, watch, examples: take }: Drawing,
  hooks: JobHooks,
): Promise<JobSummary> {
  const { directory, config, startedMs } = job;
  return await inDirectory(directory, config, hooks, async (hooks) => {
    const examples = await take(hooks);
    const parts = await drawnParts(directory);
    const stored = await ViewerPictures.adopt(config, directory, parts);
    const adopted = Math.max(
      stored,
      await PictureLedger.adopt(
        config,
        { manifest: artifacts.manifest, directory, patches: artifacts.patches },
        parts,
      ),
    );
    if (adopted > 0) hooks.log(`Took over the pictures of ${adopted} parts`);
    const resume = config.resume || adopted > 0;
    const { latents, drawn } = await draw(
      { ...config, resume },
      { directory, artifacts, examples, pictures, hooks, watch },
    );
    for (const part of parts) await removeTree(part);
    return {
      outputs: [`${directory}/index.html`],
      latents,
      pictures: drawn,
      seconds: (performance.now() - startedMs) / 1000,
      profile: watch.seconds,
    };
  });
}

async function drawnParts(directory: string): Promise<string[]> {
  const parts = `${directory}/parts`;
  if (!await isDirectory(parts)) return [];
  return (await listDirectory(parts)).filter((name) => /^render-\d+-of-\d+$/.test(name)).map((name) =>
    `${parts}/${name}`
  );
}
