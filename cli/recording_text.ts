/**
 * What `activations --dry-run` prints.
 * @module
 */
import { formatBytes, formatCount } from "./format_numbers.ts";
import type { RecordingPlan } from "./jobs.ts";

/**
 * Says what would be recorded and where it would go, and the narrowest command.
 *
 * @example
 * ```ts
 * import { recordingText } from "./recording_text.ts";
 * const text = recordingText({
 *   directory: "out/feadabea", images: 60, pictures: { kind: "image-folder", root: "cats" }, layers: [4, 5], files: 3,
 *   bytes: 2_995_200, facts: ["Tokens: 65"], warnings: [], backend: { name: "wasm", reason: "2 threads" },
 * }, "deno run cli.ts activations");
 * if (!text.includes("layers 4, 5 of 60 images")) throw new Error(text);
 * ```
 */
export function recordingText(plan: RecordingPlan, command: string): string {
  const { directory, images, pictures, layers, files, bytes, facts, warnings, backend } = plan;
  return [
    `Would record ${layers.length === 1 ? "layer" : "layers"} ${layers.join(", ")} of ${formatCount(images)} images ` +
    `(${pictures.kind} ${pictures.root}):`,
    ...facts.map((fact) => `  ${fact}`),
    `  on ${backend.name}: ${backend.reason}`,
    ...warnings.map((warning) => `  Note: ${warning}`),
    `Would write ${formatBytes(bytes)} in ${formatCount(files)} ${files === 1 ? "shard" : "shards"}:`,
    `  ${directory}/`,
    "Nothing was done. The command with no more permissions than it needs:",
    command,
    "",
  ].join("\n");
}
