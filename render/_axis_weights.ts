import type { ResizeFilter } from "./resize.ts";

/** Fraction bits of a coefficient: 32, less 8 for the sample, less 2 for overshoot and sign. */
export const PRECISION_BITS: number = 32 - 8 - 2;

/** Pillow's antialiasing filters; `nearest` is none of them. */
export type AxisFilter = Exclude<ResizeFilter, "nearest">;

/** Reach of each kernel at scale 1, in source pixels, and the kernel. Pillow's are half open, so the sign matters. */
const FILTERS: Readonly<Record<AxisFilter, readonly [support: number, kernel: (x: number) => number]>> = {
  box: [0.5, (x) => x > -0.5 && x <= 0.5 ? 1 : 0],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [1, hamming],
  bicubic: [2, cubic],
  lanczos: [3, (x) => x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0],
};

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
export function keptAxisWeights(...axis: Parameters<typeof axisWeights>): AxisWeights {
  const [[inSize, outSize], { from, length }, filter] = axis;
  const key = `${inSize} ${outSize} ${from} ${length} ${filter}`;
  const found = kept.get(key) ?? axisWeights(...axis);
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
export function axisWeights(
  [inSize, outSize]: readonly [inSize: number, outSize: number],
  { from, length }: { readonly from: number; readonly length: number },
  filter: AxisFilter,
): AxisWeights {
  const [reach, kernel] = FILTERS[filter];
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
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
      exact[k] = kernel((k + low - center + 0.5) * inverse);
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

function hamming(x: number): number {
  const d = Math.abs(x);
  if (d === 0) return 1;
  if (d >= 1) return 0;
  return Math.sin(d * Math.PI) / (d * Math.PI) * (0.54 + 0.46 * Math.cos(d * Math.PI));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
