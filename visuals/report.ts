/**
 * What a job says of itself: before it starts, and when it is done.
 * @module
 */

/** What a job would do, for `--dry-run`. */
export interface JobPlan {
  /** Files it would read, with their sizes. */
  readonly reads: readonly { readonly path: string; readonly bytes: number }[];
  /** Directory of the artifacts. */
  readonly directory: string;
  /** Shards, and so the most parts that are of use. */
  readonly shards: number;
  /** Rows it would encode. */
  readonly rows: number;
  /** Images they come from. */
  readonly images: number;
  /** Width of a row. */
  readonly dVit: number;
  /** Latents. */
  readonly dSae: number;
  /** Floating-point operations of the encoder, done densely. */
  readonly flops: number;
  /** Bytes it would read in all. */
  readonly bytesRead: number;
  /** Size of the artifacts. */
  readonly artifactBytes: number;
  /** Memory at the peak, estimated. */
  readonly memoryBytes: number;
  /** Artifacts it would write. */
  readonly writes: readonly string[];
  /** What it would draw: files and directories. */
  readonly draws: readonly string[];
  /** Whether fitting artifacts are there, so that nothing has to be computed. */
  readonly isComputed: boolean;
  /** Images it would read again for examples of the latents' ranges, and the file of those; undefined for none. */
  readonly examples?: { readonly images: number; readonly path: string };
  /** Files it would write of a study. */
  readonly studies: readonly string[];
  /** Files it would write for other tools. */
  readonly exports: readonly string[];
  /** Backend it would use, and why. */
  readonly backend: { readonly name: string; readonly reason: string };
  /** Pictures it would draw at most. */
  readonly pictures: number;
}

/** What a job did. Whatever does not apply is missing. */
export interface JobSummary {
  /** Where the results are: the page or directory to open first. */
  readonly outputs?: readonly string[];
  /** Rows encoded; 0 when artifacts were reused. */
  readonly rows?: number;
  /** Activations that were recorded. */
  readonly recorded?: { readonly images: number; readonly files: number; readonly bytes: number };
  /** Rows left out because they held NaN or an infinity. */
  readonly skippedRows?: number;
  /** Latents shown. */
  readonly latents?: number;
  /** Latents studied. */
  readonly studied?: number;
  /** Pictures drawn. */
  readonly pictures?: number;
  /** Wall time of everything. */
  readonly seconds?: number;
  /** Backend that ran, and why; undefined when nothing was computed. */
  readonly backend?: { readonly name: string; readonly reason: string };
  /** Whether fitting artifacts were found and used again. */
  readonly reused?: boolean;
  /** Seconds per stage; indented stages are parts of the one above. */
  readonly profile?: Readonly<Record<string, number>>;
}
