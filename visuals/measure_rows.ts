/**
 * Measures what centres and scales rows, on the sample that upstream would draw.
 * @module
 */
import type { FoldPlan } from "../compute/backend.ts";
import { firstOfPermutation } from "../compute/numpy_random.ts";
import { type PreparedRows, prepareRows } from "../compute/prepare_rows.ts";
import { rowStatistics } from "../compute/row_statistics.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { type BlockReader, openBlocks } from "../io/read_blocks.ts";
import type { JobHooks } from "./hooks.ts";
import type { Inputs } from "./open_inputs.ts";

/** Seed of the sample, fixed by upstream. */
const SAMPLE_SEED = 42;

/** Memory for one chunk of the sample. */
const CHUNK_BYTES = 32 * 2 ** 20;

/**
 * The inputs' layout with mean and scalar filled in.
 *
 * The sample is the first `nRandomSamples` entries of numpy's `default_rng(42).permutation(nRows)`, or every row when there
 * are no more than that. It is read in file order, twice, in chunks: order does not matter to a mean, memory does.
 *
 * @throws {AbnormalRowsError} If the sample's values cannot have been meant.
 * @throws {NonFiniteError} If a sampled row holds NaN or an infinity and the configuration refuses them.
 */
export async function measureRows(config: VisualsConfig, inputs: Inputs, hooks: JobHooks): Promise<RowLayout> {
  const { scaleMean, scaleNorm, nRandomSamples } = config.data;
  const { layout, nRows } = inputs;
  if (!scaleMean && !scaleNorm) return layout;
  const rows = nRandomSamples < nRows ? firstOfPermutation(SAMPLE_SEED, nRows, nRandomSamples).sort() : undefined;
  const reader = openBlocks(inputs.shards, inputs.layer, { readsAtOnce: config.readAhead });
  try {
    let done = 0;
    const total = (rows?.length ?? nRows) * (Number(scaleMean) + Number(scaleNorm));
    hooks.progress({ stage: "measure", done, total, unit: "rows" });
    const counted = async function* (): AsyncGenerator<PreparedRows> {
      for await (
        const chunk of rows === undefined
          ? allRows(reader, inputs, config)
          : someRows(reader, rows, { layout, nonFinite: config.nonFinite })
      ) {
        hooks.signal?.throwIfAborted();
        yield chunk;
        done += chunk.rows.length / layout.dVit;
        hooks.progress({ stage: "measure", done, total, unit: "rows" });
      }
    };
    const { mean, scalar } = await rowStatistics(counted, { dVit: layout.dVit, scaleMean, scaleNorm });
    return { ...layout, mean, scalar };
  } finally {
    reader.close();
  }
}

/** Every row, image after image. */
async function* allRows(reader: BlockReader, inputs: Inputs, config: VisualsConfig): AsyncGenerator<PreparedRows> {
  const { layout, shards: { nImages } } = inputs;
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / (imageStride(layout) * 4)));
  const block = new Float32Array(Math.min(perChunk, nImages) * imageStride(layout));
  const out = new Float32Array(Math.min(perChunk, nImages) * rowsPerImage(layout) * layout.dVit);
  for (let first = 0; first < nImages; first += perChunk) {
    const n = Math.min(perChunk, nImages - first);
    await reader.read(block, first, n);
    yield prepareRows(block, n, first, layout, config.nonFinite, out);
  }
}

/** The rows with the given indices, ascending, in chunks. */
export async function* someRows(
  reader: BlockReader,
  rows: ArrayLike<number>,
  { layout, nonFinite }: Pick<FoldPlan, "layout" | "nonFinite">,
): AsyncGenerator<PreparedRows> {
  const perImage = rowsPerImage(layout);
  // One vector a row, unless a row is a mean over the tokens: then the whole image goes into it.
  const single: RowLayout = layout.kind === "meanpool" ? layout : { ...layout, kind: "cls", tokens: 1, firstToken: 0 };
  const stride = imageStride(single);
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / (stride * 4)));
  const block = new Float32Array(Math.min(perChunk, rows.length) * stride);
  const out = new Float32Array(Math.min(perChunk, rows.length) * layout.dVit);
  for (let first = 0; first < rows.length; first += perChunk) {
    const n = Math.min(perChunk, rows.length - first);
    if (layout.kind === "meanpool") {
      for (let i = 0; i < n; i++) await reader.read(block.subarray(i * stride), rows[first + i], 1);
    } else {
      const images = Array.from({ length: n }, (_, i) => Math.floor(rows[first + i] / perImage));
      const tokens = images.map((image, i) =>
        layout.kind === "cls" ? 0 : layout.firstToken + rows[first + i] - image * perImage
      );
      await reader.readRows(block, images, tokens);
    }
    yield prepareRows(block, n, 0, single, nonFinite, out);
  }
}
