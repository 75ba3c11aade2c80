/**
 * What goes to the device of a batch.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { prepareRows } from "../prepare_rows.ts";
import { imageStride } from "../rows.ts";

/**
 * What the device takes of images `first … first + n − 1` of a batch: raw blocks where it can make rows of them itself, else
 * rows. Rows are made here where they are means, which are sums in f64.
 *
 * @param plan Layout and policy.
 * @param batch `block: f32 [≥ first + n, layers, tokens, dVit]`, and the data set's index of its first image.
 * @param piece Which images, and whether rows are made here.
 * @returns `f32 [n, tokens, dVit]` or `f32 [rows, dVit]`; may be a view on the block.
 * @throws {NonFiniteError} If rows are made here, one holds NaN or an infinity, and the plan refuses them.
 */
export function pieceValues(
  plan: FoldPlan,
  batch: { readonly block: Float32Array<ArrayBuffer>; readonly firstImage: number },
  piece: { readonly first: number; readonly n: number; readonly prepared: boolean },
): Float32Array<ArrayBuffer> {
  const { layout, nonFinite } = plan;
  const { first, n } = piece;
  const stride = imageStride(layout);
  const raw = batch.block.subarray(first * stride, (first + n) * stride);
  if (piece.prepared) {
    const { rows, skipped } = prepareRows(raw, n, batch.firstImage + first, layout, nonFinite);
    // The device finds skipped rows by what they hold.
    skipped?.forEach((skip, r) => skip && (rows[r * layout.dVit] = NaN));
    return rows as Float32Array<ArrayBuffer>;
  }
  if (layout.kind === "patches" || layout.tokens === 1) return raw;
  const rows = new Float32Array(n * layout.dVit);
  for (let i = 0; i < n; i++) rows.set(raw.subarray(i * stride, i * stride + layout.dVit), i * layout.dVit);
  return rows;
}
