/** Every command finds its work. */
import assert from "node:assert/strict";
import type { Jobs } from "../../cli/jobs.ts";
import { loadJob } from "../../cli/load_job.ts";
import * as visuals from "../../visuals.ts";

const JOBS: readonly (keyof Jobs)[] = [
  ...[
    "main",
    "dumpActivations",
    "dumpPart",
    "measureSample",
    "mergeParts",
    "renderArtifacts",
    "exportArtifacts",
  ] as const,
  ...["recordActivations", "studyArtifacts", "compareRuns", "planJob", "planRecording", "checkInputs"] as const,
  "inspectPath",
];

Deno.test({
  name: "loadJob() loads the very functions that visuals.ts exports, wherever it takes them from",
  async fn(): Promise<void> {
    for (const job of JOBS) assert.equal((await loadJob(job))[job], visuals[job], job);
  },
});
