/**
 * Which job a command stands for, and which flags it knows.
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

/** The job behind a command. */
export function jobOf(command: Exclude<JobCommand, "submit">, { part }: VisualsConfig): JobName {
  if (command === "dump") return part === undefined ? "dumpActivations" : "dumpPart";
  const jobs = {
    visuals: "main",
    measure: "measureSample",
    merge: "mergeParts",
    render: "renderArtifacts",
    export: "exportArtifacts",
    study: "studyArtifacts",
    activations: "recordActivations",
  } as const;
  return jobs[command];
}

/**
 * Refuses flags that only some commands know what to do with.
 *
 * @throws {ConfigError} If one was given to another command.
 */
export function checkSplit(
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
