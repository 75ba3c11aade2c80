/**
 * What `visuals --from-pictures` records first.
 * @module
 */
import type { VisualsConfig } from "./types.ts";

/**
 * The recording's own configuration: the layer that is read, unless layers are named, into `activations/` below the output.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { recordingOf } from "./recording_of.ts";
 * const { layers, dumpTo } = recordingOf(parseConfig({ dumpTo: "out", model: "vit.onnx" }));
 * if (layers.join() !== "-2" || dumpTo !== "out/activations") throw new Error(dumpTo);
 * ```
 */
export function recordingOf(config: VisualsConfig): VisualsConfig {
  const { layers, data, dumpTo, device } = config;
  return {
    ...config,
    layers: layers.length > 0 || data.layer === "meanpool" ? layers : [data.layer],
    dumpTo: `${dumpTo}/activations`,
    // The plain backend has no counterpart that runs models.
    device: device === "reference" ? "wasm" : device,
  };
}
