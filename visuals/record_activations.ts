/**
 * Pictures to activations: runs an ONNX vision transformer and writes shards.
 * @module
 */
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import { gatherHiddenStates, type LayerView } from "../compute/gather_hidden_states.ts";
import type { VisualsConfig } from "../config/types.ts";
import { removeTemporaries } from "../io/atomic_write.ts";
import { lockDirectory } from "../io/lock.ts";
import { countDone, findRecording, type Recording, requestDifference, writeRecording } from "../io/recording.ts";
import { finishShards, type PlannedShard, unfinishShards, writeShard } from "../io/write_shards.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./hooks.ts";
import { nonFiniteError, type OpenedRecording, openRecording, preparePicture } from "./open_recording.ts";
import { recordLabels } from "./record_labels.ts";
import type { JobSummary } from "./report.ts";
import { runModel } from "./run_model.ts";

/**
 * Records the layers of a model on every picture of a data set, as shards that `visuals` reads.
 *
 * Each shard appears whole under its name; `metadata.json` comes last, so that half a recording is never read. `recording.json`
 * beside it says what was recorded, and how far: a recording that was interrupted goes on at its first missing shard with
 * `resume`, and one that is done is used again.
 *
 * On WebAssembly a picture's activations do not depend on the batch it is in, nor on threads: that is checked on the first batch,
 * and if it ever failed, pictures would be run one by one. On WebGPU the largest difference found there is reported.
 *
 * @param config Model, layers, pictures, and how they are prepared.
 * @returns Where the shards are: the directory to give as `data.shardRoot`.
 * @throws {ConfigError} If a setting is missing or does not fit the model, or the directory holds another recording.
 * @throws {DatasetError | PictureError} If model or pictures cannot be read, or a value is not finite.
 * @throws {BackendUnavailableError} If the model cannot run here.
 * @throws {ArtifactError} If something cannot be written.
 *
 * @example
 * ```ts ignore
 * import { parseConfig } from "../config.ts";
 * import { recordActivations } from "./record_activations.ts";
 * const { outputs: [shardRoot] } = await recordActivations(parseConfig({
 *   model: "vit.onnx", layers: [-2], mean: [0.5], std: [0.5],
 *   images: { kind: "image-folder", root: "pictures" }, dumpTo: "activations",
 * }));
 * ```
 */
export async function recordActivations(
  config: VisualsConfig,
  hooks?: Partial<JobHooks>,
): Promise<JobSummary & { readonly outputs: readonly [string] }> {
  const { log, signal, progress } = withDefaults(hooks);
  const watch = new Stopwatch();
  const start = performance.now();
  const opened = await watch.time("open", () => openRecording(config));
  const { plan, backend } = opened;
  const { directory, files } = plan;
  try {
    for (const fact of opened.facts) log(fact);
    for (const warning of opened.warnings) log(warning, "warn");
    const lock = await lockDirectory(directory, { breakLock: config.breakLock, log, signal });
    try {
      await removeTemporaries(directory);
      const first = await firstToRecord(opened, log);
      const isReused = first === undefined;
      if (!isReused) {
        const stop = signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]);
        const recorder = new Recorder(opened, { log, progress, signal: stop, watch });
        await recorder.record(first);
      }
      return {
        outputs: [directory],
        recorded: {
          images: opened.pictures.length,
          files: files.length,
          bytes: files.reduce((n, f) => n + f.bytes, 0),
        },
        reused: isReused,
        backend,
        seconds: (performance.now() - start) / 1000,
        profile: watch.seconds,
      };
    } finally {
      await lock.release();
    }
  } finally {
    await opened.close();
  }
}

/** Index of the first shard to record; undefined when all is there. */
async function firstToRecord(
  { config, plan, request }: OpenedRecording,
  log: JobHooks["log"],
): Promise<number | undefined> {
  const { directory, files } = plan;
  if (config.force) {
    await unfinishShards(directory);
    return 0;
  }
  const { recording, isReadable } = await findRecording(directory);
  if (recording === undefined) {
    if (!isReadable) return 0;
    throw new ArtifactError(
      `Cannot write ${directory}: it holds shards that were not recorded by this program; give another --dump-to, or --force`,
      { path: directory },
    );
  }
  const difference = requestDifference(recording.request, request);
  if (difference !== undefined) {
    throw new ConfigError(
      `${directory} holds a recording that differs in ${difference}; give another --dump-to, or --force to record anew`,
      { path: "dumpTo" },
    );
  }
  const done = await countDone(plan, recording.shardsDone);
  if (recording.complete && isReadable && done === files.length) return undefined;
  if (config.resume || done === 0) {
    if (done > 0) log(`Going on at shard ${done} of ${files.length}`);
    return done;
  }
  log(`Recording ${done} shards again that an interrupted recording left; --resume keeps them`);
  return 0;
}

type RecorderHooks = Pick<JobHooks, "log" | "progress" | "signal"> & { readonly watch: Stopwatch };

/** One recording under way. */
class Recorder {
  readonly #job: OpenedRecording;
  readonly #hooks: RecorderHooks;
  readonly #perPicture: number;
  #batch: number;
  #note: string | undefined;
  #nonFinite = 0;
  #isChecked = false;

  constructor(job: OpenedRecording, hooks: RecorderHooks) {
    this.#job = job;
    this.#hooks = hooks;
    this.#perPicture = 3 * job.size.width * job.size.height;
    this.#batch = job.input.batch ?? job.config.vitBatchSize;
  }

  async record(first: number): Promise<void> {
    const { plan, request, pictures } = this.#job;
    const { directory, files } = plan;
    const { progress, watch } = this.#hooks;
    const save = (shardsDone: number, complete: boolean): Promise<void> => {
      const notes = [this.#note, this.#nonFiniteNote()].filter((note) => note !== undefined);
      return writeRecording(directory, { format: 1, request, shardsDone, complete, notes } satisfies Recording);
    };
    await unfinishShards(directory);
    await save(first, false);
    progress({
      stage: "record",
      done: files[first]?.firstImage ?? pictures.length,
      total: pictures.length,
      unit: "images",
    });
    for (let i = first; i < files.length; i++) {
      await writeShard(plan, files[i], this.#blocks(files[i]));
      await save(i + 1, false);
    }
    const labels = await watch.time("labels", () => recordLabels(this.#job, this.#hooks));
    await save(files.length, true);
    await finishShards(plan, labels);
    const nonFinite = this.#nonFiniteNote();
    if (nonFinite !== undefined) this.#hooks.log(nonFinite, "warn");
  }

  #nonFiniteNote(): string | undefined {
    return this.#nonFinite === 0 ? undefined : `${this.#nonFinite} images hold NaN or an infinity`;
  }

  /** The shard's activations, a batch at a time, in one array that is used again. */
  async *#blocks({ firstImage, nImages }: PlannedShard): AsyncGenerator<Float32Array> {
    const { plan, kept, pictures, config } = this.#job;
    const { progress, signal, watch } = this.#hooks;
    const end = firstImage + nImages;
    const into = new Float32Array(this.#batch * plan.imageStride);
    let next = this.#prepare(firstImage, Math.min(this.#batch, nImages));
    for (let image = firstImage; image < end;) {
      signal?.throwIfAborted();
      let { pixels, n } = await next;
      // Decoded while a GPU computes; WebAssembly computes on this thread.
      const ahead = this.#prepare(image + n, Math.min(this.#batch, end - image - n));
      ahead.catch(() => undefined);
      next = ahead;
      if (!this.#isChecked && n > 1) {
        await this.#check(pixels, n);
        if (n > this.#batch) {
          n = this.#batch;
          next = this.#prepare(image + n, Math.min(this.#batch, end - image - n));
          pixels = pixels.subarray(0, n * this.#perPicture);
        }
      }
      const { layers } = await watch.time("model", () => this.#run(pixels, n));
      const block = into.subarray(0, n * plan.imageStride);
      const bad = gatherHiddenStates(layers, n, { kept, into: block });
      if (bad >= 0) {
        const at = Math.floor(bad / plan.imageStride);
        if (config.nonFinite === "error") {
          throw nonFiniteError(config, { kept, image: image + at, value: bad % plan.imageStride });
        }
        this.#nonFinite += countNonFinite(block, plan.imageStride);
      }
      yield block;
      image += n;
      progress({ stage: "record", done: image, total: pictures.length, unit: "images" });
    }
    await next;
  }

  async #prepare(firstImage: number, n: number): Promise<{ pixels: Float32Array; n: number }> {
    const pixels = new Float32Array(Math.max(0, n) * this.#perPicture);
    const start = performance.now();
    for (let i = 0; i < n; i++) {
      await preparePicture(
        this.#job,
        firstImage + i,
        pixels.subarray(i * this.#perPicture, (i + 1) * this.#perPicture),
      );
    }
    this.#hooks.watch.add("pictures", (performance.now() - start) / 1000);
    return { pixels, n };
  }

  async #run(pixels: Float32Array, n: number): Promise<{ layers: readonly LayerView[] }> {
    return await runModel(this.#job.model, this.#job, { pixels, n });
  }

  /** Whether the first and the last picture of a batch come out as they do alone. */
  async #check(pixels: Float32Array, n: number): Promise<void> {
    this.#isChecked = true;
    // A model with a fixed batch runs every picture in a batch of that size.
    if (this.#job.input.batch !== undefined) return;
    const { kept, plan, backend } = this.#job;
    const gathered = async (first: number, count: number): Promise<Float32Array> => {
      const part = pixels.subarray(first * this.#perPicture, (first + count) * this.#perPicture);
      const into = new Float32Array(count * plan.imageStride);
      gatherHiddenStates((await this.#run(part, count)).layers, count, { kept, into });
      return into;
    };
    const together = await gathered(0, n);
    let largest = 0;
    let isEqual = true;
    for (const image of [0, n - 1]) {
      const alone = await gathered(image, 1);
      alone.forEach((value, i) => {
        const other = together[image * plan.imageStride + i];
        isEqual &&= Object.is(value, other);
        if (Number.isFinite(value - other)) largest = Math.max(largest, Math.abs(value - other));
      });
    }
    if (isEqual) {
      this.#note = `Checked: pictures alone and in a batch of ${n} give the same bits`;
    } else if (backend.name === "wasm") {
      this.#batch = 1;
      this.#note = `Pictures alone and in a batch of ${n} differ by up to ${largest}, so they are run one by one`;
    } else {
      this.#note =
        `On the GPU pictures alone and in a batch of ${n} differ by up to ${largest}: other batch sizes give other ` +
        "last bits";
    }
    this.#hooks.log(this.#note);
  }
}

function countNonFinite(block: Float32Array, imageStride: number): number {
  let count = 0;
  for (let start = 0; start < block.length; start += imageStride) {
    if (!block.subarray(start, start + imageStride).every(Number.isFinite)) count++;
  }
  return count;
}
