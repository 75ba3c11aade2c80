/**
 * Checkpoints of SAELens, before and after its version 6, and of ViT-Prisma, which has the same tensors and settings.
 * @module
 */
import { shown } from "../compute/printable.ts";
import type { Activation, Decoder, InputNorm } from "../compute/sae.ts";
import { scalarAt, tensorAt, weightsAt, wrong } from "./_checkpoint_parts.ts";
import { foldGate, rowNorms, scaleColumns, scaleRows } from "./_fold_weights.ts";
import type { Checkpoint, Recognised } from "./checkpoint.ts";
import type { TorchValue } from "./torch_file.ts";

/** Added to the standard deviation by `layer_norm`, in both tools. */
const LAYER_NORM_EPSILON = 1e-5;

/** What both tools need to know beside the tensors. */
export interface SaeLensSettings {
  /** The settings; tensors are looked up by SAELens' names. */
  readonly cfg: Readonly<Record<string, unknown>>;
  /** `saelens` or `prisma`. */
  readonly kind: string;
  /** Whether b_dec is subtracted when the settings don't say. */
  readonly subtracts: boolean;
}

/**
 * Recognises `sae_weights.safetensors` with the `cfg.json` beside it.
 *
 * Architectures: standard, topk, jumprelu, gated, batchtopk and matryoshka_batchtopk (saved for inference as jumprelu; a
 * training checkpoint has `topk_threshold`). Before version 6 a standard one may name its activation in
 * `activation_fn_str`. `apply_b_dec_to_input` (true if absent), `normalize_activations`, `rescale_acts_by_decoder_norm` and
 * `finetuning_scaling_factor` are honoured.
 *
 * Source: SAELens, `sae_lens/saes/*.py` and its handling of older configs.
 *
 * @throws {CheckpointError} If it is such a file and something in it is missing, wrong, or of another architecture.
 *
 * @example
 * ```ts
 * import { saelensCheckpoint } from "./checkpoint_saelens.ts";
 * console.assert(saelensCheckpoint({ path: "other.pt", header: undefined, value: new Map() }) === undefined);
 * ```
 */
export function saelensCheckpoint(checkpoint: Checkpoint): Recognised | undefined {
  const { path, value, config, container } = checkpoint;
  if (container !== "safetensors" || !(value instanceof Map) || !value.has("W_enc")) return undefined;
  if (config === undefined) {
    return wrong(path, "cfg.json", "no such file beside it", "the settings SAELens saves there (give the directory)");
  }
  return readSaeLens(path, value, { cfg: config, kind: "saelens", subtracts: true });
}

/**
 * Reads tensors in SAELens' names with SAELens' settings.
 *
 * @throws {CheckpointError} As {@linkcode saelensCheckpoint}.
 */
export function readSaeLens(path: string, value: TorchValue, settings: SaeLensSettings): Recognised {
  const { cfg, kind, subtracts } = settings;
  const metadata = record(cfg.metadata) ?? {};
  const shape = tensorAt(path, value, "W_enc").shape;
  if (shape.length !== 2) wrong(path, "W_enc", `shape [${shape.join(", ")}]`, "[d_in, d_sae]");
  const [dVit, dSae] = shape;
  for (const [key, width] of [["d_in", dVit], ["d_sae", dSae]] as const) {
    if (typeof cfg[key] === "number" && cfg[key] !== width) {
      wrong(path, "W_enc", `shape [${dVit}, ${dSae}]`, `${key} = ${shown(cfg[key])} of the settings`);
    }
  }
  const warnings: string[] = [];
  const architecture = cfg.architecture ?? metadata.architecture ?? "standard";
  const encoder = readEncoder(path, value, { cfg, architecture, dVit, dSae });
  const wDec = weightsAt(path, value, "W_dec", [dSae, dVit]);
  const bDec = weightsAt(path, value, "b_dec", [dVit]);
  const applies = typeof cfg.apply_b_dec_to_input === "boolean" ? cfg.apply_b_dec_to_input : subtracts;
  const { activation } = encoder;
  let { wEnc, bEnc } = encoder;
  // Values are kept as the tool gives them; its decoder divides by the norm again.
  let latentScale: ArrayLike<number> | undefined;
  if (cfg.rescale_acts_by_decoder_norm === true) {
    latentScale = rowNorms(wDec, dVit);
    wEnc = scaleColumns(wEnc, latentScale);
    bEnc = bEnc.map((bias, j) => bias * latentScale![j]);
  }
  const norm = readNorm(path, cfg, metadata, dVit);
  if (norm.factor !== undefined) wEnc = wEnc.map((weight) => weight * norm.factor!);
  for (const warning of [encoder.warning, norm.warning]) if (warning !== undefined) warnings.push(warning);
  const outside = norm.factor ?? 1;
  const decoder = (): Decoder => {
    const finetuned = cfg.finetuning_scaling_factor === true && value instanceof Map &&
        value.has("finetuning_scaling_factor")
      ? weightsAt(path, value, "finetuning_scaling_factor", [dSae])
      : undefined;
    const factors = Float64Array.from(
      { length: dSae },
      (_, j) => (finetuned?.[j] ?? 1) / ((latentScale?.[j] || 1) * outside),
    );
    return { wDec: scaleRows(wDec, factors), bDec: bDec.map((bias) => bias / outside) };
  };
  const inside = norm.inputNorm === undefined ? "x" : `${norm.inputNorm.kind}(x)`;
  return {
    sae: {
      dVit,
      dSae,
      wEnc,
      bEnc,
      bPre: applies ? bDec.map((bias) => bias / outside) : new Float32Array(dVit),
      activation,
      ...(norm.inputNorm === undefined ? {} : { inputNorm: norm.inputNorm }),
    },
    decoder,
    info: {
      kind,
      schema: majorVersion(cfg.sae_lens_version ?? metadata.sae_lens_version),
      activation: encoder.text,
      convention: applies ? `act((${inside} - b_dec) W_enc + b_enc)` : `act(${inside} W_enc + b_enc)`,
      warnings,
      trainedOn: trainedOn({ ...cfg, ...metadata }),
    },
  };
}

interface Encoder {
  readonly wEnc: Float32Array;
  readonly bEnc: Float32Array;
  readonly activation: Activation;
  readonly text: string;
  readonly warning?: string;
}

function readEncoder(
  path: string,
  value: TorchValue,
  { cfg, architecture, dVit, dSae }: {
    cfg: Readonly<Record<string, unknown>>;
    architecture: unknown;
    dVit: number;
    dSae: number;
  },
): Encoder {
  const wEnc = weightsAt(path, value, "W_enc", [dVit, dSae]);
  const perLatent = (key: string): Float32Array => weightsAt(path, value, key, [dSae]);
  const has = (key: string): boolean => value instanceof Map && value.has(key);
  switch (architecture) {
    case "gated": {
      const folded = foldGate(wEnc, {
        gate: perLatent("b_gate"),
        magnitude: perLatent("b_mag"),
        logScale: perLatent("r_mag"),
      });
      const activation: Activation = { kind: "jumprelu", threshold: folded.threshold };
      return { wEnc: folded.wEnc, bEnc: folded.bEnc, activation, text: "Gated, as JumpReLU" };
    }
    case "jumprelu":
    case "batchtopk":
    case "matryoshka_batchtopk": {
      const bEnc = perLatent("b_enc");
      if (architecture !== "jumprelu" && !has("threshold")) {
        const threshold = Math.fround(scalarAt(path, value, "topk_threshold"));
        if (threshold > 0) {
          return {
            wEnc,
            bEnc,
            activation: { kind: "threshold", threshold },
            text: `BatchTopK(threshold ${threshold})`,
          };
        }
        const warning = `The checkpoint's topk_threshold is ${threshold}, which stands for none: ReLU is used`;
        return { wEnc, bEnc, activation: { kind: "relu" }, text: "BatchTopK without a threshold, as ReLU", warning };
      }
      const text = architecture === "jumprelu" ? "JumpReLU" : "BatchTopK, as JumpReLU";
      return { wEnc, bEnc, activation: { kind: "jumprelu", threshold: perLatent("threshold") }, text };
    }
    case "topk":
    case "standard": {
      const bEnc = perLatent("b_enc");
      const named = architecture === "topk" ? "topk" : cfg.activation_fn_str ?? cfg.activation_fn ?? "relu";
      if (named === "relu") return { wEnc, bEnc, activation: { kind: "relu" }, text: "ReLU" };
      if (named !== "topk") return wrong(path, "activation_fn_str", shown(named), "relu or topk");
      const kwargs = record(cfg.activation_fn_kwargs) ?? {};
      const k = cfg.k ?? kwargs.k;
      if (!Number.isSafeInteger(k) || (k as number) < 1) {
        return wrong(path, "k", shown(k), "an integer of at least 1");
      }
      return { wEnc, bEnc, activation: { kind: "topk", k: k as number }, text: `TopK(${k})` };
    }
  }
  return wrong(
    path,
    "architecture",
    shown(architecture),
    "standard, topk, jumprelu, gated, batchtopk or matryoshka_batchtopk",
  );
}

/** `normalize_activations`: of the row alone, or by one factor that is folded into the weights. */
function readNorm(
  path: string,
  cfg: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>>,
  dVit: number,
): { inputNorm?: InputNorm; factor?: number; warning?: string } {
  const found = cfg.normalize_activations ?? "none";
  switch (found === true ? "expected_average_only_in" : found === false ? "none" : found) {
    case "none":
      return {};
    case "layer_norm":
      return { inputNorm: { kind: "layer_norm", epsilon: LAYER_NORM_EPSILON } };
    case "constant_norm_rescale":
      return { inputNorm: { kind: "constant_norm", norm: Math.sqrt(dVit) } };
    case "expected_average_only_in": {
      const factor = cfg.norm_scaling_factor ?? metadata.norm_scaling_factor;
      if (typeof factor === "number" && Number.isFinite(factor) && factor > 0) return { factor };
      if (factor !== undefined) wrong(path, "norm_scaling_factor", shown(factor), "a number above 0");
      return {
        warning:
          "The checkpoint was trained on activations scaled to a mean norm of the root of the width, and states no " +
          "factor: use --data.scale-norm --data.no-scale-mean, which measures it",
      };
    }
  }
  return wrong(
    path,
    "normalize_activations",
    shown(found),
    "none, layer_norm, constant_norm_rescale or expected_average_only_in",
  );
}

/** Where in a model the activations were taken, in the tool's own words. */
function trainedOn(settings: Readonly<Record<string, unknown>>): string | undefined {
  const model = settings.model_name;
  const hook = settings.hook_name ?? settings.hook_point ??
    (typeof settings.hook_point_layer === "number"
      ? `blocks.${settings.hook_point_layer}.${settings.layer_subtype ?? "hook_resid_post"}`
      : undefined);
  const known = [hook, model].filter((word) => typeof word === "string");
  return known.length === 0 ? undefined : known.join(" of ");
}

function majorVersion(version: unknown): number {
  const major = typeof version === "string" ? Number.parseInt(version, 10) : NaN;
  return Number.isNaN(major) ? 0 : major;
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}
