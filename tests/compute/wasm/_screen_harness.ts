/**
 * A pass in one thread whose screening constants a test can read, spoil, and aim at.
 * @module
 */
import type { LatentState } from "../../../compute/latent_state.ts";
import type { Sae } from "../../../compute/sae.ts";
import { dot } from "../../../compute/wasm/eigen.ts";
import { fieldAddress } from "../../../compute/wasm/fields.ts";
import { loadKernels } from "../../../compute/wasm/kernel_module.ts";
import { makeMemory, writeParameters } from "../../../compute/wasm/open_pass.ts";
import { chooseScreen, planMemory, SCRATCH_AT, type ScreenWay } from "../../../compute/wasm/plan_memory.ts";
import { openPool } from "../../../compute/wasm/pool.ts";
import { probe } from "../../../compute/wasm/probe.ts";
import { prepareScreening } from "../../../compute/wasm/screening.ts";
import { viewState, writeState } from "../../../compute/wasm/state_views.ts";
import { makePlan } from "../_cases.ts";

/** Rows a harness folds at a time. */
export const ROWS = 1024;

/** Constants of one column, as the mathematics names them, and how to make a row from a rotated vector. */
export interface Target {
  /** Index of the latent. */
  column: number;
  /** `f64 [d]`: the rotated column w̃ = s·q + dw. */
  w: Float64Array;
  /** `f64 [d]`: its quantisation error. */
  dw: Float64Array;
  /** `f64 [d]`: its quantised values, times their factors. */
  q: Float64Array;
  /** Pre-activation of the mean row. */
  beta: number;
}

/** See {@linkcode openHarness}. */
export interface Harness {
  d: number;
  target(column: number): Target;
  /** The row x whose rotated form is v, to f32. */
  rowFor(v: Float64Array): Float32Array;
  /** The column whose rotated form is w̃, to f32. */
  columnFor(w: Float64Array): Float32Array;
  /** Folds ROWS rows, `f32 [ROWS, dVit]`; returns the state and the share of pairs that survived. */
  run(rows: Float32Array, screening: boolean): Promise<{ state: LatentState; survivors: number }>;
  /** Multiplies the stored P and Q of every column. */
  spoil(by: number): void;
  /** `f32 [rank, d]`: the balanced directions, and `f32 [rank]`: how much each is; and what is said of the former. */
  balance(): Balance;
  /** Quantises all columns anew, the one named last, and says how that was computed. The harness is of no other use then. */
  quantise(column: number, change?: Partial<Balance>): Promise<Quantised>;
}

/** B = I + V diag(t) Vᵀ, and what ‖VᵀV − I‖ is said to be. */
export interface Balance {
  directions: Float32Array;
  t: Float32Array;
  skew: number;
}

/** A column as the kernel had it, and the term that is for its own faults. */
export interface Quantised {
  /** `f64 [d]`: D⁻¹w. */
  g: Float64Array;
  /** `f64 [d]`: B⁻¹g, as near as it was computed. */
  k: Float64Array;
  /** `f64 [rank]`: what was added to g along each direction. */
  c: Float64Array;
  /** Step of the quantised values. */
  scale: number;
  /** T, as it is stored. */
  term: number;
}

/** Prepares screening for an encoder from sample rows, `f32 [ROWS, dVit]`; `dVit` a multiple of 64. */
export async function openHarness(sae: Sae, sample: Float32Array, way?: ScreenWay): Promise<Harness> {
  const { dVit: d, dSae } = sae;
  const layout = {
    kind: "cls",
    layers: 1,
    tokens: 1,
    firstToken: 0,
    dVit: d,
    clamp: 1e38,
    mean: undefined,
    scalar: 1,
  } as const;
  const plan = makePlan({ sae, layout, nImages: ROWS, block: sample }, { k: 4 });
  const { modules } = await loadKernels("auto");
  const memoryPlan = planMemory(sae, plan, 1, { screen: way ?? chooseScreen(await probe(modules)) });
  const memory = makeMemory(memoryPlan.bytes);
  const pool = await openPool({ modules, memory, threads: 1, permissions: "inherit" });
  writeParameters(memory, sae, plan, memoryPlan.fields);
  const at = memoryPlan.fields as Record<string, number>;
  const floats = (address: number, n: number): Float32Array => new Float32Array(memory.buffer, address, n);
  const wt = floats(at.wt, dSae * at.dPad);
  for (let i = 0; i < d; i++) for (let j = 0; j < dSae; j++) wt[j * at.dPad + i] = sae.wEnc[i * dSae + j];
  const raw = memoryPlan.raw[0];
  floats(raw, sample.length).set(sample);
  await prepareScreening({ memoryPlan, memory, pool, from: { raw, rows: ROWS } });
  writeState(plan, memoryPlan, memory);
  const fresh = new Uint8Array(memory.buffer).slice();

  const mean = floats(at.screenMean, d).slice();
  const scale = floats(at.screenScale, d).slice();
  const sign = floats(at.screenSign, d).slice();
  const t = floats(at.screenT, at.rank).slice();
  const directions = Float64Array.from(floats(at.screenV, at.rank * d));
  const { rotation: h, rank } = at;
  const blocks = d / h;
  /** H: interleave, signs, Hadamard; or its transpose. */
  const rotate = (a: Float64Array, transposed: boolean): Float64Array => {
    const v = new Float64Array(d);
    for (let p = 0; p < d; p++) v[p] = transposed ? a[p] : a[(p % h) * blocks + Math.floor(p / h)] * sign[p];
    for (let width = 1; width < h; width *= 2) {
      for (let p = 0; p < d; p++) {
        if (p & width) continue;
        const [low, high] = [v[p], v[p + width]];
        v[p] = low + high;
        v[p + width] = low - high;
      }
    }
    if (!transposed) return v;
    const out = new Float64Array(d);
    for (let p = 0; p < d; p++) out[(p % h) * blocks + Math.floor(p / h)] = v[p] * sign[p];
    return out;
  };
  /** B⁻¹ a, near enough. */
  const unbalance = (a: Float64Array): Float64Array => {
    const out = a.slice();
    for (let i = 0; i < rank; i++) {
      let along = 0;
      for (let k = 0; k < d; k++) along += directions[i * d + k] * a[k];
      for (let k = 0; k < d; k++) out[k] -= (t[i] / (1 + t[i])) * along * directions[i * d + k];
    }
    return out;
  };
  /** B a. */
  const balanced = (a: Float64Array): Float64Array => {
    const out = a.slice();
    for (let i = 0; i < rank; i++) {
      const along = dot(directions.subarray(i * d, (i + 1) * d), a);
      for (let k = 0; k < d; k++) out[k] += t[i] * along * directions[i * d + k];
    }
    return out;
  };
  const balance = (): Balance => ({
    directions: floats(at.screenV, rank * d).slice(),
    t: floats(at.screenT, rank).slice(),
    skew: new DataView(memory.buffer).getFloat64(fieldAddress("skew"), true),
  });
  return {
    d,
    target(column): Target {
      const g = Float64Array.from({ length: d }, (_, i) => wt[column * at.dPad + i] / scale[i]);
      const w = rotate(unbalance(g), false).map((x) => x / h);
      const tile = new DataView(memory.buffer, at.wq + (column >> 3) * at.tileBytes, at.tileBytes);
      const q = Float64Array.from({ length: d }, (_, i) => {
        const [segment, own] = [576 * (i >> 6), 8 * (column & 7)];
        const value = tile.getUint8(segment + 64 * (i >> 3 & 7) + own + (i & 7)) - at.wqOffset;
        return value * tile.getInt16(segment + 512 + own + (i & 6), true);
      });
      const step = dot(w, q) / dot(q, q);
      const dw = w.map((x, i) => x - step * q[i]);
      let beta = sae.bEnc[column];
      for (let i = 0; i < d; i++) beta += mean[i] * wt[column * at.dPad + i];
      return { column, w, dw, q, beta };
    },
    rowFor(v): Float32Array {
      const y = unbalance(rotate(v, true).map((x) => x / h));
      return Float32Array.from(y, (x, i) => x / scale[i] + mean[i]);
    },
    columnFor: (w) => Float32Array.from(balanced(rotate(w, true)), (g, i) => g * scale[i]),
    async run(rows, screening): Promise<{ state: LatentState; survivors: number }> {
      floats(raw, rows.length).set(rows);
      new DataView(memory.buffer).setUint32(fieldAddress("screening"), screening ? 1 : 0, true);
      await pool.run("foldBatch", raw, 0, ROWS);
      await pool.run("sealAll");
      const state = structuredClone({ ...viewState(plan, memoryPlan, memory, { rows: ROWS, skippedRows: 0 }) });
      const own = Object.fromEntries(
        Object.entries(state).map(([key, value]) => [key, typeof value === "number" ? value : value.slice()]),
      ) as unknown as LatentState;
      const [pairs, survivors] = new Float64Array(memory.buffer, at.scratch + 96, 2);
      const share = survivors / pairs;
      const terms = floats(at.columnTerms, at.nPad * 4).slice();
      new Uint8Array(memory.buffer).set(fresh);
      floats(at.columnTerms, at.nPad * 4).set(terms);
      return { state: own, survivors: share };
    },
    balance,
    async quantise(column, change = {}): Promise<Quantised> {
      const { directions, t, skew } = { ...balance(), ...change };
      floats(at.screenV, rank * d).set(directions);
      floats(at.screenT, rank).set(t);
      new DataView(memory.buffer).setFloat64(fieldAddress("skew"), skew, true);
      // What a worker has of its last column stays where it was.
      const last = at.nPad - 1;
      wt.copyWithin(last * at.dPad, column * at.dPad, (column + 1) * at.dPad);
      await pool.run("quantiseColumns");
      // The same as in `kernels/sync.as`.
      const space = at.scratch + SCRATCH_AT;
      const doubles = (from: number, n: number): Float64Array => new Float64Array(memory.buffer, from, n).slice();
      return {
        g: doubles(space, d),
        k: doubles(space + 8 * d, d),
        c: doubles(space + 24 * d + 1024, rank),
        scale: doubles(at.scratch + 768, 1)[0],
        term: floats(at.columnTerms + 128 * (last >> 3) + 4 * (last & 7) + 64, 1)[0],
      };
    },
    spoil(by): void {
      const terms = floats(at.columnTerms, at.nPad * 4);
      for (let i = 0; i < terms.length; i++) if (i % 32 < 16) terms[i] *= by;
    },
  };
}
