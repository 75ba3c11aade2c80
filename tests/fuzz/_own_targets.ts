/**
 * Readers of what this program wrote itself, in a directory that somebody else may have had.
 * @module
 */
import { checkPlan } from "../../compute/check_plan.ts";
import { stateLengths } from "../../compute/empty_state.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { parseConfig, type VisualsConfigInput } from "../../config.ts";
import { memorySource } from "../../io/byte_source.ts";
import { examplesFrom } from "../../io/examples_file.ts";
import { parseManifest } from "../../io/manifest.ts";
import { readState } from "../../io/open_state.ts";
import { PART_STATE_NAME, partDirectory } from "../../io/parts.ts";
import { Notes } from "../../render/viewer/notes.ts";
import { parseHash } from "../../render/viewer/state.ts";
import { openDump, type OpenedDump } from "../../visuals/dump.ts";
import { findParts } from "../../visuals/find_parts.ts";
import { planFold } from "../../visuals/fold_rows.ts";
import { Stopwatch, withDefaults } from "../../visuals/hooks.ts";
import { withJoined } from "../../visuals/join_parts.ts";
import { measuredRows } from "../../visuals/measured_rows.ts";
import { PictureLedger } from "../../visuals/picture_ledger.ts";
import { SavedProgress } from "../../visuals/saved_progress.ts";
import { repairState } from "./_repair_state.ts";
import { repairSafetensors } from "./_shape.ts";
import type { Target } from "./_targets.ts";

const SEEDS = decodeURIComponent(new URL("../../fixtures/fuzz/seeds", import.meta.url).pathname);
const PARTS = 2;

/** The job whose parts and states the seeds are. */
function seedJob(more: VisualsConfigInput = {}): Promise<OpenedDump> {
  return openDump(parseConfig({
    ckpt: `${SEEDS}/checkpoints/plain.pt`,
    device: "reference",
    topK: 2,
    nDistributions: 2,
    nWorkers: 1,
    ...more,
    data: { shardRoot: `${SEEDS}/shards/current`, layer: -1, nRandomSamples: 100 },
  }));
}

/** Opened once for each directory; the job itself never changes. */
const jobs = new Map<string, Promise<OpenedDump>>();

async function jobIn(directory: string): Promise<OpenedDump> {
  if (!jobs.has(directory)) {
    jobs.set(directory, seedJob({ dumpTo: directory }));
    const { directory: own } = await jobs.get(directory)!;
    for (let index = 0; index < PARTS; index++) {
      await Deno.mkdir(partDirectory(own, index, PARTS), { recursive: true });
      for (const name of ["manifest.json", PART_STATE_NAME]) await restore(own, `${index}-of-${PARTS}/${name}`);
    }
    await restore(own, "measured.json");
  }
  return await jobs.get(directory)!;
}

const restore = (own: string, name: string): Promise<void> =>
  Deno.copyFile(`${SEEDS}/parts/${name}`, `${own}/parts/${name}`);

/** Lengths that the good file has: whoever reads a state knows what to expect. */
const lengths = new Map<string, Promise<ReturnType<typeof stateLengths>>>();

async function lengthsOf(seed: string): Promise<ReturnType<typeof stateLengths>> {
  const { header } = await readState(memorySource(seed, await Deno.readFile(seed)), {});
  const { dSae, k, patches, distributionWords } = header;
  return { dSae, k, patches, distributionWords };
}

/** See `_targets.ts`. */
export const OWN_TARGETS: readonly Target[] = [
  {
    name: "state",
    weight: 6,
    seeds: ["fuzz/seeds/parts/*/*.state", "fuzz/seeds/resume/*.state"],
    shape: repairState,
    async run(bytes, { seed }): Promise<void> {
      if (!lengths.has(seed)) lengths.set(seed, lengthsOf(seed));
      const state = await readState(memorySource("case.state", bytes), await lengths.get(seed)!);
      await state.read();
      await state.readLatents(1, 2);
    },
  },
  {
    name: "resume",
    weight: 2,
    seeds: ["fuzz/seeds/resume/*.state"],
    shape: repairState,
    onDisk: true,
    async run(bytes, { directory }): Promise<void> {
      const { config, inputs, request } = await jobIn(directory);
      await Deno.mkdir(`${directory}/resume/.state`, { recursive: true });
      await Deno.writeFile(`${directory}/resume/.state/000000001.state`, bytes);
      const backend = createReferenceBackend();
      const saved = new SavedProgress(`${directory}/resume`, { request, backend, log: () => {} });
      const found = await saved.find(true, inputs.layout);
      const plan = planFold(config, inputs, found?.layout ?? inputs.layout);
      saved.begin(inputs.sae.dSae, plan, found?.startedAt ?? "");
      const point = await saved.load();
      if (point !== undefined) checkPlan(inputs.sae, plan, point.state);
    },
  },
  {
    name: "parts",
    weight: 2,
    seeds: ["fuzz/seeds/parts/*/*", "fuzz/seeds/parts/measured.json"],
    shape: (bytes, random) => bytes[0] === 0x7b ? bytes : repairState(bytes, random),
    onDisk: true,
    async run(bytes, { seed, directory }): Promise<void> {
      const job = await jobIn(directory);
      const name = seed.slice(seed.indexOf("/parts/") + "/parts/".length);
      await Deno.writeFile(`${job.directory}/parts/${name}`, bytes);
      try {
        await join(job);
      } finally {
        await restore(job.directory, name);
      }
    },
  },
  {
    name: "examples",
    weight: 3,
    seeds: ["fuzz/seeds/examples/*"],
    shape: repairSafetensors,
    async run(bytes, { seed }): Promise<void> {
      const artifacts = { dSae: 9, patches: seed.endsWith("/wholes.safetensors") ? 0 : 4 };
      const examples = await examplesFrom(memorySource("case.safetensors", bytes), artifacts);
      for (const latent of examples.latents) {
        const { image, interval, patch, value, heat } = examples.of(latent)!;
        // What the viewer takes for granted.
        const isSound = image.every((number) => number < examples.images) && value.every(Number.isFinite) &&
          interval.every((part) => part >= 1 && part <= examples.intervals) &&
          patch.every((p) => p < Math.max(1, artifacts.patches)) && heat.length === image.length * artifacts.patches;
        if (!isSound || latent >= artifacts.dSae) throw new TypeError(`the examples of latent ${latent} are not sound`);
      }
    },
  },
  {
    name: "ledger",
    weight: 1,
    seeds: ["fuzz/seeds/ledger/*"],
    onDisk: true,
    async run(bytes, { directory }): Promise<void> {
      const text = await Deno.readTextFile(`${SEEDS}/artifacts/sort_by_patch/manifest.json`);
      const manifest = parseManifest(JSON.parse(text), "manifest.json");
      const job = { manifest, directory: `${directory}/ledger`, hooks: { log: () => {} } };
      const config = parseConfig({ resume: true });
      const path = `${job.directory}/.drawn.json`;
      await Deno.remove(path).catch(() => {});
      // The record of this request, which a hostile one pretends to be.
      await PictureLedger.open(config, job);
      const { request } = JSON.parse(await Deno.readTextFile(path));
      await Deno.writeTextFile(path, new TextDecoder().decode(bytes).replace('"a07"', JSON.stringify(request)));
      const ledger = await PictureLedger.open(config, job);
      await ledger.has("0/0", "png");
      for (const image of [0, 3, 7]) {
        const reason = ledger.failure(image);
        if (reason !== undefined && typeof reason !== "string") throw new TypeError("a reason is no text");
      }
    },
  },
  {
    name: "viewer",
    weight: 2,
    seeds: ["fuzz/seeds/viewer/*"],
    // deno-lint-ignore require-await -- so that what is thrown rejects
    async run(bytes): Promise<void> {
      const text = new TextDecoder().decode(bytes);
      // An address is understood or not, and a file of notes says that it is none; the page tells.
      parseHash(`#${text}`);
      try {
        new Notes("run").merge(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    },
  },
];

/** As `mergeParts()` reads them, to the end. */
async function join(job: OpenedDump): Promise<void> {
  const { config, inputs, directory } = job;
  const hooks = withDefaults({});
  await measuredRows(job, hooks);
  const { parts } = await findParts(job, PARTS);
  const files = parts.map(({ part }) => ({
    path: `${partDirectory(directory, part.index, part.count)}/${PART_STATE_NAME}`,
    nRows: part.nRows,
  }));
  const plan = planFold(config, inputs, inputs.layout);
  const shape = stateLengths(inputs.sae.dSae, plan);
  const options = { shape, nDistributions: plan.nDistributions, scratch: directory, hooks, watch: new Stopwatch() };
  await withJoined(files, options, async (joined) => {
    await joined.latents(0, shape.dSae);
    await joined.distributions(0, shape.distributionWords);
  });
}
