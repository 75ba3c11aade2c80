/**
 * Sums of products in twice the precision of f64.
 *
 * Source: Dekker, "A floating-point technique for extending the available precision", 1971; Ogita, Rump, Oishi, "Accurate
 * sum and dot product", 2005.
 * @module
 */

/** An unevaluated sum of two f64, the second below the rounding of the first. */
export type Pair = readonly [high: number, low: number];

function twoSum(a: number, b: number): Pair {
  const sum = a + b;
  const back = sum - a;
  return [sum, a - (sum - back) + (b - back)];
}

function twoProduct(a: number, b: number): Pair {
  const split = (x: number): Pair => {
    const scaled = 134217729 * x;
    const high = scaled - (scaled - x);
    return [high, x - high];
  };
  const [[ah, al], [bh, bl]] = [split(a), split(b)];
  const product = a * b;
  return [product, al * bl - (product - ah * bh - al * bh - ah * bl)];
}

/** `start + Σ a_i·b_i`, to some 100 bits of the sum of sizes. */
export function exactDot(a: ArrayLike<number>, b: ArrayLike<number>, start: Pair = [0, 0]): Pair {
  let [sum, low] = start;
  for (let i = 0; i < a.length; i++) {
    const [product, rest] = twoProduct(a[i], b[i]);
    const [next, lost] = twoSum(sum, product);
    sum = next;
    low += lost + rest;
  }
  return twoSum(sum, low);
}
