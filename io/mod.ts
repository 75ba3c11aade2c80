/**
 * Bytes on disk to typed arrays and back: torch files, checkpoints, shards, artifacts.
 * @module
 */
export { artifactDirectory, percentilesName } from "./artifacts.ts";
export { atomicWrite, type FileOutput } from "./atomic_write.ts";
export { type ByteSource, memorySource } from "./byte_source.ts";
export { type Detected, detectPath } from "./detect_path.ts";
export type { Checkpoint, Recognised, Recogniser, SaeInfo } from "./checkpoint.ts";
export { type LoadedSae, loadSae } from "./load_sae.ts";
export {
  type ArtifactRequest,
  compareManifest,
  currentVersions,
  describeInputs,
  type Manifest,
  type ManifestInputs,
} from "./manifest.ts";
export { type OnnxModel, type OnnxOptions, type OnnxValue, openOnnxModel } from "./onnx_model.ts";
export { openShards, resolveLayer, type ShardFile, type Shards } from "./open_shards.ts";
export { readArtifacts, type StoredArtifacts, type StoredSketch } from "./read_artifacts.ts";
export { readManifest } from "./read_manifest.ts";
export { type BlockOptions, type BlockReader, locate, openBlocks, type ShardPlace } from "./read_blocks.ts";
export { openPictures, type PicturesSpec } from "./datasets/open_pictures.ts";
export type { PictureSource } from "./datasets/picture_source.ts";
export { resolveRun, type RunPaths } from "./resolve_run.ts";
export { safeLoad } from "./safe_load.ts";
export { readSafetensors } from "./safetensors.ts";
export { type LazyTensor, openTensor, readTorch, type TorchReading, type TorchValue } from "./torch_file.ts";
export type { TorchDtype, TorchTensor } from "./torch_tensor.ts";
export { PickleGlobal } from "./unpickle.ts";
export { openTensorWriter, type TensorWriter, type WriterThread } from "./tensor_writer.ts";
export { type ArtifactSet, type ManifestFacts, type WritableResult, writeArtifacts } from "./write_artifacts.ts";
export { type StreamedTensor, type TorchOptions, type TorchOutput, writeTorch } from "./write_torch.ts";
export { shardsHash, verifyShards } from "./verify_shards.ts";
export {
  finishShards,
  type PlannedShard,
  planShards,
  type ShardFacts,
  type ShardPlan,
  writeShard,
} from "./write_shards.ts";
