/**
 * Rows and columns that screening has to work for.
 * @module
 */
import type { Sae } from "../../../compute/sae.ts";
import { Random } from "../_cases.ts";
import { ROWS } from "./_screen_harness.ts";

/** An encoder with sparse latents, and rows with a mean, a decaying spectrum and outlier dimensions. */
export function hardCase(seed: number, dVit: number, dSae: number): { sae: Sae; sample: Float32Array; random: Random } {
  const random = new Random(seed);
  const size = Float32Array.from({ length: dVit }, (_, i) => i % 40 === 3 ? 30 : 2 / Math.sqrt(1 + i % 32));
  const mean = random.normals(dVit, 1);
  const factors = random.normals(4 * dVit, 1);
  const sample = new Float32Array(ROWS * dVit);
  for (let r = 0; r < ROWS; r++) {
    const heavy = random.uniform() < 0.01 ? 8 : 1;
    const common = random.normals(4, 1.5);
    for (let d = 0; d < dVit; d++) {
      let x = random.normal();
      for (let f = 0; f < 4; f++) x += common[f] * factors[f * dVit + d];
      sample[r * dVit + d] = heavy * x * size[d] + mean[d] * size[d];
    }
  }
  const wEnc = random.normals(dVit * dSae, 1 / Math.sqrt(dVit)).map((w, i) => w / size[Math.floor(i / dSae)]);
  const bEnc = random.normals(dSae, 0.5, -7);
  return {
    sae: { dVit, dSae, wEnc, bEnc, bPre: new Float32Array(dVit), activation: { kind: "relu" } },
    sample,
    random,
  };
}
