/**
 * The online percentile: upstream's estimator step by step in f32, and the same rule for long runs of zeros in f64.
 * @module
 */
import { sizeOf, type Tensor, tensor } from "./tensor.ts";

/** The constants of one estimator: `step(t) = lr·(total − t)/total`. */
export interface EstimatorRule {
  /** Learning rate, > 0. */
  readonly lr: number;
  /** Rows in the whole job, ≥ 1. */
  readonly total: number;
  /** `c = 2·percentile/100 − 1`, −1 … 1. */
  readonly c: number;
}

/**
 * The rule for a percentile.
 *
 * @param percentile 0 … 100.
 * @param total Rows in the whole job, ≥ 1.
 * @param lr Learning rate, > 0.
 * @throws {RangeError} If an argument is outside its range.
 *
 * @example
 * ```ts
 * import { estimatorRule } from "./percentile_estimator.ts";
 * console.assert(estimatorRule(50, 10, 1e-3).c === 0);
 * ```
 */
export function estimatorRule(percentile: number, total: number, lr: number): EstimatorRule {
  if (!(percentile >= 0 && percentile <= 100)) {
    throw new RangeError(`Cannot estimate percentile ${percentile}: expected a number from 0 to 100`);
  }
  if (!Number.isSafeInteger(total) || total < 1) {
    throw new RangeError(`Cannot estimate over ${total} rows: expected an integer of at least 1`);
  }
  if (!(lr > 0 && lr < Infinity)) {
    throw new RangeError(`Cannot use learning rate ${lr}: expected a finite number above 0`);
  }
  return { lr, total, c: (2 * percentile) / 100 - 1 };
}

/**
 * One update in f64: `estimate + step(row + 1)·(sign(x − estimate) + c)`, `sign(0) = 0`; NaN counts as sign 0.
 *
 * @param estimate Estimate after `row` rows.
 * @param row Rows already folded; this one is number `row + 1`.
 * @param x The row's value.
 * @returns The estimate after `row + 1` rows.
 *
 * @example
 * ```ts
 * import { estimatorRule, updateEstimate } from "./percentile_estimator.ts";
 * console.assert(updateEstimate(0, 0, 1, estimatorRule(50, 2, 1)) === 0.5);
 * ```
 */
export function updateEstimate(estimate: number, row: number, x: number, rule: EstimatorRule): number {
  const sign = x > estimate ? 1 : x < estimate ? -1 : 0;
  return estimate + step(rule, row) * (sign + rule.c);
}

/**
 * The estimate after `zeros` more rows of value 0, in closed form between crossings of zero.
 *
 * While the estimate keeps its sign, j updates move it by `slope·S(j)`, `slope = c − 1` above zero and `c + 1` below, with
 * `S(j) = Σ_{i=1..j} step(row + i) = lr·j·(1 − (row + (j+1)/2)/total)`, so a run costs a square root instead of j
 * updates. If `estimate + slope·S(zeros)` has not reached zero, that is the result; else the least j that reaches zero
 * is taken, and the rest follows from there. The estimate of a latent that fires rarely crosses zero again and again,
 * once in `2/(1 − c)` rows or so, up in one update and down in many: hence one update is tried before an equation is
 * solved. The last bits depend on where runs begin: callers apply all zeros between two positives in one call, which
 * is what makes the result the same for every batch size.
 *
 * @param estimate Estimate after `row` rows.
 * @param row Rows already folded.
 * @param zeros Rows of value 0 that follow; `row + zeros ≤ total`.
 * @returns The estimate after `row + zeros` rows.
 *
 * @example
 * ```ts
 * import { advanceZeros, estimatorRule } from "./percentile_estimator.ts";
 * const rule = estimatorRule(50, 100, 0.1);
 * console.assert(Math.abs(advanceZeros(1, 0, 2, rule) - (1 - 0.099 - 0.098)) < 1e-12);
 * ```
 */
export function advanceZeros(estimate: number, row: number, zeros: number, rule: EstimatorRule): number {
  const { lr, total, c } = rule;
  const share = 1 / total;
  const perStep = total / lr;
  let e = estimate;
  let t = row;
  let m = zeros;
  while (m > 0) {
    if (e > 0 || e < 0) {
      const down = e > 0;
      const slope = down ? c - 1 : c + 1;
      if (slope === 0) return e;
      const end = e + slope * stepSum(lr, share, t, m);
      if (down ? end > 0 : end < 0) return end;
      const first = e + slope * stepSum(lr, share, t, 1);
      if (down ? first <= 0 : first >= 0) {
        e = first;
        t += 1;
        m -= 1;
        continue;
      }
      // It crosses within m: solve e + slope·S(j) = 0 for the smaller root, then settle rounding by trying neighbours.
      const q = (-e / slope) * perStep;
      const b = total - t - 0.5;
      const root = b * b - 2 * q;
      let j = Math.ceil((2 * q) / (b + Math.sqrt(root > 0 ? root : 0)));
      if (!(j >= 1)) j = 1;
      if (j > m) j = m;
      let next = e + slope * stepSum(lr, share, t, j);
      while (j < m && (down ? next > 0 : next < 0)) {
        j += 1;
        next = e + slope * stepSum(lr, share, t, j);
      }
      while (j > 1) {
        const before = e + slope * stepSum(lr, share, t, j - 1);
        if (down ? before > 0 : before < 0) break;
        j -= 1;
        next = before;
      }
      e = next;
      t += j;
      m -= j;
    } else {
      // A zero on an estimate of exactly zero: only the constant pulls (a NaN estimate ends here and stays NaN).
      if (c === 0 || e !== e) return e;
      e += step(rule, t) * c;
      t += 1;
      m -= 1;
    }
  }
  return e;
}

/** The size of the step after `row` rows. */
function step({ lr, total }: EstimatorRule, row: number): number {
  return lr * (total - (row + 1)) * (1 / total);
}

/** `S(j)`: the sum of the j step sizes after `t` rows, `share` one row's share of all. */
function stepSum(lr: number, share: number, t: number, j: number): number {
  return lr * j * (1 - (t + 0.5 * (j + 1)) * share);
}

/**
 * Estimates a percentile by stochastic approximation, elementwise over `shape`, in f32 as upstream does.
 *
 * For t = 1, 2, …: `estimate += lr·(total − t)/total · (sign(x − estimate) + 2·percentile/100 − 1)`, from 0;
 * `sign(0) = 0`, and NaN counts as sign 0. Every operation is rounded to f32, the step size once from f64. Accuracy is
 * that of the method: an estimate moves at most `2·lr` an update, and a value that is positive on fewer rows than
 * `1 − percentile/100` ends near 0. The quantile sketch has a bound; this class exists for comparison.
 *
 * Source: upstream's class of the same name (its docstring calls it P², which it is not).
 *
 * @example
 * ```ts
 * import { PercentileEstimator } from "./percentile_estimator.ts";
 * const estimator = new PercentileEstimator(50, 2, 1);
 * estimator.update(3);
 * console.assert(estimator.estimate.data[0] === 0.5);
 * ```
 */
export class PercentileEstimator {
  readonly #rule: EstimatorRule;
  readonly #plus: number;
  readonly #estimate: Tensor;
  #step = 0;

  /**
   * Starts at zero.
   *
   * @param percentile 0 … 100.
   * @param total Updates to come, ≥ 1.
   * @param lr Learning rate, > 0.
   * @param shape Shape of every update; `[]` for one number.
   * @throws {RangeError} If an argument is outside its range.
   */
  constructor(percentile: number, total: number, lr = 1e-3, shape: readonly number[] = []) {
    this.#rule = estimatorRule(percentile, total, lr);
    this.#plus = Math.fround((2 * percentile) / 100);
    this.#estimate = tensor(new Float32Array(sizeOf(shape)), shape);
  }

  /** The estimate so far, `f32 [...shape]`; live: later updates write into it. */
  get estimate(): Tensor {
    return this.#estimate;
  }

  /** Updates so far. */
  get updates(): number {
    return this.#step;
  }

  /**
   * One row.
   *
   * @param x `f32 [...shape]`, or a number for shape `[]`.
   * @throws {TypeError} If x has another number of elements than the estimate.
   */
  update(x: number | Tensor | Float32Array): void {
    const values = typeof x === "number" ? [x] : "data" in x ? x.data : x;
    const { data } = this.#estimate;
    if (values.length !== data.length) {
      throw new TypeError(`Cannot update ${data.length} estimates with ${values.length} values`);
    }
    this.#step += 1;
    const { lr, total } = this.#rule;
    const step = Math.fround((lr * (total - this.#step)) / total);
    for (let i = 0; i < data.length; i++) {
      const difference = Math.fround(values[i] - data[i]);
      const sign = difference > 0 ? 1 : difference < 0 ? -1 : 0;
      data[i] += Math.fround(step * Math.fround(Math.fround(sign + this.#plus) - 1));
    }
  }
}
