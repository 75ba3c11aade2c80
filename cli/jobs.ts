/**
 * What the command line asks of the rest of the program. `visuals.ts` is the real one; tests give a fake.
 * @module
 */
import type { VisualsConfig } from "../config.ts";
import type { JobHooks } from "../visuals/hooks.ts";
import type { CheckReport } from "../visuals/check_inputs.ts";
import type { CompareRequest } from "../visuals/compare_runs.ts";
import type { Inspection, InspectRequest } from "../visuals/inspect_path.ts";
import type { RecordingPlan } from "../visuals/plan_recording.ts";
import type { JobPlan, JobSummary } from "../visuals/report.ts";

export type { RecordingPlan } from "../visuals/plan_recording.ts";
export type { CheckReport } from "../visuals/check_inputs.ts";
export type { CompareRequest } from "../visuals/compare_runs.ts";
export type { Inspection, InspectRequest } from "../visuals/inspect_path.ts";
export type { JobPlan, JobSummary } from "../visuals/report.ts";

/** The work behind the commands. */
export interface Jobs {
  /** `visuals`. */
  main(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `dump`. */
  dumpActivations(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `dump --part`. */
  dumpPart(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `measure`. */
  measureSample(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `merge`. */
  mergeParts(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `render`. */
  renderArtifacts(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `export`. */
  exportArtifacts(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `activations`. */
  recordActivations(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `study`. */
  studyArtifacts(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `compare`. */
  compareRuns(request: CompareRequest, hooks?: Partial<JobHooks>): Promise<JobSummary>;
  /** `--dry-run`. */
  planJob(config: VisualsConfig): Promise<JobPlan>;
  /** `activations --dry-run`. */
  planRecording(config: VisualsConfig): Promise<RecordingPlan>;
  /** `check`. */
  checkInputs(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<CheckReport>;
  /** `inspect`. */
  inspectPath(request: InspectRequest): Promise<Inspection>;
}
