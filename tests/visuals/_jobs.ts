/**
 * Small jobs on the golden fixtures, and what they leave.
 * @module
 */
import type { BackendName } from "../../compute/backend.ts";
import { parseConfig, type VisualsConfig, type VisualsConfigInput } from "../../config.ts";

const GOLDEN = "fixtures/golden/patch";
/** What every test here may touch. */
export const PERMISSIONS: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };

/** 120 images of 16 patches, one image a batch: many places to stop at. */
export function smallJob(dumpTo: string, device: BackendName, more: VisualsConfigInput = {}): VisualsConfig {
  return parseConfig({
    ckpt: `${GOLDEN}/sae.pt`,
    device,
    dumpTo,
    topK: 8,
    nDistributions: 9,
    topkBatchSize: 1,
    checkpointEvery: 0,
    ...more,
    data: { shardRoot: `${GOLDEN}/shards`, ...more.data },
  });
}

/** Every file below a directory by its name, with a digest of its bytes; what differs between equal runs is taken out. */
export async function contents(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${directory}${folder}`)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else files.set(path, await digest(plain(path, await Deno.readFile(`${directory}${path}`))));
    }
  };
  await walk("");
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Times of day and durations differ between equal runs, and what is made of them. */
function plain(path: string, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = (): string => new TextDecoder().decode(bytes);
  const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
  if (path.endsWith("/manifest.json")) {
    const { startedAt: _startedAt, timings: _timings, config, ...rest } = JSON.parse(text());
    return encode(JSON.stringify({ ...rest, config: { ...config, dumpTo: "" } }));
  }
  if (path.endsWith("/.drawn.json")) return encode(JSON.stringify({ ...JSON.parse(text()), request: "" }));
  if (path.endsWith("/viewer/latents.js")) return encode(text().replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, ""));
  return bytes;
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}

/** A signal that fires at the n-th report of a stage. */
export function stopAt(stage: string, n: number): { signal: AbortSignal; progress: (step: { stage: string }) => void } {
  const controller = new AbortController();
  let seen = 0;
  return {
    signal: controller.signal,
    progress: (step): void => {
      if (step.stage === stage && ++seen === n) controller.abort(new DOMException("Stopped", "AbortError"));
    },
  };
}

const DEMO = "fixtures/demo/emoji";

/** The demo with four latents shown, drawn small. */
export function smallDemo(dumpTo: string, more: VisualsConfigInput = {}): VisualsConfig {
  return parseConfig({
    ckpt: `${DEMO}/sae.pt`,
    device: "wasm",
    dumpTo,
    topK: 4,
    nLatents: 4,
    nDistributions: 4,
    logFreqRange: [-6, -1],
    logValueRange: [-3, 3],
    gridScale: 0.25,
    data: { shardRoot: `${DEMO}/shards`, scaleMean: false, scaleNorm: false },
    images: { kind: "image-folder", root: `${DEMO}/images` },
    ...more,
  });
}
