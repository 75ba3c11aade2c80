/**
 * Time and bytes of a job in parts, as a function of its size: linear in what each stage handles.
 * @module
 */

/** A job. */
export interface Job {
  readonly images: number;
  /** Rows of an image. */
  readonly patches: number;
  readonly dVit: number;
  readonly dSae: number;
  readonly k: number;
  readonly imagesPerShard: number;
  /** Tokens of an image on disk, patches and CLS. */
  readonly tokens: number;
  /** Share of heatmap values that are not 0. */
  readonly density: number;
}

/** Processor seconds, fitted. */
export interface Fit {
  /** Start of a process that dumps, and its set-up for one latent's weights (d_vit · d_sae). */
  readonly start: number;
  readonly perWeight: number;
  /** A multiplication of a row and a latent where most are decided in 8 bits, and where the job is too small for that. */
  readonly perProduct: number;
  readonly perDenseProduct: number;
  /** A value of a heatmap, made because its entry came among the best: half of the entries do in the first rows. */
  readonly perEntryValue: number;
  /** A byte of state, made and written by a part. */
  readonly perStateByte: number;
  /** A byte of artifacts, made and written by a dump that is not split. */
  readonly perWholeByte: number;
  /** Start of a merge. */
  readonly mergeStart: number;
  /** A latent of a part, merged. */
  readonly perMergedLatent: number;
  /** A byte of a part's state, read and checked. */
  readonly perMergedByte: number;
  /** A byte that is unpacked too, as its entry can still come among the best: of the n-th part one in n. */
  readonly perUnpackedByte: number;
  /** A byte of artifacts, written. */
  readonly perArtifactByte: number;
}

/** What a cluster offers. */
export interface Cluster {
  /** Bytes a second that all tasks together get from the file system, and one task alone. */
  readonly sharedBandwidth: number;
  readonly taskBandwidth: number;
  /** Seconds for one request to its metadata server, 32 under way at a time; and for one small read. */
  readonly metadataSeconds: number;
  readonly smallReadSeconds: number;
  /** Cores of a task, and how many times faster than one core its encoder is (a GPU counts as many cores). */
  readonly cores: number;
  /** Tasks at a time, at most. */
  readonly maxTasks: number;
}

/** Seconds of each stage of a split job. */
export interface Prediction {
  readonly tasks: number;
  readonly measure: number;
  readonly dump: number;
  readonly merge: number;
  readonly total: number;
  /** What the largest stage waits for. */
  readonly limit: string;
  /** Whether the program would refuse it: too many rows. */
  readonly isRefused: boolean;
}

/** Non-zero bins and words of fixed fields of a latent: what `_state_layout.ts` keeps, packed. */
const FIXED_WORDS = 64 + 2 + 40;
const BINS = 150;
const SAMPLE = 2 ** 19;
/** Rows that a latent fires on. */
const FIRING_RATE = 0.01;
/** Rows are numbered in u32 from end to end. */
const MAX_ROWS = 2 ** 32 - 1;
/** Multiplications from which a job is screened in 8 bits: the wasm backend's own default. */
const SCREEN_ABOVE = 4e10;

/** Bytes of one part's state. */
export function stateBytes({ dSae, k, patches, density }: Job): number {
  return 4 * dSae * (FIXED_WORDS + BINS + 3 * k + k * patches * (density + 1 / 32));
}

/** Bytes of the artifacts: heatmaps, rankings, sketch. */
export function artifactBytes({ dSae, k, patches }: Job): number {
  return dSae * (4 * k * patches + 24 * k + 6 * BINS);
}

/** Bytes of shards. */
export function shardBytes({ images, tokens, dVit }: Job): number {
  return images * tokens * dVit * 4;
}

/**
 * Processor seconds of a dump: of one part with a share of the images, which leaves `stateBytes` of state, or, with 0 of them,
 * of a whole one, which leaves artifacts.
 */
export function dumpTerms(job: Job, stateBytes: number): number[] {
  const { images, patches, dVit, dSae, k } = job;
  // In random order the n-th firing comes among the k best with probability k/n.
  const firings = images * patches * FIRING_RATE;
  const entries = firings <= k ? firings : k * (1 + Math.log(firings / k));
  const products = images * patches * dSae * dVit;
  const isScreened = products >= SCREEN_ABOVE;
  const artifacts = stateBytes === 0 ? artifactBytes(job) : 0;
  return [
    1,
    dVit * dSae,
    isScreened ? products : 0,
    isScreened ? 0 : products,
    dSae * entries * patches,
    stateBytes,
    artifacts,
  ];
}

/** Processor seconds of a merge. */
export function mergeTerms(job: Job, parts: number, partBytes: number): number[] {
  return [1, parts * job.dSae, parts * partBytes, (1 + Math.log(parts)) * partBytes, artifactBytes(job)];
}

/** Sum of terms. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

/** The fit as the vectors that terms are multiplied by. */
export function vectors(fit: Fit): { dump: number[]; merge: number[] } {
  return {
    dump: [
      fit.start,
      fit.perWeight,
      fit.perProduct,
      fit.perDenseProduct,
      fit.perEntryValue,
      fit.perStateByte,
      fit.perWholeByte,
    ],
    merge: [fit.mergeStart, fit.perMergedLatent, fit.perMergedByte, fit.perUnpackedByte, fit.perArtifactByte],
  };
}

/** Predicts a job of so many parts. */
export function predict(job: Job, parts: number, fit: Fit, cluster: Cluster): Prediction {
  const { sharedBandwidth, taskBandwidth, metadataSeconds, smallReadSeconds, cores } = cluster;
  const coefficients = vectors(fit);
  const rows = job.images * job.patches;
  const shards = Math.ceil(job.images / job.imagesPerShard);
  const open = (2 * shards * metadataSeconds) / 32;
  const sample = Math.min(SAMPLE, rows);
  // Mean and norm, each its own pass over the sample, 16 reads under way.
  const measure = fit.start + open + 2 * Math.min((sample * smallReadSeconds) / 16, shardBytes(job) / taskBandwidth);
  const atOnce = Math.min(parts, cluster.maxTasks);
  const isWhole = parts === 1;
  const written = isWhole ? artifactBytes(job) : stateBytes(job);
  const [, setUp, screened, dense, entries, ...ends] = dumpTerms(
    { ...job, images: job.images / parts },
    isWhole ? 0 : written,
  );
  const [first, perWeight, ...rates] = coefficients.dump;
  const compute = dot([screened, dense, entries], rates) / cores;
  const read = shardBytes(job) / parts / Math.min(taskBandwidth, sharedBandwidth / atOnce);
  const write = dot(ends, rates.slice(3)) + written / Math.min(taskBandwidth, sharedBandwidth / atOnce);
  const overhead = first + perWeight * setUp + open;
  // What is set up once is set up on one core. Parts beyond what runs at a time wait; reading is hidden behind computing, or the other way round.
  const waves = Math.ceil(parts / cluster.maxTasks);
  const dump = waves * (overhead + Math.max(compute, read) + write);
  const mergeCompute = isWhole ? 0 : dot(coefficients.merge, mergeTerms(job, parts, stateBytes(job)));
  const mergeRead = isWhole ? 0 : (parts * stateBytes(job)) / taskBandwidth;
  const merge = isWhole ? 0 : Math.max(mergeCompute, mergeRead) + open + parts * metadataSeconds * 3;
  const largest = Math.max(measure, dump, merge);
  const limit = largest === merge
    ? (mergeRead > mergeCompute ? "merge (reading states)" : "merge (its one core)")
    : largest === measure
    ? "measure (small reads)"
    : overhead + write > Math.max(compute, read)
    ? "start and end of tasks"
    : read > compute
    ? (taskBandwidth > sharedBandwidth / atOnce ? "file system" : "one task's reading")
    : "cores";
  return { tasks: parts, measure, dump, merge, total: measure + dump + merge, limit, isRefused: rows > MAX_ROWS };
}

/** The number of parts that ends first: powers of two times 1 or 1.5, at most one for each shard. */
export function bestParts(job: Job, fit: Fit, cluster: Cluster): Prediction {
  const shards = Math.ceil(job.images / job.imagesPerShard);
  let best = predict(job, 1, fit, cluster);
  for (let power = 1; power <= Math.min(shards, cluster.maxTasks); power *= 2) {
    for (const parts of [power, Math.round(1.5 * power)]) {
      if (parts > Math.min(shards, cluster.maxTasks)) continue;
      const found = predict(job, parts, fit, cluster);
      if (found.total < best.total) best = found;
    }
  }
  return best;
}
