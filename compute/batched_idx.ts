/**
 * Cutting a range into batches.
 * @module
 */

/**
 * Yields `[start, end)` pairs that cover `0 … totalSize` in order, without overlap, `end − start ≤ batchSize`.
 *
 * @param totalSize Length of the range; 0 yields nothing.
 * @param batchSize Longest batch.
 * @throws {RangeError} If totalSize is not a non-negative integer or batchSize not an integer of at least 1.
 *
 * Source: upstream's `batched_idx`.
 *
 * @example
 * ```ts
 * import { batchedIdx } from "./batched_idx.ts";
 * console.assert(JSON.stringify([...batchedIdx(5, 2)]) === "[[0,2],[2,4],[4,5]]");
 * ```
 */
export function batchedIdx(totalSize: number, batchSize: number): Generator<[number, number]> {
  if (!Number.isSafeInteger(totalSize) || totalSize < 0) {
    throw new RangeError(`Cannot batch ${totalSize} elements: expected a non-negative integer`);
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Cannot use batch size ${batchSize}: expected an integer of at least 1`);
  }
  return pairs(totalSize, batchSize);
}

// Apart, so that wrong arguments throw at the call and not at the first pair.
function* pairs(totalSize: number, batchSize: number): Generator<[number, number]> {
  for (let start = 0; start < totalSize; start += batchSize) yield [start, Math.min(start + batchSize, totalSize)];
}
