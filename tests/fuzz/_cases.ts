/**
 * One case: a good file made hostile, read, and judged.
 * @module
 */
import { bytesTaken, resetMeter } from "./_meter.ts";
import { mutate } from "./_mutate.ts";
import { Random } from "./_random.ts";
import type { Target } from "./_targets.ts";
import { startTimer } from "./_time.ts";

/** What a reader may throw: nothing else says what was found, what was expected and what to do. */
const TYPED = new Set([
  "ArtifactError",
  "CheckpointError",
  "ConfigError",
  "DatasetError",
  "PictureError",
  "ShardFormatError",
  "TorchFileError",
  "UnsafePickleError",
]);
/** Seeds past this make cases slow and find no more. */
const MAX_SEED_BYTES = 40 << 10;
/** A case that takes longer is a finding. The slowest honest ones inflate 64 MiB of tensors on a busy machine. */
const MAX_CASE_MS = 2000;
/** What any input may make a reader allocate; readers of torch files may make 64 MiB of tensors from any file, twice over. */
const MAX_CASE_BYTES = 256 << 20;
/** And what it may take for each byte it has. */
const BYTES_PER_BYTE = 4096;

/** A good file. */
export interface Seed {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Reads a target's seeds, in the order of their paths. */
export function loadSeeds(target: Target): Seed[] {
  const seeds: Seed[] = [];
  for (const pattern of target.seeds) {
    const [first, last] = [pattern.slice(0, pattern.lastIndexOf("/")), pattern.slice(pattern.lastIndexOf("/") + 1)];
    for (const directory of expandDirectories(new URL(`../../fixtures/${first}`, import.meta.url))) {
      const test = new RegExp(`^${last.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
      for (const { name, isFile } of [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1)) {
        if (!isFile || !test.test(name) || /\.(md|py)$|^expected\.json$/.test(name)) continue;
        const path = `${decodeURIComponent(directory.pathname)}/${name}`;
        const bytes = Deno.readFileSync(path);
        if (bytes.length <= (target.maxSeedBytes ?? MAX_SEED_BYTES)) {
          seeds.push({ path, bytes: target.prepare?.(bytes) ?? bytes });
        }
      }
    }
  }
  if (seeds.length === 0) throw new Error(`There are no seeds for ${target.name}`);
  return seeds;
}

/** Directories that a URL with one `*` for a whole name stands for. */
function expandDirectories(url: URL): URL[] {
  const path = url.href;
  if (!path.includes("*")) return [url];
  const [before, after] = path.split("*");
  return [...Deno.readDirSync(new URL(before))].filter((entry) => entry.isDirectory)
    .map(({ name }) => new URL(before + name + after)).filter(isThere);
}

function isThere(url: URL): boolean {
  try {
    return Deno.statSync(url).isDirectory;
  } catch {
    return false;
  }
}

/** The hostile input of a case. */
export function makeCase(target: Target, seeds: readonly Seed[], seed: string): { bytes: Uint8Array; from: Seed } {
  const random = new Random(target.name, seed);
  const from = random.pick(seeds);
  const bytes = mutate(from.bytes, random.pick(seeds).bytes, random);
  return { bytes: target.shape?.(bytes, random) ?? bytes, from };
}

/** Runs a reader over one input; returns what is wrong with how it ended, or undefined. */
export async function judge(
  target: Target,
  bytes: Uint8Array,
  place: { readonly seed: string; readonly directory: string },
): Promise<string | undefined> {
  resetMeter();
  const timer = startTimer();
  let thrown: unknown;
  try {
    await target.run(bytes, place);
  } catch (error) {
    thrown = error;
  }
  const elapsed = timer();
  if (thrown !== undefined) {
    if (!(thrown instanceof Error) || !TYPED.has(thrown.name)) {
      return `untyped: ${thrown instanceof Error ? thrown.stack : String(thrown)}`;
    }
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    if (/[\x00-\x1f\x7f-\x9f]/.test(thrown.message) || thrown.message.length > 1000) {
      return `the message is not one printable line: ${JSON.stringify(thrown.message.slice(0, 300))}`;
    }
    if (thrown.message.includes("its decoder failed")) return `decoder: ${(thrown.cause as Error | undefined)?.stack}`;
  }
  if (elapsed > MAX_CASE_MS) return `slow: ${elapsed.toFixed(0)} ms for ${bytes.length} bytes`;
  const allowed = MAX_CASE_BYTES + BYTES_PER_BYTE * bytes.length;
  if (bytesTaken() > allowed) return `memory: ${bytesTaken()} bytes for ${bytes.length} bytes, ${allowed} allowed`;
  return undefined;
}
