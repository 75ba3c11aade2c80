/**
 * How far two correct f32 encoders may be apart on a case's rows, from the error bound of a dot product.
 *
 * Each computes `pre = Σ x_d·w_dj + b_j` in f32 in its own order, so that each is within `gamma_n · (Σ|x_d·w_dj| + |b_j|)` of the
 * exact value, `gamma_n = n·u / (1 − n·u)`, `n = dVit + 2`, `u = 2^-24`; two of them are within twice that of each other.
 * @module
 */
import { prepareRows } from "../../compute/prepare_rows.ts";
import { imageStride } from "../../compute/rows.ts";
import type { parseConfig } from "../../config.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { withDefaults } from "../../visuals/hooks.ts";
import { measureRows } from "../../visuals/measure_rows.ts";
import { openInputs } from "../../visuals/open_inputs.ts";

/** What the rows of a case allow. */
export interface Oracle {
  /** Rows in the case. */
  readonly nRows: number;
  /** Largest difference of two activations of a latent, over all rows. */
  tolerance(latent: number): number;
  /** Number of rows on which a latent is so near to zero that one encoder may see it fire and another not. */
  undecided(latent: number): number;
}

/** Reads a case's rows and weights. */
export async function openOracle(config: ReturnType<typeof parseConfig>): Promise<Oracle> {
  const inputs = await openInputs(config);
  const { sae, shards, nRows } = inputs;
  const { dVit, dSae, wEnc, bEnc, bPre } = sae;
  const layout = await measureRows(config, inputs, withDefaults(undefined));
  const block = new Float32Array(shards.nImages * imageStride(layout));
  const reader = openBlocks(shards, inputs.layer);
  await reader.read(block, 0, shards.nImages);
  reader.close();
  const x = prepareRows(block, shards.nImages, 0, layout, "error").rows.map((value, i) => value - bPre[i % dVit]!);

  const u = 2 ** -24;
  const n = dVit + 2;
  const twiceGamma = 2 * n * u / (1 - n * u);
  let longest = 0;
  for (let row = 0; row < nRows; row++) {
    longest = Math.max(longest, Math.hypot(...x.subarray(row * dVit, (row + 1) * dVit)));
  }
  const column = (latent: number): Float64Array =>
    Float64Array.from({ length: dVit }, (_, d) => wEnc[d * dSae + latent]!);
  return {
    nRows,
    // Cauchy–Schwarz: Σ|x_d·w_d| is at most the product of the lengths.
    tolerance: (latent) => twiceGamma * (longest * Math.hypot(...column(latent)) + Math.abs(bEnc[latent]!)),
    undecided(latent): number {
      const w = column(latent);
      const bias = bEnc[latent]!;
      let rows = 0;
      for (let row = 0; row < nRows; row++) {
        let [pre, size] = [bias, Math.abs(bias)];
        for (let d = 0; d < dVit; d++) {
          const term = x[row * dVit + d]! * w[d]!;
          pre += term;
          size += Math.abs(term);
        }
        if (Math.abs(pre) <= twiceGamma * size) rows++;
      }
      return rows;
    },
  };
}
