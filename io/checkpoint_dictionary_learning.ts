/**
 * Checkpoints of dictionary_learning: `ae.pt`, and the `config.json` beside it.
 * @module
 */
import { shown } from "../compute/printable.ts";
import type { Activation, Decoder } from "../compute/sae.ts";
import { scalarAt, tensorAt, weightsAt, wrong } from "./_checkpoint_parts.ts";
import { foldGate, rowNorms, scaleColumns, scaleRows, transposed } from "./_fold_weights.ts";
import type { Checkpoint, Recognised } from "./checkpoint.ts";
import type { TorchValue } from "./torch_file.ts";

/** Norms this close to 1 are left alone, as `torch.allclose` in that library does. */
const UNIT_TOLERANCE = 1e-5;

/** Torch puts this before every name when a compiled module is saved. */
const COMPILED_PREFIX = "_orig_mod.";

/** A class, in the terms of the formats below. */
type DictClass =
  | "AutoEncoder"
  | "AutoEncoderNew"
  | "AutoEncoderTopK"
  | "GatedAutoEncoder"
  | "JumpReluAutoEncoder"
  | "BatchTopKSAE"
  | "MatryoshkaBatchTopKSAE";

const DICT_CLASSES: readonly DictClass[] = [
  "AutoEncoder",
  "AutoEncoderNew",
  "AutoEncoderTopK",
  "GatedAutoEncoder",
  "JumpReluAutoEncoder",
  "BatchTopKSAE",
  "MatryoshkaBatchTopKSAE",
];

/**
 * Recognises dictionary_learning's state dicts, by `trainer.dict_class` of the config or, where only one class has such
 * tensors, without a config.
 *
 * | class | encoder |
 * |---|---|
 * | AutoEncoder | relu((x − bias)·E + e), columns scaled to a decoder of unit norm, as its loader does |
 * | AutoEncoderNew | relu(x·E + e) |
 * | AutoEncoderTopK | the k largest of relu((x − b_dec)·E + e) |
 * | GatedAutoEncoder | with z = (x − decoder_bias)·E: relu(exp(r_mag)·z + mag_bias) where z + gate_bias > 0 |
 * | JumpReluAutoEncoder | pre = x·W_enc + b_enc where pre > threshold |
 * | BatchTopKSAE, MatryoshkaBatchTopKSAE | pre = (x − b_dec)·E + e where pre > threshold; relu if that is negative |
 *
 * Source: dictionary_learning, `dictionary.py` and `trainers/`.
 *
 * @throws {CheckpointError} If it is such a file and something in it is missing, wrong, or of another class.
 *
 * @example
 * ```ts
 * import { dictionaryLearningCheckpoint } from "./checkpoint_dictionary_learning.ts";
 * const other = { path: "other.pt", header: undefined, value: new Map() };
 * console.assert(dictionaryLearningCheckpoint(other) === undefined);
 * ```
 */
export function dictionaryLearningCheckpoint(checkpoint: Checkpoint): Recognised | undefined {
  const { path, header, config } = checkpoint;
  if (header !== undefined || !(checkpoint.value instanceof Map)) return undefined;
  const value = withoutPrefix(checkpoint.value);
  const trainer = config?.trainer as Readonly<Record<string, unknown>> | null | undefined;
  const named = trainer?.dict_class;
  if (named === undefined && !value.has("encoder.weight") && !value.has("group_sizes")) return undefined;
  const dictClass = named === undefined ? classOf(path, value) : parseClass(path, named);
  const hasLinear = value.has("encoder.weight");
  const shape = tensorAt(path, value, hasLinear ? "encoder.weight" : "W_enc").shape;
  if (shape.length !== 2) {
    wrong(path, hasLinear ? "encoder.weight" : "W_enc", `shape [${shape.join(", ")}]`, "a matrix");
  }
  const [dVit, dSae] = hasLinear ? [shape[1], shape[0]] : shape;
  let wEnc = hasLinear
    ? transposed(weightsAt(path, value, "encoder.weight", [dSae, dVit]), dSae, dVit)
    : weightsAt(path, value, "W_enc", [dVit, dSae]);
  let wDec = hasLinear
    ? transposed(weightsAt(path, value, "decoder.weight", [dVit, dSae]), dVit, dSae)
    : weightsAt(path, value, "W_dec", [dSae, dVit]);
  const biasKey = BIAS_KEYS[dictClass];
  const bDec = weightsAt(path, value, biasKey, [dVit]);
  const read = readActivation(path, value, { dictClass, wEnc, dSae, k: trainer?.k });
  wEnc = read.wEnc;
  let { bEnc } = read;
  if (dictClass === "AutoEncoder") {
    const norms = rowNorms(wDec, dVit);
    if (norms.some((norm) => Math.abs(norm - 1) > UNIT_TOLERANCE) && norms.every((norm) => norm > 0)) {
      wEnc = scaleColumns(wEnc, norms);
      bEnc = bEnc.map((bias, j) => bias * norms[j]);
      wDec = scaleRows(wDec, norms.map((norm) => 1 / norm));
    }
  }
  const subtracts = dictClass !== "AutoEncoderNew" && dictClass !== "JumpReluAutoEncoder";
  const layer = trainer?.layer;
  const model = trainer?.lm_name;
  return {
    sae: {
      dVit,
      dSae,
      wEnc,
      bEnc,
      bPre: subtracts ? bDec : new Float32Array(dVit),
      activation: read.activation,
    },
    decoder: (): Decoder => ({ wDec, bDec }),
    info: {
      kind: "dictionary_learning",
      schema: 0,
      activation: read.text,
      convention: subtracts ? `act((x - ${biasKey}) W_enc + b_enc)` : "act(x W_enc + b_enc)",
      warnings: read.warnings,
      trainedOn: typeof layer !== "number"
        ? undefined
        : `layer ${layer}${typeof model === "string" ? ` of ${model}` : ""}`,
    },
  };
}

/** Where each class keeps the bias of its decoder. */
const BIAS_KEYS: Readonly<Record<DictClass, string>> = {
  AutoEncoder: "bias",
  AutoEncoderNew: "decoder.bias",
  AutoEncoderTopK: "b_dec",
  GatedAutoEncoder: "decoder_bias",
  JumpReluAutoEncoder: "b_dec",
  BatchTopKSAE: "b_dec",
  MatryoshkaBatchTopKSAE: "b_dec",
};

interface ReadActivation {
  readonly wEnc: Float32Array;
  readonly bEnc: Float32Array;
  readonly activation: Activation;
  readonly text: string;
  readonly warnings: string[];
}

function readActivation(
  path: string,
  value: TorchValue,
  { dictClass, wEnc, dSae, k }: { dictClass: DictClass; wEnc: Float32Array; dSae: number; k: unknown },
): ReadActivation {
  const perLatent = (key: string): Float32Array => weightsAt(path, value, key, [dSae]);
  const biasKey = value instanceof Map && value.has("encoder.weight") ? "encoder.bias" : "b_enc";
  switch (dictClass) {
    case "AutoEncoder":
    case "AutoEncoderNew":
      return { wEnc, bEnc: perLatent(biasKey), activation: { kind: "relu" }, text: "ReLU", warnings: [] };
    case "GatedAutoEncoder": {
      const folded = foldGate(wEnc, {
        gate: perLatent("gate_bias"),
        magnitude: perLatent("mag_bias"),
        logScale: perLatent("r_mag"),
      });
      const activation: Activation = { kind: "jumprelu", threshold: folded.threshold };
      return { wEnc: folded.wEnc, bEnc: folded.bEnc, activation, text: "Gated, as JumpReLU", warnings: [] };
    }
    case "JumpReluAutoEncoder": {
      const activation: Activation = { kind: "jumprelu", threshold: perLatent("threshold") };
      return { wEnc, bEnc: perLatent(biasKey), activation, text: "JumpReLU", warnings: [] };
    }
    case "AutoEncoderTopK": {
      const found = value instanceof Map && value.has("k") ? scalarAt(path, value, "k") : k;
      if (!Number.isSafeInteger(found) || (found as number) < 1) {
        return wrong(path, "k", shown(found), "an integer of at least 1");
      }
      const activation: Activation = { kind: "topk", k: found as number };
      return { wEnc, bEnc: perLatent(biasKey), activation, text: `TopK(${found})`, warnings: [] };
    }
    case "BatchTopKSAE":
    case "MatryoshkaBatchTopKSAE": {
      const threshold = Math.fround(scalarAt(path, value, "threshold"));
      const bEnc = perLatent(biasKey);
      if (threshold > 0) {
        const text = `BatchTopK(threshold ${threshold})`;
        return { wEnc, bEnc, activation: { kind: "threshold", threshold }, text, warnings: [] };
      }
      const warning = `The checkpoint's BatchTopK threshold is ${threshold}, which stands for none: ReLU is used`;
      return {
        wEnc,
        bEnc,
        activation: { kind: "relu" },
        text: "BatchTopK without a threshold, as ReLU",
        warnings: [warning],
      };
    }
  }
}

/** The class when no config says it, where the tensors leave no doubt. */
function classOf(path: string, value: ReadonlyMap<TorchValue, TorchValue>): DictClass {
  if (value.has("group_sizes")) return "MatryoshkaBatchTopKSAE";
  if (value.has("gate_bias")) return "GatedAutoEncoder";
  if (value.has("bias")) return "AutoEncoder";
  if (value.has("decoder.bias")) return "AutoEncoderNew";
  return wrong(
    path,
    "trainer.dict_class",
    "no config.json beside it",
    "the config that tells AutoEncoderTopK from BatchTopKSAE (give the directory)",
  );
}

function parseClass(path: string, named: unknown): DictClass {
  // Some trainers wrote the class's repr: <class 'dictionary_learning.dictionary.AutoEncoder'>.
  const name = /(\w+)(?:'>)?$/.exec(typeof named === "string" ? named : "")?.[1];
  return DICT_CLASSES.find((known) => known === name) ??
    wrong(path, "trainer.dict_class", shown(named), DICT_CLASSES.join(", "));
}

function withoutPrefix(value: Map<TorchValue, TorchValue>): Map<TorchValue, TorchValue> {
  return new Map(
    [...value].map(([key, item]) => [
      typeof key === "string" && key.startsWith(COMPILED_PREFIX) ? key.slice(COMPILED_PREFIX.length) : key,
      item,
    ]),
  );
}
