/** Fraction bits of a coefficient: 32, less 8 for the sample, less 2 for overshoot and sign. */
export const PRECISION_BITS: number = 32 - 8 - 2;

/** Reach of the cubic kernel at scale 1, in source pixels. */
const SUPPORT = 2;

/** For each output position: the first source position, how many follow, and their fixed-point weights. */
export interface AxisWeights {
  /** First source position of each output position. */
  readonly first: Int32Array;
  /** Source positions of each output position. */
  readonly count: Int32Array;
  /** `i32 [output, stride]`. */
  readonly weights: Int32Array;
  /** Longest `count` possible. */
  readonly stride: number;
}

/** Axes whose weights are kept: pictures of a data set come in few sizes. */
const KEPT_AXES = 32;
const kept = new Map<string, AxisWeights>();

/** {@linkcode axisWeights}, computed once for the sizes met last; not to be changed. */
export function keptAxisWeights(inSize: number, outSize: number, from: number, length: number): AxisWeights {
  const key = `${inSize} ${outSize} ${from} ${length}`;
  const found = kept.get(key) ?? axisWeights(inSize, outSize, from, length);
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > KEPT_AXES) kept.delete(kept.keys().next().value!);
  return found;
}

/**
 * The weights of output positions `from … from + length` of an axis resized from `inSize` to `outSize`.
 *
 * Source: Pillow 9.4, `libImaging/Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
 */
export function axisWeights(inSize: number, outSize: number, from: number, length: number): AxisWeights {
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  const inverse = 1 / stretch;
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const n = Math.min(inSize, Math.trunc(center + support + 0.5)) - low;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      exact[k] = cubic((k + low - center + 0.5) * inverse);
      sum += exact[k];
    }
    for (let k = 0; k < n; k++) {
      const weight = (sum !== 0 ? exact[k] / sum : exact[k]) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[i] = low;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

/** Keys' cubic convolution kernel with a = −0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}
