/**
 * A pass's saved states: what they must fit, and how a pass is taken up from one.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import type { RowLayout } from "../compute/rows.ts";
import metadata from "../deno.json" with { type: "json" };
import { listCheckpoints, removeCheckpoints, saveCheckpoint } from "../io/checkpoints.ts";
import { type ArtifactRequest, compareManifest, type Manifest } from "../io/manifest.ts";
import { openState } from "../io/open_state.ts";
import type { JobHooks } from "./hooks.ts";

/** What a backend says of itself that never changes a bit: how it is set up, and what happened to it. */
const HARMLESS_DETAILS: ReadonlySet<string> = new Set([
  "deviceLosses",
  "dotBits",
  "limits",
  "maxBindingBytes",
  "memory",
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
      return { startedAt, layout: { ...layout, mean: mean === null ? undefined : Float32Array.from(mean), scalar } };
    }
    this.#log(`Found no saved state in ${this.#directory} to resume from: beginning at the first row`);
    return undefined;
  }

  /** Fixes what is saved beside the states of this pass. */
  begin(layout: RowLayout, startedAt: string): void {
    const { name, details } = this.#backend;
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
      const file = await openState(path);
      try {
        return { state: await file.read(), nextImage: (file.header.facts as SavedFacts).nextImage };
      } finally {
        file.close();
      }
    });
  }

  async #readFacts(path: string): Promise<SavedFacts | undefined> {
    return await this.#passOver(async () => {
      const file = await openState(path);
      file.close();
      return file.header.facts as SavedFacts;
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

/** A backend's name and whatever of its details may change the last bits. */
function bitsOf({ name, details }: Pick<Backend, "name" | "details"> | SavedFacts["backend"]): string {
  const parts = Object.entries(details).filter(([key]) => !HARMLESS_DETAILS.has(key));
  const listed = parts.map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return listed.length === 0 ? name : `${name} (${listed.sort().join(", ")})`;
}
