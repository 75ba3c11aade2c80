/**
 * Writes activation shards of either layout, so that a reader sees all of them or none.
 * @module
 */
import { atomicWrite, removeFile } from "./atomic_write.ts";
import { shardsHash } from "./verify_shards.ts";

/** What the shards are to hold. */
export interface ShardFacts {
  /** `january` for the January 2025 release's layout. */
  readonly layout: "january" | "current";
  /** Directory asked for; the current layout adds one named by its hash. */
  readonly root: string;
  /** Family of the model. */
  readonly family: string;
  /** Name of the model. */
  readonly ckpt: string;
  /** Layers, in order. */
  readonly layers: readonly number[];
  /** Patches of an image. */
  readonly patches: number;
  /** Whether token 0 is CLS. */
  readonly clsToken: boolean;
  /** Width of an activation vector. */
  readonly dVit: number;
  /** Images. */
  readonly nImages: number;
  /** Most vectors in a file. */
  readonly tokensPerShard: number;
  /** Kind and directory of the pictures. */
  readonly pictures: { readonly kind: string; readonly root: string };
}

/** One file. */
export interface PlannedShard {
  /** Its name. */
  readonly name: string;
  /** Index of its first image. */
  readonly firstImage: number;
  /** Images it holds. */
  readonly nImages: number;
  /** Its size, padding included. */
  readonly bytes: number;
}

/** What will be written. */
export interface ShardPlan {
  /** The directory of metadata.json. */
  readonly directory: string;
  /** metadata.json. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Values of one image: `layers · tokens · dVit`. */
  readonly imageStride: number;
  /** The files, in order. */
  readonly files: readonly PlannedShard[];
  /** shards.json; undefined in the January 2025 layout. */
  readonly list: readonly { readonly name: string; readonly n_examples: number }[] | undefined;
}

/** Seed of the January 2025 recorder, which its metadata states; nothing here is drawn at random. */
const JANUARY_SEED = 42;

/**
 * Lays shards out. In the January 2025 layout every file is full and the last padded, and where one file holds all, a shard is no
 * larger than that; in the current layout the last file is short.
 *
 * Source: formats.md of this system's specification.
 *
 * @throws {RangeError} If not one image fits into a shard.
 *
 * @example
 * ```ts
 * import { planShards } from "./write_shards.ts";
 * const { directory, files } = planShards({
 *   layout: "current", root: "out", family: "clip", ckpt: "vit", layers: [4, 5], patches: 64, clsToken: true, dVit: 96,
 *   nImages: 60, tokensPerShard: 3250, pictures: { kind: "image-folder", root: "images" },
 * });
 * console.assert(/^out\/[\da-f]{8}$/.test(directory) && files.map(({ nImages }) => nImages).join() === "25,25,10");
 * ```
 */
export function planShards(facts: ShardFacts): ShardPlan {
  const { layout, root, family, ckpt, layers, patches, clsToken, dVit, nImages, tokensPerShard, pictures } = facts;
  const tokens = patches + (clsToken ? 1 : 0);
  const isJanuary = layout === "january";
  const most = isJanuary
    ? Math.floor(Math.floor(tokensPerShard / layers.length) / tokens)
    : Math.floor(tokensPerShard / (tokens * layers.length));
  // Padding a few pictures to a full shard could take gigabytes.
  const isRoomy = isJanuary && nImages < most;
  const perShard = isRoomy ? nImages : most;
  if (perShard < 1) {
    throw new RangeError(
      `A shard of ${tokensPerShard} vectors holds not one image of ${tokens} tokens and ${layers.length} layers, which are ` +
        `${tokens * layers.length}; give more with --tokens-per-shard`,
    );
  }
  const imageStride = layers.length * tokens * dVit;
  const files = Array.from({ length: Math.ceil(nImages / perShard) }, (_, i): PlannedShard => {
    const count = Math.min(perShard, nImages - i * perShard);
    const name = `acts${String(i).padStart(6, "0")}.bin`;
    return {
      name,
      firstImage: i * perShard,
      nImages: count,
      bytes: (isJanuary ? perShard : count) * imageStride * 4,
    };
  });
  const metadata = isJanuary
    ? {
      model_family: family,
      model_ckpt: ckpt,
      layers,
      n_patches_per_img: patches,
      cls_token: clsToken,
      d_vit: dVit,
      seed: JANUARY_SEED,
      n_imgs: nImages,
      n_patches_per_shard: isRoomy ? nImages * tokens * layers.length : tokensPerShard,
      data: `${pictures.kind}: ${pictures.root}`,
    }
    : {
      family,
      ckpt,
      layers,
      content_tokens_per_example: patches,
      cls_token: clsToken,
      d_model: dVit,
      n_examples: nImages,
      max_tokens_per_shard: tokensPerShard,
      // Upstream keeps a pickle of its own settings here; readers take it as opaque, and this recorder makes none.
      data: "",
      dataset: pictures.root,
      pixel_agg: "majority",
      dtype: "float32",
      protocol: "2.1",
    };
  return {
    directory: isJanuary ? root : `${root}/${shardsHash(metadata)}`,
    metadata,
    imageStride,
    files,
    list: isJanuary ? undefined : files.map(({ name, nImages }) => ({ name, n_examples: nImages })),
  };
}

/**
 * Writes one shard whole or not at all, padding with zeros what the layout pads.
 *
 * @param blocks Its images in order, `f32 [n, layers, tokens, dVit]` each; what was yielded is written before the next is asked for.
 * @throws {ArtifactError} If it cannot be written.
 * @throws {RangeError} If the blocks are not the shard's images exactly.
 */
export async function writeShard(
  { directory, imageStride }: ShardPlan,
  { name, nImages, bytes }: PlannedShard,
  blocks: AsyncIterable<Float32Array>,
): Promise<void> {
  await atomicWrite(`${directory}/${name}`, async (output) => {
    for await (const block of blocks) {
      await output.write(new Uint8Array(block.buffer, block.byteOffset, block.byteLength));
    }
    if (output.position !== nImages * imageStride * 4) {
      throw new RangeError(`Cannot finish ${name}: ${output.position} bytes were given for ${nImages} images`);
    }
    const zeros = new Uint8Array(Math.min(1 << 20, bytes - output.position));
    while (output.position < bytes) await output.write(zeros.subarray(0, bytes - output.position));
  });
}

/**
 * Makes the shards readable: labels and the list of shards first, metadata.json last.
 *
 * @param labels `u8 [nImages, patches]`; none where the data set has no labels of pixels.
 * @throws {ArtifactError} If something cannot be written.
 */
export async function finishShards(
  { directory, metadata, list }: ShardPlan,
  labels: Uint8Array | undefined,
): Promise<void> {
  if (labels !== undefined) await atomicWrite(`${directory}/labels.bin`, labels);
  if (list !== undefined) await atomicWrite(`${directory}/shards.json`, json(list));
  await atomicWrite(`${directory}/metadata.json`, json(metadata));
}

/** Makes shards that are to be recorded again unreadable first, so that old and new ones are never mixed. */
export async function unfinishShards(directory: string): Promise<void> {
  for (const name of ["metadata.json", "shards.json", "labels.bin"]) await removeFile(`${directory}/${name}`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
