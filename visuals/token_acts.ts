/**
 * Every activation of a run as a sparse matrix.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import type { RowLayout } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { type CsrRows, writeCsr } from "../io/write_csr.ts";
import { encodeRows } from "./encode_rows.ts";
import type { JobHooks } from "./hooks.ts";
import type { Inputs } from "./open_inputs.ts";

/**
 * Writes `f [rows, dSae]` as scipy's CSR: row = image · rows per image + patch, the positives and nothing else; a row that
 * was left out for NaN is empty.
 *
 * @throws {ArtifactError} If it cannot be written.
 */
export async function writeTokenActs(
  path: string,
  config: VisualsConfig,
  pass: { inputs: Inputs; layout: RowLayout; backend: Backend; hooks: JobHooks },
): Promise<{ rows: number; entries: number }> {
  const { inputs, layout, backend, hooks } = pass;
  const { dSae } = inputs.sae;
  const pieces = async function* (): AsyncGenerator<CsrRows> {
    for await (const { acts } of encodeRows(config, inputs, layout, { backend, hooks, stage: "export" })) {
      yield positives(acts, dSae);
    }
  };
  return await writeCsr(path, dSae, pieces());
}

/** The positives of dense rows. */
function positives(acts: Float32Array, columns: number): CsrRows {
  let entries = 0;
  for (let i = 0; i < acts.length; i++) if (acts[i] > 0) entries++;
  const counts = new Uint32Array(acts.length / columns);
  const indices = new Int32Array(entries);
  const values = new Float32Array(entries);
  for (let row = 0, at = 0; row < counts.length; row++) {
    const before = at;
    for (let column = 0, i = row * columns; column < columns; column++, i++) {
      if (!(acts[i] > 0)) continue;
      indices[at] = column;
      values[at++] = acts[i];
    }
    counts[row] = at - before;
  }
  return { counts, indices, values };
}
