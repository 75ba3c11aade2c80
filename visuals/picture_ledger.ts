/**
 * Which pictures below `neurons/` are there already, so that a render that was cut off goes on where it stopped.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite, makeDirectory, moveFile, removeFile, removeTemporaries } from "../io/atomic_write.ts";
import type { Manifest } from "../io/manifest.ts";
import { fileSize, isDirectory, listDirectory, readSmallFile } from "../io/open_file.ts";
import { digest } from "./digest.ts";
import type { JobHooks } from "./hooks.ts";
import { PICTURE_MAPS_NAME, PictureMaps } from "./picture_maps.ts";

const LEDGER_NAME = ".drawn.json";
const LEDGER_FORMAT = 1;
const MAX_LEDGER_BYTES = 64 << 20;
/** What is written for a latent; anything else in its directory is not ours. */
const OWN_FILES = /^(?:\d+\.(?:png|jpg|txt)|metadata\.json)$/;

/** The record beside the artifacts. */
interface Ledger {
  readonly format: number;
  /** Digest of all that decides what the pictures look like. */
  readonly request: string;
  /** Whether older pictures of the same request are being replaced: then one that is there proves nothing. */
  readonly isReplacing: boolean;
  /** Images that could not be read, by number, and why: their placeholders are kept too. */
  readonly failed: Readonly<Record<string, string>>;
}

/** The pictures of one request. */
export class PictureLedger {
  readonly #directory: string;
  #ledger: Ledger;
  readonly #keeps: boolean;
  /** The record is written by one at a time, or an older one could win. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(directory: string, ledger: Ledger, keeps: boolean) {
    this.#directory = directory;
    this.#ledger = ledger;
    this.#keeps = keeps;
  }

  /**
   * Looks at what is there: removes what another request drew, and what a killed job left unfinished.
   *
   * Pictures are kept only with `resume`; without it all are drawn anew, over those that are there.
   *
   * @throws {ArtifactError} If the record cannot be written.
   */
  static async open(
    config: VisualsConfig,
    job: { manifest: Manifest | undefined; directory: string; hooks: Pick<JobHooks, "log"> },
  ): Promise<PictureLedger> {
    const { directory, hooks, manifest } = job;
    const request = await digest({ artifacts: identity(manifest), look: lookOf(config) });
    const found = await readLedger(directory);
    const isSame = found?.request === request && manifest !== undefined;
    const folders = await latentFolders(directory);
    // What lies beside another program's artifacts may be that program's.
    const isOurs = manifest !== undefined || found !== undefined;
    for (const folder of folders) await (isSame || !isOurs ? removeTemporaries(folder) : removeOwn(folder));
    if (!isSame && isOurs) await removeFile(`${directory}/${PICTURE_MAPS_NAME}`);
    if (isSame && config.resume && !found.isReplacing) return new PictureLedger(directory, found, true);
    if (config.resume && folders.length > 0) {
      hooks.log(
        isSame
          ? "Drawing all pictures: the job that was interrupted was replacing older ones"
          : "Drawing all pictures: those that are there were drawn from other artifacts or with other settings",
      );
    }
    const ledger = { format: LEDGER_FORMAT, request, isReplacing: isSame, failed: {} };
    const drawn = new PictureLedger(directory, ledger, false);
    await drawn.#write();
    return drawn;
  }

  /**
   * Takes over what parts of a render drew in directories of their own: their latents are moved, and a render with `resume`
   * goes on from there. What was drawn for another request is left where it is.
   *
   * @returns How many parts were taken over.
   * @throws {ArtifactError} If something cannot be moved.
   */
  static async adopt(
    config: VisualsConfig,
    job: { manifest: Manifest | undefined; directory: string; patches: number },
    parts: readonly string[],
  ): Promise<number> {
    const { directory, manifest, patches } = job;
    const request = await digest({ artifacts: identity(manifest), look: lookOf(config) });
    const isKept = (ledger: Ledger | undefined): ledger is Ledger => ledger?.request === request && !ledger.isReplacing;
    const ledgers = await Promise.all(parts.map(async (part) => ({ part, ledger: await readLedger(part) })));
    const kept = ledgers.filter(({ ledger }) => isKept(ledger));
    if (kept.length === 0) return 0;
    const own = await readLedger(directory);
    if (!isKept(own)) { for (const folder of await latentFolders(directory)) await removeOwn(folder); }
    const failed = Object.assign({}, isKept(own) ? own.failed : {}, ...kept.map(({ ledger }) => ledger!.failed));
    const ledger: Ledger = { format: LEDGER_FORMAT, request, isReplacing: false, failed };
    await atomicWrite(`${directory}/${LEDGER_NAME}`, JSON.stringify(ledger) + "\n");
    const maps = await PictureMaps.read([...kept.map(({ part }) => part), ...(isKept(own) ? [directory] : [])]);
    await maps.write(directory, config, patches);
    await makeDirectory(`${directory}/neurons`);
    for (const { part } of kept) {
      for (const folder of await latentFolders(part)) {
        const to = `${directory}/neurons/${folder.slice(folder.lastIndexOf("/") + 1)}`;
        if (await isDirectory(to)) await removeOwn(to);
        if (!await isDirectory(to)) {
          await moveFile(folder, to);
          continue;
        }
        for (const name of await listDirectory(folder)) await moveFile(`${folder}/${name}`, `${to}/${name}`);
      }
    }
    return kept.length;
  }

  /** Whether what an earlier job drew is kept. */
  get keeps(): boolean {
    return this.#keeps;
  }

  /** Whether a picture, `name` its path without its ending, and its label are there. */
  async has(name: string, ending: string): Promise<boolean> {
    if (!this.#keeps) return false;
    const path = `${this.#directory}/${name}`;
    return await fileSize(`${path}.${ending}`) !== undefined && await fileSize(`${path}.txt`) !== undefined;
  }

  /** Why an image is shown as a placeholder; undefined when it is not known to be. */
  failure(image: number): string | undefined {
    return this.#ledger.failed[image];
  }

  /** Records a placeholder; call before it is written. */
  async noteFailure(image: number, reason: string): Promise<void> {
    if (this.#ledger.failed[image] === reason) return;
    this.#ledger = { ...this.#ledger, failed: { ...this.#ledger.failed, [image]: reason } };
    await this.#write();
  }

  /** Records that all is drawn. */
  async finish(): Promise<void> {
    if (!this.#ledger.isReplacing) return;
    this.#ledger = { ...this.#ledger, isReplacing: false };
    await this.#write();
  }

  #write(): Promise<void> {
    const write = (): Promise<void> =>
      atomicWrite(`${this.#directory}/${LEDGER_NAME}`, JSON.stringify(this.#ledger) + "\n");
    return this.#turn = this.#turn.then(write, write);
  }
}

/** What tells one set of artifacts from another, were they computed again too. */
function identity(manifest: Manifest | undefined): unknown {
  if (manifest === undefined) return undefined;
  const { inputs, startedAt, backend, versions } = manifest;
  return { inputs, startedAt, backend: backend.name, files: numberFiles(manifest), tool: versions.tool };
}

/** The files that a run consists of; tables and exports are made of them, at any time, and change no picture. */
export function numberFiles({ files }: Manifest): Record<string, number> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name.endsWith(".pt")));
}

/** The settings that decide what a picture looks like; which latents are drawn is not among them. */
function lookOf(config: VisualsConfig): unknown {
  const { images, render, fit, grid, gridScale, exif, maxPixels, epsilon, diverse, diverseDistance } = config;
  const shown = diverse ? diverseDistance : undefined;
  return { images, render, fit, grid, gridScale, exif, maxPixels, epsilon, shown };
}

async function readLedger(directory: string): Promise<Ledger | undefined> {
  const bytes = await readSmallFile(`${directory}/${LEDGER_NAME}`, MAX_LEDGER_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const ledger = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Ledger> | null;
    const isOurs = ledger?.format === LEDGER_FORMAT && typeof ledger.failed === "object" && ledger.failed !== null;
    return isOurs ? ledger as Ledger : undefined;
  } catch (error) {
    // Not written by us: the pictures are drawn anew.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function latentFolders(directory: string): Promise<string[]> {
  const neurons = `${directory}/neurons`;
  if (!await isDirectory(neurons)) return [];
  return (await listDirectory(neurons)).filter((name) => /^\d+$/.test(name)).map((name) => `${neurons}/${name}`);
}

/** Removes a latent's pictures, and its directory unless something else lies in it. */
async function removeOwn(folder: string): Promise<void> {
  await removeTemporaries(folder);
  for (const name of await listDirectory(folder)) {
    if (OWN_FILES.test(name)) await removeFile(`${folder}/${name}`);
  }
  if ((await listDirectory(folder)).length === 0) await removeFile(folder);
}
