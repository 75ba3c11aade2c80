/**
 * What centres and scales rows, measured once for all parts.
 * @module
 */
import type { RowLayout } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { type ArtifactRequest, compareManifest, type Manifest } from "../io/manifest.ts";
import { type Measured, readMeasured, writeMeasured } from "../io/parts.ts";
import { openDump, type OpenedDump } from "./dump.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { measureRows } from "./measure_rows.ts";
import type { JobSummary } from "./report.ts";

/** The layout with what was measured. */
export function withMeasured(layout: RowLayout, { mean, scalar }: Measured): RowLayout {
  return { ...layout, mean: mean === null ? undefined : Float32Array.from(mean), scalar };
}

/** What was measured, of a layout. */
export function measuredOf({ mean, scalar }: RowLayout): Measured {
  return { mean: mean === undefined ? null : Array.from(mean), scalar };
}

/**
 * What was measured before for this request, by this job or an earlier one, or what is measured now on the same sample: the
 * same bits either way.
 */
export async function measuredRows(job: OpenedDump, hooks: JobHooks): Promise<RowLayout> {
  const { config, inputs, directory, request, watch } = job;
  if (job.layout !== undefined) return job.layout;
  const found = await readMeasured(directory);
  const { dVit } = inputs.layout;
  const isOfWidth = found !== undefined && (found.measured.mean?.length ?? dVit) === dVit;
  if (isOfWidth && fits(found, request)) return withMeasured(inputs.layout, found.measured);
  return await watch.time("measure", () => measureRows(config, inputs, hooks));
}

/**
 * Measures the sample and keeps the result in `parts/measured.json`, so that a thousand parts need not read it a thousand
 * times. Optional: a part that finds none measures for itself.
 *
 * @throws {AbnormalRowsError} If the sample's values cannot have been meant.
 * @throws {ArtifactError} If it cannot be written.
 */
export async function measureSample(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const job = await openDump(asked);
  const { directory, request, startedMs, watch } = job;
  const layout = await measuredRows(job, withDefaults(hooks));
  await writeMeasured(directory, { ...request, measured: measuredOf(layout) });
  return {
    outputs: [`${directory}/parts/measured.json`],
    seconds: (performance.now() - startedMs) / 1000,
    profile: watch.seconds,
  };
}

/** Whether two requests measure the same; which backend they name makes no difference to that. */
function fits(found: ArtifactRequest, request: ArtifactRequest): boolean {
  const { device } = request.config as { device?: string };
  return compareManifest({ ...found, backend: { name: device ?? "" } } as Manifest, request).length === 0;
}
