/**
 * Which tokens of a vision transformer are patches.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";

/** Models with more tokens than this before the patches are unknown. */
const MAX_EXTRA_TOKENS = 17;

/** Where a model's patches are, and what is recorded. */
export interface TokenLayout {
  /** Whether the CLS token is recorded, as token 0. */
  readonly clsToken: boolean;
  /** First of the patches; they are the last tokens. */
  readonly firstPatch: number;
  /** Patches. */
  readonly patches: number;
  /** The same in words. */
  readonly text: string;
}

/**
 * Tells CLS, registers and patches apart.
 *
 * Patches come last, row by row. What comes before them is told by the number of tokens: some square patch that tiles the
 * input leaves 0 to 17 tokens; the fewest win. Without any there is no CLS; else the first is CLS and the others are registers.
 * What the user says about CLS or registers is taken; `grid` stands for the number of patches.
 *
 * @param tokens Tokens the model gives.
 * @param input Size of its input in pixels.
 * @throws {ConfigError} If nothing fits.
 *
 * @example
 * ```ts
 * import { layOutTokens } from "./token_layout.ts";
 * const layout = layOutTokens(261, { width: 224, height: 224 }, { cls: "auto" });
 * console.assert(layout.clsToken && layout.firstPatch === 5 && layout.patches === 256);
 * ```
 */
export function layOutTokens(
  tokens: number,
  input: { readonly width: number; readonly height: number },
  asked: {
    readonly cls: "auto" | "keep" | "drop" | "none";
    readonly registers?: number | undefined;
    readonly grid?: readonly [number, number] | undefined;
  },
): TokenLayout {
  const { cls, registers, grid } = asked;
  const saidExtra = registers === undefined || cls === "auto" ? undefined : registers + (cls === "none" ? 0 : 1);
  const found = grid !== undefined
    ? { extra: tokens - grid[0] * grid[1], rows: grid[0], cols: grid[1] }
    : fewestExtra(tokens, input, saidExtra);
  const extra = saidExtra ?? found?.extra;
  const fits = extra !== undefined && extra >= 0 && extra < tokens &&
    found?.extra === extra &&
    (cls === "auto" || cls === "none" || extra >= 1) &&
    (registers === undefined || registers === extra || registers === extra - 1);
  if (!fits) {
    const said = [
      ...(cls === "auto" ? [] : [`--cls ${cls}`]),
      ...(registers === undefined ? [] : [`--registers ${registers}`]),
      ...(grid === undefined ? [] : [`--grid ${grid.join(" ")}`]),
    ];
    throw new ConfigError(
      `Cannot tell which of the model's ${tokens} tokens are patches of ${input.width} x ${input.height} pixels` +
        `${
          said.length > 0 ? ` with ${said.join(" and ")}` : ""
        }: give --cls and --registers, or --grid rows and columns`,
      { path: "registers" },
    );
  }
  const hasCls = cls === "auto" ? extra! > (registers ?? 0) : cls !== "none";
  const clsToken = hasCls && cls !== "drop";
  const left = extra! - (hasCls ? 1 : 0);
  const patches = tokens - extra!;
  const shape = `${found!.rows} x ${found!.cols} patches`;
  const parts = [
    hasCls ? `CLS${clsToken ? "" : " (left out)"}` : undefined,
    left > 0 ? `${left} register ${left === 1 ? "token" : "tokens"} (left out)` : undefined,
    shape,
  ].filter((part) => part !== undefined);
  return { clsToken, firstPatch: extra!, patches, text: parts.join(", ") + (hasCls ? "" : ", no CLS") };
}

/** The tiling that leaves the fewest tokens, or exactly so many. */
function fewestExtra(
  tokens: number,
  { width, height }: { readonly width: number; readonly height: number },
  exactly: number | undefined,
): { extra: number; rows: number; cols: number } | undefined {
  let best: { extra: number; rows: number; cols: number } | undefined;
  for (let side = 1; side <= Math.min(width, height); side++) {
    if (width % side !== 0 || height % side !== 0) continue;
    const [rows, cols] = [height / side, width / side];
    const extra = tokens - rows * cols;
    if (extra < 0 || (exactly === undefined ? extra > MAX_EXTRA_TOKENS : extra !== exactly)) continue;
    if (best === undefined || extra < best.extra) best = { extra, rows, cols };
  }
  return best;
}
