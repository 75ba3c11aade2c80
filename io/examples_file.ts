/**
 * Examples of the whole range of the latents that were shown, `examples.safetensors`.
 * @module
 */
import { ArtifactError, CheckpointError, TorchFileError } from "../compute/errors.ts";
import { intervalOf, type LatentExamples } from "../compute/interval_examples.ts";
import { toU32 } from "./_artifact_parts.ts";
import type { ByteSource } from "./byte_source.ts";
import { openFile } from "./open_file.ts";
import { readSafetensors, readSafetensorsFacts } from "./safetensors.ts";
import type { TorchDtype, TorchTensor } from "./torch_tensor.ts";
import { writeSafetensors } from "./write_safetensors.ts";

/** Its name. */
export const EXAMPLES_NAME = "examples.safetensors";

const EXAMPLES_FORMAT = 1;
/** Name of the JSON in the file's metadata. */
const FACTS_NAME = "saev-visuals";

/** What the examples were asked for, and where they come from. */
export interface ExamplesFacts {
  /** Digest of what was asked beside latents and images: examples of another request are never taken for these. */
  readonly request: string;
  /** Images that were looked at. */
  readonly sampled: number;
  /** Images in the data set. */
  readonly images: number;
  /** Equal parts of each latent's range. */
  readonly intervals: number;
  /** Heatmap values of an example; 0 without heatmaps. */
  readonly patches: number;
}

/** The contents. */
export interface StoredExamples extends ExamplesFacts {
  /** The latents. */
  readonly latents: readonly number[];
  /** Those of one latent; undefined for a latent that is not among them. */
  of(latent: number): LatentExamples | undefined;
}

/** What a reader knows of the artifacts that the examples belong to. */
interface Belongs {
  /** Latents. */
  readonly dSae: number;
  /** Heatmap values of an entry. */
  readonly patches: number;
}

/**
 * Writes examples, whole or not at all.
 *
 * Tensors: `latents` I32 `[m]`; `upper` F32 `[m]`, where each one's range ends; `offsets` I32 `[m + 1]`: the examples of
 * latent i are `offsets[i] … offsets[i + 1] − 1`; of the n examples `interval` U8 from 1, `image` I64, `patch` I32,
 * `value` F32, `[n]` each; `heat_offsets` I64 `[n + 1]` and the positives of their heatmaps, `heat_patch` I32 and
 * `heat_value` F32, patches ascending. The facts are JSON in the metadata, under `saev-visuals`.
 *
 * @param examples `of(i)` gives those of latent `latents[i]`; it is called twice for each.
 * @throws {ArtifactError} If it cannot be written.
 *
 * @example
 * ```ts
 * import { writeExamples } from "./examples_file.ts";
 * const facts = { request: "", sampled: 0, images: 9, intervals: 8, patches: 4 };
 * await writeExamples("tests/tmp/no-examples.safetensors", { ...facts, latents: [], of: () => { throw new Error(); } });
 * await Deno.remove("tests/tmp/no-examples.safetensors");
 * ```
 */
export async function writeExamples(
  path: string,
  examples: ExamplesFacts & { readonly latents: readonly number[]; readonly of: (at: number) => LatentExamples },
): Promise<void> {
  const { latents, of, request, sampled, images, intervals, patches } = examples;
  const offsets = new Int32Array(latents.length + 1);
  let positives = 0;
  for (const at of latents.keys()) {
    const { image, heat } = of(at);
    offsets[at + 1] = offsets[at] + image.length;
    for (const value of heat) if (value > 0) positives += 1;
  }
  const n = offsets[latents.length];
  const upper = new Float32Array(latents.length);
  const interval = new Uint8Array(n);
  const image = new BigInt64Array(n);
  const [patch, value] = [new Int32Array(n), new Float32Array(n)];
  const heatOffsets = new BigInt64Array(n + 1);
  const [heatPatch, heatValue] = [new Int32Array(positives), new Float32Array(positives)];
  for (let at = 0, heats = 0; at < latents.length; at++) {
    const own = of(at);
    upper[at] = own.upper;
    interval.set(own.interval, offsets[at]);
    patch.set(own.patch, offsets[at]);
    value.set(own.value, offsets[at]);
    for (const [i, number] of own.image.entries()) {
      image[offsets[at] + i] = BigInt(number);
      own.heat.subarray(i * patches, (i + 1) * patches).forEach((value, p) => {
        if (!(value > 0)) return;
        heatPatch[heats] = p;
        heatValue[heats++] = value;
      });
      heatOffsets[offsets[at] + i + 1] = BigInt(heats);
    }
  }
  const facts = { format: EXAMPLES_FORMAT, request, sampled, images, intervals, patches };
  await writeSafetensors(path, {
    latents: { data: Int32Array.from(latents) },
    upper: { data: upper },
    offsets: { data: offsets },
    interval: { data: interval },
    image: { data: image },
    patch: { data: patch },
    value: { data: value },
    heat_offsets: { data: heatOffsets },
    heat_patch: { data: heatPatch },
    heat_value: { data: heatValue },
  }, { [FACTS_NAME]: JSON.stringify(facts) });
}

/**
 * Reads the examples among artifacts; undefined when there are none.
 *
 * @param artifacts What they must belong to.
 * @throws {ArtifactError} If they are damaged, or of other artifacts.
 *
 * @example
 * ```ts
 * import { readExamples } from "./examples_file.ts";
 * const artifacts = { dSae: 768, patches: 64 };
 * console.assert(await readExamples("fixtures/golden/emoji-sort_by_patch", artifacts) === undefined);
 * ```
 */
export async function readExamples(directory: string, artifacts: Belongs): Promise<StoredExamples | undefined> {
  const path = `${directory}/${EXAMPLES_NAME}`;
  const file = await openFile(path).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    return await examplesFrom(file, artifacts);
  } finally {
    file.close();
  }
}

/**
 * The same from bytes that are open already.
 *
 * @throws {ArtifactError} As {@linkcode readExamples}.
 */
export async function examplesFrom(source: ByteSource, artifacts: Belongs): Promise<StoredExamples> {
  try {
    const facts = parseFacts((await readSafetensorsFacts(source)).get(FACTS_NAME));
    const columns = facts === undefined ? undefined : columnsOf(await readSafetensors(source));
    if (facts !== undefined && columns !== undefined && isRight(columns, facts, artifacts)) {
      return stored(columns, facts);
    }
  } catch (cause) {
    if (cause instanceof CheckpointError || cause instanceof TorchFileError) throw notExamples(source.path, cause);
    throw cause;
  }
  throw notExamples(source.path);
}

function notExamples(path: string, cause?: Error): ArtifactError {
  return new ArtifactError(
    `Cannot use ${path}: it holds no examples of these artifacts; make them again with render --force`,
    { path },
    { cause },
  );
}

/** The file's tensors. */
interface Columns {
  readonly latents: Int32Array;
  readonly upper: Float32Array;
  readonly offsets: Int32Array;
  readonly interval: Uint8Array;
  readonly image: Uint32Array;
  readonly patch: Int32Array;
  readonly value: Float32Array;
  readonly heatOffsets: Float64Array;
  readonly heatPatch: Int32Array;
  readonly heatValue: Float32Array;
}

function parseFacts(text: string | undefined): ExamplesFacts | undefined {
  let facts: Partial<ExamplesFacts & { format: number }> | null;
  try {
    facts = JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const isRight = facts?.format === EXAMPLES_FORMAT && typeof facts.request === "string" &&
    [facts.sampled, facts.images, facts.intervals, facts.patches].every(isCount) &&
    facts.sampled! <= facts.images!;
  if (!isRight) return undefined;
  const { request, sampled, images, intervals, patches } = facts as ExamplesFacts;
  return { request, sampled, images, intervals, patches };
}

/** Undefined when one is missing, of another type, or no list. */
function columnsOf(tensors: ReadonlyMap<string, TorchTensor>): Columns | undefined {
  const types: Readonly<Record<string, TorchDtype>> = {
    latents: "int32",
    upper: "float32",
    offsets: "int32",
    interval: "uint8",
    image: "int64",
    patch: "int32",
    value: "float32",
    heat_offsets: "int64",
    heat_patch: "int32",
    heat_value: "float32",
  };
  const isThere = ([name, dtype]: [string, TorchDtype]): boolean => {
    const tensor = tensors.get(name);
    return tensor?.dtype === dtype && tensor.shape.length === 1;
  };
  if (!Object.entries(types).every(isThere)) return undefined;
  const data = (name: string): TorchTensor["data"] => tensors.get(name)!.data;
  const images = data("image") as BigInt64Array;
  if (images.some((image) => image < 0n || image >= 2n ** 32n)) return undefined;
  return {
    latents: data("latents") as Int32Array,
    upper: data("upper") as Float32Array,
    offsets: data("offsets") as Int32Array,
    interval: data("interval") as Uint8Array,
    image: toU32(images),
    patch: data("patch") as Int32Array,
    value: data("value") as Float32Array,
    heatOffsets: Float64Array.from(data("heat_offsets") as BigInt64Array, Number),
    heatPatch: data("heat_patch") as Int32Array,
    heatValue: data("heat_value") as Float32Array,
  };
}

/** Everything that what follows relies on. */
function isRight(columns: Columns, facts: ExamplesFacts, { dSae, patches }: Belongs): boolean {
  const { latents, upper, offsets, interval, image, patch, value, heatOffsets, heatPatch, heatValue } = columns;
  const n = interval.length;
  return facts.patches === patches && upper.length === latents.length &&
    new Set(latents).size === latents.length && latents.every((latent) => latent >= 0 && latent < dSae) &&
    isCut(offsets, latents.length, n) && [image, patch, value].every(({ length }) => length === n) &&
    areOfTheirParts(columns, facts.intervals) &&
    image.every((number) => number < facts.images) &&
    patch.every((p) => p >= 0 && p < Math.max(1, patches)) &&
    value.every(isPositive) && isCut(heatOffsets, n, heatPatch.length) && heatValue.length === heatPatch.length &&
    heatPatch.every((p) => p >= 0 && p < patches) && heatValue.every(isPositive);
}

/** Whether each example's value lies in its part of its latent's range, which therefore ends somewhere. */
function areOfTheirParts({ upper, offsets, interval, value }: Columns, intervals: number): boolean {
  return upper.every((end, at) => {
    for (let i = offsets[at]; i < offsets[at + 1]; i++) {
      if (interval[i] === 0 || interval[i] !== intervalOf(value[i], end, intervals)) return false;
    }
    return true;
  });
}

function isPositive(value: number): boolean {
  return value > 0 && value < Infinity;
}

/** Whether offsets cut `length` things into `pieces` in order. */
function isCut(offsets: ArrayLike<number>, pieces: number, length: number): boolean {
  if (offsets.length !== pieces + 1 || offsets[0] !== 0 || offsets[pieces] !== length) return false;
  for (let i = 0; i < pieces; i++) if (!(offsets[i] <= offsets[i + 1])) return false;
  return true;
}

function stored(columns: Columns, facts: ExamplesFacts): StoredExamples {
  const positions = new Map(Array.from(columns.latents, (latent, at) => [latent, at]));
  return {
    ...facts,
    latents: [...columns.latents],
    of(latent: number): LatentExamples | undefined {
      const at = positions.get(latent);
      if (at === undefined) return undefined;
      const [from, to] = [columns.offsets[at], columns.offsets[at + 1]];
      const heat = new Float32Array((to - from) * facts.patches);
      for (let i = from; i < to; i++) {
        for (let h = columns.heatOffsets[i]; h < columns.heatOffsets[i + 1]; h++) {
          heat[(i - from) * facts.patches + columns.heatPatch[h]] = columns.heatValue[h];
        }
      }
      return {
        upper: columns.upper[at],
        interval: columns.interval.slice(from, to),
        image: columns.image.slice(from, to),
        patch: Uint32Array.from(columns.patch.subarray(from, to)),
        value: columns.value.slice(from, to),
        heat,
      };
    },
  };
}
