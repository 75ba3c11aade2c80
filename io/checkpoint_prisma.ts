/**
 * Checkpoints of ViT-Prisma: SAELens' tensors and settings in a torch file.
 * @module
 */
import { readSaeLens } from "./checkpoint_saelens.ts";
import type { Checkpoint, Recognised } from "./checkpoint.ts";
import { wrong } from "./_checkpoint_parts.ts";
import type { TorchValue } from "./torch_file.ts";

/** Settings that a config of Prisma's has, and no config that lies beside other tools' torch files. */
const SETTINGS = ["activation_fn_str", "normalize_activations", "hook_point_layer", "apply_b_dec_to_input"];

/**
 * Recognises `{cfg, state_dict}` in a torch file, or a state dict with a `config.json` beside it.
 *
 * The encoder subtracts b_dec, after `normalize_activations`. The `cfg` within a file is an object of Prisma's own class: its
 * fields are read as plain data, and nothing of it is executed.
 *
 * Source: ViT-Prisma, `src/vit_prisma/sae`.
 *
 * @throws {CheckpointError} If it is such a file and something in it is missing or wrong.
 *
 * @example
 * ```ts
 * import { prismaCheckpoint } from "./checkpoint_prisma.ts";
 * console.assert(prismaCheckpoint({ path: "other.pt", header: undefined, value: new Map() }) === undefined);
 * ```
 */
export function prismaCheckpoint(checkpoint: Checkpoint): Recognised | undefined {
  const { path, header, value, config, container } = checkpoint;
  if (header !== undefined || container === "safetensors" || !(value instanceof Map)) return undefined;
  const wrapped = value.get("state_dict");
  const tensors = wrapped instanceof Map ? wrapped : value;
  if (!tensors.has("W_enc") || !tensors.has("b_dec")) return undefined;
  if (wrapped === undefined && !SETTINGS.some((key) => config?.[key] !== undefined)) return undefined;
  const within = value.get("cfg");
  const cfg = within instanceof Map ? plain(within) : config;
  if (cfg === undefined) {
    return wrong(path, "cfg", "no settings, and no config.json beside it", "the settings that Prisma saves");
  }
  return readSaeLens(path, tensors, { cfg, kind: "prisma", subtracts: true });
}

/** The settings as JSON would give them; two levels are all they need, and a hostile file may nest without end. */
function plain(value: ReadonlyMap<TorchValue, TorchValue>): Record<string, unknown> {
  const named = (map: ReadonlyMap<TorchValue, TorchValue>): [string, TorchValue][] =>
    [...map].filter((entry): entry is [string, TorchValue] => typeof entry[0] === "string");
  return Object.fromEntries(
    named(value).map(([key, item]) => [key, item instanceof Map ? Object.fromEntries(named(item)) : item]),
  );
}
