/**
 * Opens what a job reads and checks that the parts belong together, before any work.
 * @module
 */
import { CheckpointError, ConfigError } from "../compute/errors.ts";
import { type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { Decoder, Sae } from "../compute/sae.ts";
import { checkConfig } from "../config/check.ts";
import type { VisualsConfig } from "../config/types.ts";
import type { SaeInfo } from "../io/checkpoint.ts";
import { loadSae } from "../io/load_sae.ts";
import { openShards, resolveLayer, type Shards } from "../io/open_shards.ts";
import { verifyShards } from "../io/verify_shards.ts";

/** A checkpoint and shards that fit each other. */
export interface Inputs {
  /** The encoder. */
  readonly sae: Sae;
  /** Where it comes from. */
  readonly saeInfo: SaeInfo;
  /** The decoder, if it was asked for. */
  readonly decoder?: Decoder | undefined;
  /** The activations. */
  readonly shards: Shards;
  /** Which layer is read: its position in `shards.layers`, or all for their mean. */
  readonly layer: number | "all";
  /** How blocks become rows, centring and scaling still to be measured. */
  readonly layout: RowLayout;
  /** Rows in the whole job. */
  readonly nRows: number;
  /** What a user should know of the inputs, one line each. */
  readonly warnings: readonly string[];
}

/** Rows are numbered in u32 from end to end, on the GPU too. */
const MAX_ROWS = 2 ** 32 - 1;

/**
 * Opens checkpoint and shards.
 *
 * @param options.decoder Whether the decoder is wanted too.
 * @param options.onShards Told the shards as soon as they are open; reading the checkpoint takes longer.
 * @throws {ConfigError} If the settings contradict each other or the shards: no such layer, no CLS token.
 * @throws {CheckpointError} If the checkpoint cannot be used or its width is not the shards'.
 * @throws {ShardFormatError} If the shards are not what their metadata says.
 */
export async function openInputs(
  config: VisualsConfig,
  { decoder: wantsDecoder, onShards }: {
    readonly decoder?: boolean;
    readonly onShards?: ((shards: Shards) => void) | undefined;
  } = {},
): Promise<Inputs> {
  checkConfig(config);
  const shards = await openShards(config.data.shardRoot);
  onShards?.(shards);
  const layer = resolveLayer(shards, config.data.layer);
  const { sae, info: saeInfo, decoder } = await loadSae(config.ckpt, { decoder: wantsDecoder ?? false });
  if (sae.dVit !== shards.dVit) {
    throw new CheckpointError(
      `${config.ckpt} encodes vectors of width ${sae.dVit}, but ${shards.root} holds width ${shards.dVit}: ` +
        `they are not of the same model; give the checkpoint that was trained on these shards`,
      { path: config.ckpt, key: "W_enc", found: `width ${sae.dVit}`, expected: `width ${shards.dVit}` },
    );
  }
  const { patches: kind, clamp } = config.data;
  if (kind === "cls" && !shards.clsToken) {
    throw new ConfigError(
      `--data.patches cls needs a CLS token, and ${shards.root} was recorded without one; ` +
        `give --data.patches meanpool or patches`,
      { path: "data.patches" },
    );
  }
  const layout: RowLayout = {
    kind,
    layers: layer === "all" ? shards.layers.length : 1,
    tokens: shards.tokens,
    firstToken: shards.clsToken ? 1 : 0,
    dVit: shards.dVit,
    clamp,
    mean: undefined,
    scalar: 1,
  };
  const nRows = shards.nImages * rowsPerImage(layout);
  if (nRows > MAX_ROWS) {
    throw new ConfigError(
      `${shards.root} holds ${nRows} rows, at most ${MAX_ROWS} can be numbered; split the shards into several runs`,
      { path: "data.shardRoot" },
    );
  }
  const mismatch = config.verify ? verifyShards(shards) : undefined;
  const warnings = [...saeInfo.warnings, ...(mismatch === undefined ? [] : [mismatch])];
  return { sae, saeInfo, decoder, shards, layer, layout, nRows, warnings };
}
