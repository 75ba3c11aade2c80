/**
 * What a recording would read and write, without doing it.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { openRecording } from "./open_recording.ts";

/** What a recording would do, for `--dry-run`. Plain data. */
export interface RecordingPlan {
  /** Directory of the shards. */
  readonly directory: string;
  /** Images. */
  readonly images: number;
  /** Kind and directory of the pictures. */
  readonly pictures: { readonly kind: string; readonly root: string };
  /** Layers, in order. */
  readonly layers: readonly number[];
  /** Shards. */
  readonly files: number;
  /** Their bytes in all. */
  readonly bytes: number;
  /** What was found out about model, tokens and pictures, one line each. */
  readonly facts: readonly string[];
  /** What a user should know, one line each. */
  readonly warnings: readonly string[];
  /** What the model would run on, and why. */
  readonly backend: { readonly name: string; readonly reason: string };
}

/**
 * Opens model and pictures, runs the first picture, and adds up.
 *
 * @throws {ConfigError | DatasetError | PictureError | BackendUnavailableError} As the recording would.
 */
export async function planRecording(config: VisualsConfig): Promise<RecordingPlan> {
  const opened = await openRecording(config);
  try {
    const { plan, pictures, facts, warnings, backend } = opened;
    return {
      directory: plan.directory,
      images: pictures.length,
      pictures: { kind: config.images.kind, root: config.images.root },
      layers: config.layers,
      files: plan.files.length,
      bytes: plan.files.reduce((sum, { bytes }) => sum + bytes, 0),
      facts,
      warnings,
      backend,
    };
  } finally {
    await opened.close();
  }
}
