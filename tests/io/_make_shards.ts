/** Small shard directories whose every value says where it is. */

/** What to make. */
export interface MadeShards {
  readonly layout: "2025-01" | "current";
  readonly nImages: number;
  readonly layers: readonly number[];
  readonly patches: number;
  readonly clsToken: boolean;
  readonly dVit: number;
  readonly imagesPerShard: number;
  /** Whether the last file is full; by default as the layout has it. */
  readonly padLast: boolean | undefined;
}

const DEFAULTS: MadeShards = {
  layout: "current",
  nImages: 11,
  layers: [-3, -2, 5],
  patches: 4,
  clsToken: true,
  dVit: 6,
  imagesPerShard: 4,
  padLast: undefined,
};

/** The value stored for an element: exact in f32, distinct, and recomputable. */
export function valueAt(made: MadeShards, image: number, layer: number, token: number, dimension: number): number {
  const tokens = made.patches + (made.clsToken ? 1 : 0);
  return ((image * made.layers.length + layer) * tokens + token) * made.dVit + dimension;
}

/** Everything with its default. */
export function complete(options: Partial<MadeShards>): MadeShards {
  return { ...DEFAULTS, ...options };
}

/** Writes a shard directory into a new temporary directory and returns its path. Padding is NaN, so that reading it shows. */
export async function makeShards(options: Partial<MadeShards>): Promise<string> {
  const made = complete(options);
  await Deno.mkdir("tests/tmp", { recursive: true });
  const root = await Deno.makeTempDir({ dir: "tests/tmp", prefix: "shards-" });
  const tokens = made.patches + (made.clsToken ? 1 : 0);
  const stride = made.layers.length * tokens * made.dVit;
  const list: { name: string; n_examples: number }[] = [];
  for (let first = 0; first < made.nImages; first += made.imagesPerShard) {
    const count = Math.min(made.imagesPerShard, made.nImages - first);
    const pad = made.padLast ?? made.layout === "2025-01";
    const values = new Float32Array((pad ? made.imagesPerShard : count) * stride).fill(NaN);
    for (let i = 0; i < count * stride; i++) values[i] = first * stride + i;
    const name = `acts${String(list.length).padStart(6, "0")}.bin`;
    list.push({ name, n_examples: count });
    await Deno.writeFile(`${root}/${name}`, new Uint8Array(values.buffer));
  }
  const perShard = made.imagesPerShard * tokens * made.layers.length + 1;
  const metadata = made.layout === "2025-01"
    ? {
      model_family: "clip",
      model_ckpt: "made",
      layers: made.layers,
      n_patches_per_img: made.patches,
      cls_token: made.clsToken,
      d_vit: made.dVit,
      seed: 42,
      n_imgs: made.nImages,
      n_patches_per_shard: perShard,
      data: "made",
    }
    : {
      family: "clip",
      ckpt: "made",
      layers: made.layers,
      content_tokens_per_example: made.patches,
      cls_token: made.clsToken,
      d_model: made.dVit,
      n_examples: made.nImages,
      max_tokens_per_shard: perShard,
      data: "gASVAA==",
      dataset: "made",
      pixel_agg: "majority",
      dtype: "float32",
      protocol: "2.1",
    };
  await Deno.writeTextFile(`${root}/metadata.json`, JSON.stringify(metadata));
  if (made.layout === "current") await Deno.writeTextFile(`${root}/shards.json`, JSON.stringify(list));
  return root;
}
