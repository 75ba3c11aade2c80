/**
 * The golden cases: upstream's settings as ours.
 * @module
 */
import type { BackendName } from "../../compute/backend.ts";
import { parseConfig } from "../../config.ts";

/** Where the fixtures are. */
export const FIXTURES: URL = new URL("../../fixtures/", import.meta.url);
/** Where tests write. */
export const TMP: URL = new URL("../tmp/", import.meta.url);

/** One of upstream's runs. */
export interface GoldenCase {
  /** Folder under `fixtures/golden/`. */
  readonly name: string;
  /** What was ranked. */
  readonly sortBy: "patch" | "img";
  /** Percentile of the estimator. */
  readonly percentile: number;
  /** Folder of the expected artifacts. */
  readonly expected: URL;
  /** Returns the settings of the same run here. */
  config(device: BackendName, dumpTo: URL): ReturnType<typeof parseConfig>;
}

/** Reads a case's `args.txt`, a line such as `--sort-by img --top-k 4 --scale-mean`. */
export function goldenCase(name: string): GoldenCase {
  const root = new URL(`golden/${name}/`, FIXTURES);
  const args = new Map<string, string>();
  for (
    const [, flag, value] of Deno.readTextFileSync(new URL("args.txt", root)).matchAll(
      /--([a-z-]+)(?:\s+([^\s-]\S*|-\d\S*))?/g,
    )
  ) {
    args.set(flag!, value ?? "");
  }
  const number = (flag: string, preset: number): number => Number(args.get(flag) ?? preset);
  const sortBy = (args.get("sort-by") ?? "patch") as "patch" | "img";
  const percentile = number("percentile", 99);
  return {
    name,
    sortBy,
    percentile,
    expected: new URL(`expected/sort_by_${sortBy}/`, root),
    config: (device, dumpTo) =>
      parseConfig({
        ckpt: path(new URL("sae.pt", root)),
        device,
        dumpTo: path(dumpTo),
        sortBy,
        percentile,
        topK: number("top-k", 128),
        topkBatchSize: number("batch", 16384),
        nDistributions: number("n-dist", 25),
        data: {
          shardRoot: path(new URL("shards", root)),
          patches: (args.get("patches") ?? "patches") as "cls" | "patches" | "meanpool",
          layer: number("layer", -2),
          clamp: number("clamp", 1e5),
          scaleMean: args.has("scale-mean"),
          scaleNorm: args.has("scale-norm"),
          nRandomSamples: number("n-random", 2 ** 19),
        },
      }),
  };
}

/** Returns the settings of upstream's run on the demo, with pictures. */
export function emojiConfig(device: BackendName, dumpTo: URL): ReturnType<typeof parseConfig> {
  const root = new URL("demo/emoji/", FIXTURES);
  return parseConfig({
    ckpt: path(new URL("sae.pt", root)),
    device,
    dumpTo: path(dumpTo),
    topK: 8,
    nLatents: 4,
    seed: 42,
    logFreqRange: [-6, -1],
    logValueRange: [-3, 3],
    data: { shardRoot: path(new URL("shards", root)), scaleMean: false, scaleNorm: false },
    images: { kind: "image-folder", root: path(new URL("images", root)) },
  });
}

/** Returns a `file:` URL as a path. */
export function path(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** Runs `body` with a new folder under tests/tmp, and removes it. */
export async function withFolder(body: (folder: URL) => Promise<void>): Promise<void> {
  const folder = new URL(`golden-${crypto.randomUUID()}/`, TMP);
  await Deno.mkdir(folder, { recursive: true });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
