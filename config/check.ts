/**
 * What no schema can say of settings: whether they fit each other. Without the schema, as jobs get settings that were parsed.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { flagName } from "./settings.ts";
import type { VisualsConfig } from "./types.ts";

/**
 * Refuses settings that contradict each other, before any work.
 *
 * @throws {ConfigError} If `sortBy` does not fit `data.patches`, a range is empty, a split does not exist, or `force` and
 * `resume` are both set.
 *
 * @example
 * ```ts
 * import { checkConfig, parseConfig } from "../config.ts";
 * checkConfig(parseConfig({ sortBy: "img", data: { patches: "cls" } }));
 * ```
 */
export function checkConfig(config: VisualsConfig): void {
  const { sortBy, data, images } = config;
  if (sortBy !== "img" && data.patches !== "patches") {
    throw new ConfigError(
      `--sort-by ${sortBy} needs --data.patches patches, found ${data.patches}; give --sort-by img or --data.patches patches`,
      { path: "sortBy" },
    );
  }
  if (sortBy === "img" && data.patches === "patches") {
    throw new ConfigError(
      "--sort-by img needs one row per image, found --data.patches patches; " +
        "give --data.patches cls or meanpool, or --sort-by patch or sum",
      { path: "sortBy" },
    );
  }
  for (const path of ["logFreqRange", "logValueRange"] as const) {
    const [low, high] = config[path];
    if (low < high) continue;
    throw new ConfigError(
      `${flagName(path)} ${low} ${high} is empty, expected the smaller number first; give them the other way round`,
      { path },
    );
  }
  if (images.kind === "ade20k" && images.split !== "training" && images.split !== "validation") {
    throw new ConfigError(
      `ade20k has no split ${JSON.stringify(images.split)}, expected training or validation; change --images.split`,
      { path: "images.split" },
    );
  }
  if (images.kind === "image-folder" && images.split !== "") {
    throw new ConfigError(
      `image-folder has no splits, found --images.split ${images.split}; give the split's own directory as --images.root`,
      { path: "images.split" },
    );
  }
  if (config.force && config.resume) {
    throw new ConfigError("--force recomputes and --resume goes on, so they exclude each other; give one of them", {
      path: "force",
    });
  }
}
