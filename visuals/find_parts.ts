/**
 * Which set of parts is complete, and what to run when none is.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { formatIndices } from "../config/part.ts";
import { shellQuote } from "../config/shell_quote.ts";
import { compareManifest } from "../io/manifest.ts";
import { fileSize } from "../io/open_file.ts";
import { listParts, type PartManifest, type PartRange, readPartManifest } from "../io/parts.ts";
import type { OpenedDump } from "./dump.ts";
import { partInputs } from "./part_inputs.ts";

/** A part's manifest without what takes memory: thousands are held. */
export type PartFacts = Pick<PartManifest, "part" | "rows" | "skippedRows" | "startedAt" | "versions"> & {
  readonly backend: PartManifest["backend"]["name"];
};

/** A complete set of parts. */
export interface FoundParts {
  /** In the order of their images. */
  readonly parts: readonly PartFacts[];
  /** What all rows were centred and scaled by. */
  readonly measured: PartManifest["measured"];
}

/** A set that was looked through. */
interface Candidate {
  readonly count: number;
  readonly parts: readonly PartFacts[];
  readonly measured: PartManifest["measured"] | undefined;
  /** Indices that have to be computed. */
  readonly missing: readonly number[];
  /** Why those of them that are there do not count. */
  readonly reasons: readonly string[];
}

/**
 * Finds the complete set, or the one of `wanted` parts.
 *
 * @throws {ArtifactError} If there is none; the message names the missing parts of the set that lacks least, and the command that
 * computes those alone.
 */
export async function findParts(job: OpenedDump, wanted: number | undefined): Promise<FoundParts> {
  const { directory } = job;
  const counts = wanted === undefined ? [...(await listParts(directory)).keys()].sort((a, b) => a - b) : [wanted];
  let nearest: Candidate | undefined;
  for (const count of counts) {
    const candidate = await lookThrough(job, count);
    if (candidate.missing.length === 0) return { parts: candidate.parts, measured: candidate.measured! };
    const share = ({ missing, count }: Candidate): number => missing.length / count;
    if (nearest === undefined || share(candidate) < share(nearest)) nearest = candidate;
  }
  if (nearest === undefined) {
    throw new ArtifactError(`Cannot merge ${directory}: it holds no parts; compute them with dump --part INDEX/COUNT`, {
      path: directory,
    });
  }
  throw await incomplete(directory, nearest);
}

async function lookThrough({ directory, request, inputs }: OpenedDump, count: number): Promise<Candidate> {
  const parts: PartFacts[] = [];
  const missing: number[] = [];
  const reasons = new Set<string>();
  let measured: { readonly values: PartManifest["measured"]; readonly text: string } | undefined;
  for (let index = 0; index < count; index++) {
    const manifest = await readPartManifest(directory, index, count);
    if (manifest === undefined) {
      missing.push(index);
      continue;
    }
    const differences = compareManifest(manifest, request);
    const { range } = partInputs(inputs, index, count);
    if ((Object.keys(range) as (keyof PartRange)[]).some((key) => manifest.part[key] !== range[key])) {
      differences.push("it holds other images than its number says");
    }
    const text = JSON.stringify(manifest.measured);
    measured ??= differences.length === 0 ? { values: manifest.measured, text } : undefined;
    if (differences.length === 0 && text !== measured?.text) {
      differences.push("its mean and norm are not those of the others");
    }
    if (differences.length > 0) {
      missing.push(index);
      differences.forEach((difference) => reasons.add(difference));
      continue;
    }
    const { part, rows, skippedRows, startedAt, versions, backend } = manifest;
    parts.push({ part, rows, skippedRows, startedAt, versions, backend: backend.name });
  }
  return { count, parts, measured: measured?.values, missing, reasons: [...reasons] };
}

async function incomplete(directory: string, { count, missing, reasons }: Candidate): Promise<ArtifactError> {
  const list = formatIndices(missing);
  const script = `${directory}/slurm/again.sh`;
  const command = await fileSize(script) === undefined
    ? `the same dump with --part ${list}/${count}, then merge`
    : `sh ${shellQuote(script)} ${list}`;
  const are = missing.length === 1 ? "part" : "parts";
  const why = reasons.length === 0 ? "" : ` (of those that are there: ${reasons.join("; ")})`;
  return new ArtifactError(
    `Cannot merge ${directory}: ${are} ${list} of ${count} ${missing.length === 1 ? "is" : "are"} missing${why}; ` +
      `to compute only those run ${command}`,
    { path: directory },
  );
}
