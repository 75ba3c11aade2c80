/**
 * Commands that take a configuration: which job each runs, and which flags belong to which.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config.ts";

/** Jobs that take a configuration and report what they did. */
export type JobName =
  | "main"
  | "dumpActivations"
  | "dumpPart"
  | "exportArtifacts"
  | "measureSample"
  | "mergeParts"
  | "renderArtifacts"
  | "recordActivations"
  | "studyArtifacts";

/** Commands that compute or draw. */
export type JobCommand =
  | "visuals"
  | "dump"
  | "measure"
  | "merge"
  | "render"
  | "export"
  | "study"
  | "submit"
  | "activations";

/** The job that a command runs. */
export function jobOf(command: Exclude<JobCommand, "submit">, { part }: VisualsConfig): JobName {
  if (command === "dump") return part === undefined ? "dumpActivations" : "dumpPart";
  const jobs = {
    visuals: "main",
    measure: "measureSample",
    merge: "mergeParts",
    render: "renderArtifacts",
    export: "exportArtifacts",
    activations: "recordActivations",
    study: "studyArtifacts",
  } as const;
  return jobs[command];
}

/**
 * Refuses flags that a command does not know what to do with.
 *
 * @throws {ConfigError} That names the flag and the commands it belongs to.
 */
export function checkFlags(
  command: JobCommand,
  { part, parts, local, fromPictures, study, export: kinds }: VisualsConfig,
): void {
  if (command === "export" && kinds.length === 0) {
    throw new ConfigError("export lacks --export, expected npz or json", { path: "export" });
  }
  if (part !== undefined && kinds.length > 0) {
    throw new ConfigError(
      "--export reads all rows, so it makes no sense with --part; give it to merge, or export afterwards",
      { path: "export" },
    );
  }
  const misplaced = part !== undefined && command !== "dump" && command !== "render"
    ? ["--part", "dump or render"]
    : local && (command !== "dump" || part !== undefined)
    ? ["--local", "dump, without --part"]
    : parts !== undefined && command !== "merge" && !local
    ? ["--parts", "merge, or dump with --local"]
    : fromPictures && command !== "visuals"
    ? ["--from-pictures", "visuals; record with activations first"]
    : study && command !== "visuals" && command !== "study"
    ? ["--study", "visuals; use the command study afterwards"]
    : undefined;
  if (misplaced === undefined) return;
  throw new ConfigError(`${misplaced[0]} was given to ${command}, but belongs to ${misplaced[1]}; see --help`, {
    path: misplaced[0].slice(2),
  });
}
