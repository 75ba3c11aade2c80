/**
 * Which pictures activate the latents of a sparse autoencoder: the library's face.
 *
 * Importing this module does nothing and needs no permission. What computes (`getSaeActs`, `getNewTopk`, backends,
 * estimators) and what draws (`makeImg`, `plotActivationDistributions`) never needs one either; `safeLoad`, `getTopkImg`,
 * `getTopkPatch`, `dumpActivations` and `main` read, and the last two write, the files they are told to.
 *
 * @example Rank the rows of a small batch
 * ```ts
 * import { getNewTopk, getSaeActs, tensor } from "./mod.ts";
 *
 * const sae = {
 *   dVit: 2, dSae: 1, activation: { kind: "relu" },
 *   wEnc: new Float32Array([1, -1]), bEnc: new Float32Array([0]), bPre: new Float32Array([0, 0]),
 * } as const;
 * const { data } = await getSaeActs(tensor(new Float32Array([5, 1, 2, 4]), [2, 2]), sae);
 * if (data.join() !== "4,0") throw new Error(data.join());
 * ```
 *
 * @module
 */
export * from "./compute/mod.ts";
export * from "./io/mod.ts";
export * from "./render/mod.ts";
export {
  checkConfig,
  type DataConfig,
  type ImagesConfig,
  parseConfig,
  type RecordingConfig,
  type SizeSetting,
  type SlurmConfig,
  type VisualsConfig,
  type VisualsConfigInput,
} from "./config.ts";
export {
  type ArtifactsReport,
  checkInputs,
  type CheckpointReport,
  type CheckReport,
  type CompareRequest,
  compareRuns,
  dumpActivations,
  type DumpReport,
  exportArtifacts,
  getTopkImg,
  getTopkPatch,
  type Inspection,
  inspectPath,
  type InspectRequest,
  type JobHooks,
  type JobPlan,
  type JobSummary,
  main,
  type OnlineQuantileTest,
  type Outcome,
  type PicturesReport,
  planJob,
  planRecording,
  type Progress,
  recordActivations,
  type RecordingPlan,
  type ShardsReport,
  type Spread,
  studyArtifacts,
  testOnlineQuantileEstimation,
  type Way,
} from "./visuals.ts";
