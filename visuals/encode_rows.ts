/**
 * A second pass: rows encoded again, in order, for what the first one does not keep.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { type PreparedRows, prepareRows } from "../compute/prepare_rows.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { Sae } from "../compute/sae.ts";
import { sliceSae } from "../compute/slice_sae.ts";
import { tensor } from "../compute/tensor.ts";
import { withInputNorm } from "../compute/with_input_norm.ts";
import type { VisualsConfig } from "../config/types.ts";
import { type BlockReader, openBlocks } from "../io/read_blocks.ts";
import type { JobHooks } from "./hooks.ts";
import type { Inputs } from "./open_inputs.ts";

/** Activations held at a time. */
const CHUNK_BYTES = 64 * 2 ** 20;
/** Raw values held at a time. */
const BLOCK_BYTES = 32 * 2 ** 20;

/** Whole images, encoded. */
export interface EncodedImages {
  /** Their numbers, ascending. */
  readonly images: Uint32Array;
  /** How many. */
  readonly nImages: number;
  /** `f32 [nImages · rows per image, latents]`: activations; zeros in skipped rows. */
  readonly acts: Float32Array;
  /** `f32 [nImages · rows per image, dVit]`: rows, centred and scaled; overwritten by the next. */
  readonly rows: Float32Array;
  /** `u8 [rows]`, 1 for a row left out; undefined when none was. */
  readonly skipped: Uint8Array | undefined;
}

/** See {@linkcode encodeRows}. */
export interface EncodeOptions {
  /** What encodes. */
  readonly backend: Backend;
  /** Who listens. */
  readonly hooks: JobHooks;
  /** Named in progress. */
  readonly stage: string;
  /** The latents wanted, one column each; all when undefined. */
  readonly latents?: readonly number[] | undefined;
  /** The images wanted, ascending, each once; all when undefined. */
  readonly images?: Uint32Array | undefined;
}

/**
 * Encodes every row again, or those of some images, batch by batch, in the order of images; memory stays flat.
 *
 * Activations have the bits of the first pass on the same backend, whatever the batches and whichever latents and images are
 * wanted. Images that follow each other are read together.
 *
 * @param layout Rows as measured: mean and scalar filled in.
 * @throws {NonFiniteError} If a row holds NaN or an infinity and the configuration refuses them.
 */
export async function* encodeRows(
  config: Pick<VisualsConfig, "nonFinite">,
  inputs: Inputs,
  layout: RowLayout,
  options: EncodeOptions,
): AsyncGenerator<EncodedImages> {
  const { hooks, stage, latents } = options;
  const { sae, shards } = inputs;
  const wanted = options.images ?? Uint32Array.from({ length: shards.nImages }, (_, image) => image);
  const nImages = wanted.length;
  const backend = withInputNorm(options.backend);
  const narrow = latents === undefined || sae.activation.kind === "topk" ? sae : sliceSae(sae, latents);
  const perImage = rowsPerImage(layout);
  const batch = Math.max(
    1,
    Math.min(
      nImages,
      Math.floor(CHUNK_BYTES / (4 * perImage * narrow.dSae)),
      Math.floor(BLOCK_BYTES / (4 * imageStride(layout))),
    ),
  );
  const block = new Float32Array(batch * imageStride(layout));
  const out = new Float32Array(batch * perImage * layout.dVit);
  const reader = openBlocks(inputs.shards, inputs.layer);
  const total = nImages * perImage;
  try {
    hooks.progress({ stage, done: 0, total, unit: "rows" });
    for (let first = 0; first < nImages; first += batch) {
      hooks.signal?.throwIfAborted();
      const images = wanted.subarray(first, first + batch);
      const n = images.length;
      const { rows, skipped } = await readImages(images, { reader, layout, block, out, nonFinite: config.nonFinite });
      const dense = (await backend.encode(tensor(rows, [n * perImage, layout.dVit]), narrow)).data;
      skipped?.forEach((skip, r) => {
        if (skip === 1) dense.fill(0, r * narrow.dSae, (r + 1) * narrow.dSae);
      });
      const acts = latents === undefined || narrow !== sae ? dense : gather(dense, sae, latents);
      yield { images, nImages: n, acts, rows, skipped };
      hooks.progress({ stage, done: (first + n) * perImage, total, unit: "rows" });
    }
  } finally {
    reader.close();
  }
}

/** Reads images run by run, and makes their rows. */
async function readImages(
  images: Uint32Array,
  into: {
    readonly reader: BlockReader;
    readonly layout: RowLayout;
    readonly block: Float32Array;
    readonly out: Float32Array;
    readonly nonFinite: VisualsConfig["nonFinite"];
  },
): Promise<PreparedRows> {
  const { reader, layout, block, out, nonFinite } = into;
  const [stride, perImage] = [imageStride(layout), rowsPerImage(layout)];
  let skipped: Uint8Array | undefined;
  for (let from = 0, to = 0; from < images.length; from = to) {
    while (to < images.length && images[to] - images[from] === to - from) to++;
    const raw = block.subarray(from * stride, to * stride);
    await reader.read(raw, images[from], to - from);
    const row = from * perImage;
    const rows = out.subarray(row * layout.dVit);
    const run = prepareRows(raw, to - from, images[from], layout, nonFinite, rows);
    if (run.skipped === undefined) continue;
    skipped ??= new Uint8Array(images.length * perImage);
    skipped.set(run.skipped, row);
  }
  return { rows: out.subarray(0, images.length * perImage * layout.dVit), skipped };
}

/** Columns of dense activations. */
function gather(dense: Float32Array, { dSae }: Sae, latents: readonly number[]): Float32Array {
  const n = dense.length / dSae;
  const out = new Float32Array(n * latents.length);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i < latents.length; i++) out[r * latents.length + i] = dense[r * dSae + latents[i]];
  }
  return out;
}
