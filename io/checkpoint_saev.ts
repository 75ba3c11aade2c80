/**
 * Checkpoints of saev itself: the January 2025 release, and schemas 1 to 5.
 * @module
 */
import { shown } from "../compute/printable.ts";
import type { Activation, Decoder } from "../compute/sae.ts";
import { scalarAt, tensorAt, weightsAt, wrong } from "./_checkpoint_parts.ts";
import type { Checkpoint, Recognised } from "./checkpoint.ts";
import type { TorchValue } from "./torch_file.ts";

/** The newest schema this reader knows. */
const MAX_SCHEMA = 5;

/**
 * Recognises saev's checkpoints: a dictionary with `W_enc [d, n]`, `b_enc [n]`, `W_dec [n, d]`, `b_dec [d]`.
 *
 * A first line without `schema` (or no first line at all) is a January 2025 file: `relu((x − b_dec)·W_enc + b_enc)`.
 * Schema 1 subtracts `b_dec` too; from schema 2 on it does not.
 *
 * Source: formats.md of this system's specification.
 *
 * @throws {CheckpointError} If it is such a file and something in it is missing or wrong.
 *
 * @example
 * ```ts
 * import { saevCheckpoint } from "./checkpoint_saev.ts";
 * console.assert(saevCheckpoint({ path: "other.pt", header: undefined, value: new Map() }) === undefined);
 * ```
 */
export function saevCheckpoint(checkpoint: Checkpoint): Recognised | undefined {
  const { path, header, value } = checkpoint;
  const isSaev = value instanceof Map && (header !== undefined || ["W_enc", "b_enc"].some((key) => value.has(key)));
  if (!isSaev) return undefined;
  const schema = header?.schema ?? 0;
  if (typeof schema !== "number" || !Number.isInteger(schema) || schema < 0 || schema > MAX_SCHEMA) {
    return wrong(path, "schema", shown(schema), `a schema from 1 to ${MAX_SCHEMA}`);
  }
  const cfg = schema === 0 ? header ?? {} : record(header?.cfg) ?? {};
  const shape = tensorAt(path, value, "W_enc").shape;
  if (shape.length !== 2) wrong(path, "W_enc", `shape [${shape.join(", ")}]`, "[d, n]");
  const [dVit, dSae] = shape;
  for (const [key, width, expected] of [["d_vit", dVit, "d"], ["d_model", dVit, "d"], ["d_sae", dSae, "n"]] as const) {
    if (cfg[key] !== undefined && cfg[key] !== width) {
      wrong(path, "W_enc", `shape [${dVit}, ${dSae}]`, `${expected} = ${key} = ${shown(cfg[key])} of the first line`);
    }
  }
  const subtracts = schema <= 1;
  const bDec = weightsAt(path, value, "b_dec", [dVit]);
  // Not used for encoding, but a file without it is not what it claims to be.
  tensorAt(path, value, "W_dec");
  const { activation, text, warnings } = readActivation(
    path,
    value,
    schema === 0 ? "relu" : activationOf(header!, cfg),
  );
  if (schema === 1) {
    warnings.push(
      "The checkpoint is of schema 1: b_dec is subtracted from the input. Files written on 2025-07-31 may be meant " +
        "without it",
    );
  }
  if (header === undefined) warnings.push("The checkpoint has no first line; it is taken for a January 2025 file");
  return {
    sae: {
      dVit,
      dSae,
      wEnc: weightsAt(path, value, "W_enc", [dVit, dSae]),
      bEnc: weightsAt(path, value, "b_enc", [dSae]),
      bPre: subtracts ? bDec : new Float32Array(dVit),
      activation,
    },
    decoder: (): Decoder => ({ wDec: weightsAt(path, value, "W_dec", [dSae, dVit]), bDec }),
    info: {
      kind: "saev",
      schema,
      activation: text,
      convention: subtracts ? "act((x - b_dec) W_enc + b_enc)" : "act(x W_enc + b_enc)",
      warnings,
    },
  };
}

/**
 * `{cls, params}`. Schema 1 has two shapes: the first line's `cls` names the activation and `cfg.top_k` (32 if absent) is
 * its parameter; or `cls` names something else and `cfg.activation` (ReLU if absent) is as in later schemas.
 */
function activationOf(header: Readonly<Record<string, unknown>>, cfg: Record<string, unknown>): unknown {
  if (header.schema !== 1) return cfg.activation;
  const named = typeof header.cls === "string" && /^(relu|topk|batchtopk)$/i.test(header.cls);
  return named ? { cls: header.cls, params: { top_k: cfg.top_k ?? 32 } } : cfg.activation ?? "relu";
}

function readActivation(
  path: string,
  value: TorchValue,
  found: unknown,
): { activation: Activation; text: string; warnings: string[] } {
  const cls = typeof found === "string" ? found : record(found)?.cls;
  const params = record(record(found)?.params) ?? {};
  switch (typeof cls === "string" ? cls.toLowerCase().replace(/[^a-z]/g, "") : undefined) {
    case "relu":
      return { activation: { kind: "relu" }, text: "ReLU", warnings: [] };
    case "topk": {
      const k = params.top_k ?? params.k;
      if (!Number.isSafeInteger(k) || (k as number) < 1) {
        return wrong(path, "cfg.activation", `top_k ${shown(k)}`, "an integer of at least 1");
      }
      return { activation: { kind: "topk", k: k as number }, text: `TopK(${k})`, warnings: [] };
    }
    case "batchtopk": {
      const threshold = Math.fround(scalarAt(path, value, "activation.threshold"));
      if (threshold > 0) {
        return {
          activation: { kind: "threshold", threshold },
          text: `BatchTopK(threshold ${threshold})`,
          warnings: [],
        };
      }
      return {
        activation: { kind: "relu" },
        text: "BatchTopK without a threshold, as ReLU",
        warnings: [`The checkpoint's BatchTopK threshold is ${threshold}, which stands for none: ReLU is used`],
      };
    }
  }
  return wrong(path, "cfg.activation", shown(cls ?? found ?? null), "Relu, TopK or BatchTopK");
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
}
