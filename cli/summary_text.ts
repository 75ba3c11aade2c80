/**
 * The last lines of a job: what came out, and where it is.
 * @module
 */
import { formatBytes, formatCount, formatSeconds } from "./format_numbers.ts";
import type { JobSummary } from "./jobs.ts";

/**
 * Says what a job did, one fact a line.
 *
 * @example
 * ```ts
 * import { summaryText } from "./summary_text.ts";
 * const text = summaryText({ rows: 1000, seconds: 2, outputs: ["data/index.html"] });
 * if (text !== "Encoded 1,000 rows in 2.00 s in all\nResults: data/index.html\n") throw new Error(text);
 * ```
 */
export function summaryText(summary: JobSummary): string {
  const { rows, seconds, backend, skippedRows, latents, pictures, outputs, profile, studied } = summary;
  const lines: string[] = [];
  const time = seconds === undefined ? undefined : `${formatSeconds(seconds)} in all`;
  if (summary.reused) {
    lines.push(
      `Used the ${summary.recorded === undefined ? "artifacts" : "shards"} that were there, as they fit the request${
        time ? ` (${time})` : ""
      }`,
    );
  } else if (summary.recorded !== undefined) {
    const { images, files, bytes } = summary.recorded;
    lines.push(
      `Recorded ${formatCount(images)} images in ${formatCount(files)} ${files === 1 ? "shard" : "shards"} of ${
        formatBytes(bytes)
      }${time ? ` in ${time}` : ""}`,
    );
  } else if (rows !== undefined) lines.push(`Encoded ${formatCount(rows)} rows${time ? ` in ${time}` : ""}`);
  if (skippedRows) lines.push(`Skipped ${formatCount(skippedRows)} rows that hold NaN or an infinity`);
  if (backend !== undefined && !summary.reused) lines.push(`Backend: ${backend.name} (${backend.reason})`);
  if (latents !== undefined) {
    lines.push(
      `Showed ${formatCount(latents)} latents${pictures === undefined ? "" : ` in ${formatCount(pictures)} pictures`}`,
    );
  }
  if (studied !== undefined) lines.push(`Studied ${formatCount(studied)} latents${time ? ` in ${time}` : ""}`);
  for (const [stage, taken] of Object.entries(profile ?? {})) {
    lines.push(`  ${stage.padEnd(24)} ${formatSeconds(taken)}`);
  }
  for (const output of outputs ?? []) lines.push(`Results: ${output}`);
  return lines.map((line) => `${line}\n`).join("");
}
