/**
 * A pass's saved states: what they must fit, and how a pass is taken up from one.
 * @module
 */
import type { Backend, FoldPlan } from "../compute/backend.ts";
import { type StateLengths, stateLengths } from "../compute/empty_state.ts";
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import type { RowLayout } from "../compute/rows.ts";
import metadata from "../deno.json" with { type: "json" };
import { listCheckpoints, removeCheckpoints, saveCheckpoint } from "../io/checkpoints.ts";
import {
  type ArtifactRequest,
  compareManifest,
  type Manifest,
  MANIFEST_FORMAT,
  parseManifest,
} from "../io/manifest.ts";
import { openState, type StateFile } from "../io/open_state.ts";
import { isMeasured } from "../io/parts.ts";
import { badState } from "../io/state_file.ts";
import type { JobHooks } from "./hooks.ts";

/** What a backend says of itself that never changes a bit: how it is set up, and what happened to it. */
const HARMLESS_DETAILS: ReadonlySet<string> = new Set([
  "deviceLosses",
  "dotBits",
  "limits",
  "maxBindingBytes",
  "memory",
  "pairBits",
  "screening",
  "threads",
  "tile",
  "workerPermissions",
]);

/** What is kept beside the arrays. */
interface SavedFacts extends ArtifactRequest {
  readonly version: string;
  readonly backend: { readonly name: string; readonly details: Readonly<Record<string, unknown>> };
  readonly startedAt: string;
  readonly nextImage: number;
  /** What was measured on the sample, so that it is not measured again; f32 values are exact in JSON. */
  readonly mean: readonly number[] | null;
  readonly scalar: number;
}

/** Where a pass goes on. */
export interface ResumePoint {
  /** The state so far. */
  readonly state: LatentState;
  /** The first image that is not in it. */
  readonly nextImage: number;
}

/** What was found of an interrupted pass. */
export interface FoundProgress {
  /** When it began. */
  readonly startedAt: string;
  /** The layout with what was measured. */
  readonly layout: RowLayout;
}

/** Saves and finds the states of one request in one directory. */
export class SavedProgress {
  readonly #directory: string;
  readonly #request: ArtifactRequest;
  readonly #backend: Backend;
  readonly #log: JobHooks["log"];
  /** What this pass saves beside its state, once known. */
  #facts: Omit<SavedFacts, "nextImage"> | undefined;
  /** What a state of this pass looks like, once known. */
  #expected: { readonly shape: StateLengths; readonly nImages: number } | undefined;
  /** States found at the start that are not this pass's. */
  #isForeign = false;

  /** Takes what states must fit. */
  constructor(
    directory: string,
    { request, backend, log }: { request: ArtifactRequest; backend: Backend; log: JobHooks["log"] },
  ) {
    this.#directory = directory;
    this.#request = request;
    this.#backend = backend;
    this.#log = log;
  }

  /**
   * Looks for a state to go on from, newest first; damaged ones are passed over.
   *
   * @returns What it was measured with; undefined when the pass has to begin anew, which is said.
   * @throws {ConfigError} If there is one of another request, backend or version.
   */
  async find(resume: boolean, layout: RowLayout): Promise<FoundProgress | undefined> {
    const paths = await listCheckpoints(this.#directory);
    if (!resume) {
      this.#isForeign = paths.length > 0;
      if (this.#isForeign) {
        this.#log(
          `Found the saved state of an interrupted job in ${this.#directory}; it is left aside, --resume would go on from it`,
          "warn",
        );
      }
      return undefined;
    }
    for (const path of paths) {
      const facts = await this.#readFacts(path);
      if (facts === undefined) continue;
      this.#refuseOthers(path, facts);
      const { mean, scalar, startedAt } = facts;
      if ((mean?.length ?? layout.dVit) !== layout.dVit) continue;
      return { startedAt, layout: { ...layout, mean: mean === null ? undefined : Float32Array.from(mean), scalar } };
    }
    this.#log(`Found no saved state in ${this.#directory} to resume from: beginning at the first row`);
    return undefined;
  }

  /** Fixes what states of this pass look like, and what is saved beside them. */
  begin(dSae: number, plan: FoldPlan, startedAt: string): void {
    const { name, details } = this.#backend;
    const { layout, nImages } = plan;
    this.#expected = { shape: stateLengths(dSae, plan), nImages };
    this.#facts = {
      ...this.#request,
      version: metadata.version,
      backend: { name, details },
      startedAt,
      mean: layout.mean === undefined ? null : Array.from(layout.mean),
      scalar: layout.scalar,
    };
  }

  /** Reads the newest whole state; undefined when there is none of this pass. */
  async load(): Promise<ResumePoint | undefined> {
    if (this.#isForeign) return undefined;
    for (const path of await listCheckpoints(this.#directory)) {
      const point = await this.#read(path);
      if (point !== undefined) return point;
    }
    return undefined;
  }

  /**
   * Saves a state.
   *
   * @throws {ArtifactError} If it cannot be written; the states saved before stay.
   */
  async save({ state, nextImage }: ResumePoint): Promise<void> {
    if (this.#isForeign) await removeCheckpoints(this.#directory);
    this.#isForeign = false;
    await saveCheckpoint(this.#directory, state, { ...this.#facts, nextImage });
  }

  /** Removes all states: the artifacts are there. */
  async clear(): Promise<void> {
    await removeCheckpoints(this.#directory);
  }

  async #read(path: string): Promise<ResumePoint | undefined> {
    return await this.#passOver(async () => {
      const file = await openState(path, this.#expected?.shape);
      try {
        const { nextImage } = factsOf(path, file);
        const last = this.#expected?.nImages ?? nextImage;
        if (nextImage > last) throw badState(path, `it would go on after ${nextImage} of ${last} images`);
        return { state: await file.read(), nextImage };
      } finally {
        file.close();
      }
    });
  }

  async #readFacts(path: string): Promise<SavedFacts | undefined> {
    return await this.#passOver(async () => {
      const file = await openState(path);
      file.close();
      return factsOf(path, file);
    });
  }

  async #passOver<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      this.#log(`${error.message}; looking for an older one`, "warn");
      return undefined;
    }
  }

  #refuseOthers(path: string, facts: SavedFacts): void {
    const differences = compareManifest({ ...facts } as unknown as Manifest, this.#request);
    if (facts.version !== metadata.version) {
      differences.push(`version ${facts.version} saved it and this is ${metadata.version}`);
    }
    const [was, is] = [bitsOf(facts.backend), bitsOf(this.#backend)];
    if (was !== is) differences.push(`the backend was ${was} and is now ${is}`);
    if (differences.length === 0) return;
    throw new ConfigError(
      `Cannot resume from ${path}: ${
        differences.join("; ")
      }; give the same settings as before, or leave out --resume ` +
        "to begin anew",
      { path: "resume" },
    );
  }
}

/**
 * What is kept beside a state.
 *
 * @throws {ArtifactError} If it is not what is written there.
 */
function factsOf(path: string, { header: { facts } }: Pick<StateFile, "header">): SavedFacts {
  const found = facts as Partial<SavedFacts> | null;
  const isRecord = typeof found === "object" && found !== null;
  // A request as in a manifest, and some more.
  if (isRecord) parseManifest({ ...found, format: MANIFEST_FORMAT, files: {}, rows: 0, skippedRows: 0 }, path);
  const isRight = isRecord && isMeasured({ mean: found.mean, scalar: found.scalar }) &&
    typeof found.backend?.details === "object" && found.backend.details !== null &&
    typeof found.version === "string" && typeof found.startedAt === "string" &&
    Number.isSafeInteger(found.nextImage) && found.nextImage! >= 0;
  if (!isRight) throw badState(path, "what is kept beside it is missing or wrong");
  return found as SavedFacts;
}

/** A backend's name and whatever of its details may change the last bits. */
function bitsOf({ name, details }: Pick<Backend, "name" | "details"> | SavedFacts["backend"]): string {
  const parts = Object.entries(details).filter(([key]) => !HARMLESS_DETAILS.has(key));
  const listed = parts.map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return listed.length === 0 ? name : `${name} (${listed.sort().join(", ")})`;
}
