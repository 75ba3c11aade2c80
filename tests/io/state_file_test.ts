import assert from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../../compute/latent_state.ts";
import { listCheckpoints, removeCheckpoints, saveCheckpoint } from "../../io/checkpoints.ts";
import { openState } from "../../io/open_state.ts";
import { writeState } from "../../io/state_file.ts";
import { inTemporary } from "./_temporary.ts";

const permissions: Deno.PermissionOptions = { read: ["tests/tmp"], write: ["tests/tmp"] };

/** A generator of 32-bit words; most are 0, the others of every kind. */
function words(seed: number): () => number {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
  // NaN with a payload, −0, infinity and the smallest subnormal must survive as they are.
  const special = [0x7fc12345, 0x80000000, 0x7f800000, 0x00000001, 0xffffffff];
  return () => next() % 10 < 7 ? 0 : next() % 4 === 0 ? special[next() % special.length] : next();
}

/** A state whose bits mean nothing and are all different. */
function noise(dSae: number, k: number, patches: number, kept: number, seed: number): LatentState {
  const word = words(seed);
  const bits = (n: number): Uint32Array => Uint32Array.from({ length: n }, word);
  const f32 = (n: number): Float32Array => new Float32Array(bits(n).buffer);
  const topCount = Uint32Array.from({ length: dSae }, (_, i) => (i * 7 + seed) % (k + 1));
  const heatmap = f32(dSae * k * patches);
  for (let j = 0; j < dSae; j++) heatmap.fill(-1, (j * k + topCount[j]) * patches, (j + 1) * k * patches);
  return {
    dSae,
    k,
    patches,
    rows: 12345,
    skippedRows: 6,
    count: bits(dSae),
    sumBins: new BigUint64Array(bits(2 * dSae * SUM_BINS).buffer),
    histogram: bits(dSae * SKETCH_BINS),
    min: f32(dSae),
    max: f32(dSae),
    topCount,
    topValue: f32(dSae * k),
    topImage: bits(dSae * k),
    topPatch: bits(dSae * k),
    heatmap,
    estimate: new Float64Array(bits(2 * dSae).buffer),
    estimateRow: new Float64Array(bits(2 * dSae).buffer),
    distributions: f32(kept),
  };
}

type Arrays = Exclude<keyof LatentState, "dSae" | "k" | "patches" | "rows" | "skippedRows">;

/** Compares bits: NaN equals itself with the same payload only. */
function assertSameBits(found: LatentState, expected: LatentState): void {
  for (const [name, value] of Object.entries(expected)) {
    if (typeof value === "number") assert.equal(found[name as keyof LatentState], value, name);
    else {
      const array = found[name as Arrays];
      const bytes = (a: typeof array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
      assert.deepEqual(bytes(array), bytes(value), name);
    }
  }
}

/** Latents `first … last − 1` of a state. */
function slice(state: LatentState, first: number, last: number): LatentState {
  const entries = Object.entries(state).map(([name, value]) => {
    if (typeof value === "number") return [name, value];
    const width = value.length / state.dSae;
    return [name, value.slice(first * width, last * width)];
  });
  return { ...Object.fromEntries(entries), dSae: last - first, distributions: new Float32Array(0) };
}

for (
  const [what, dSae, k, patches, kept] of [
    ["one latent", 1, 1, 0, 0],
    ["image rankings", 33, 5, 0, 70],
    ["heatmaps in one chunk", 40, 3, 49, 0],
    ["many chunks and distributions", 700, 4, 61, 2 ** 20 + 77],
  ] as const
) {
  Deno.test({
    name: `writeState() and openState() give back every bit: ${what}`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const state = noise(dSae, k, patches, kept, 3);
        await writeState(`${directory}/a.state`, state, { nextImage: 9, note: "π" });
        const file = await openState(`${directory}/a.state`);
        assert.deepEqual(file.header.facts, { nextImage: 9, note: "π" });
        assertSameBits(await file.read(), state);
        const per = file.latentsPerChunk;
        for (
          const [first, last] of [[0, 1], [dSae - 1, dSae], [0, 0], [Math.min(dSae, per) - 1, Math.min(dSae, per + 2)]]
        ) {
          assertSameBits(await file.readLatents(first, last), slice(state, first, last));
        }
        await assert.rejects(file.readLatents(0, dSae + 1), RangeError);
        file.close();
      }),
  });
}

Deno.test({
  name: "openState() refuses or notices any changed byte and any cut",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const path = `${directory}/a.state`;
      await writeState(path, noise(3, 2, 2, 5, 8), { nextImage: 1 });
      const whole = await Deno.readFile(path);
      const attempt = async (bytes: Uint8Array): Promise<void> => {
        await Deno.writeFile(path, bytes);
        const file = await openState(path);
        try {
          await file.read();
        } finally {
          file.close();
        }
      };
      await attempt(whole);
      const places = Array.from({ length: 150 }, (_, i) => Math.floor((i * whole.length) / 150));
      for (const at of [...places, 0, 8, 12, whole.length - 1, whole.length - 20]) {
        const damaged = whole.slice();
        damaged[at] ^= 1 << (at % 8);
        await attempt(damaged).then(
          () => assert.fail(`byte ${at} changed unnoticed`),
          (error: unknown) => assert.ok(error instanceof ArtifactError, `byte ${at}: ${error}`),
        );
      }
      for (const length of [0, 7, 16, 100, whole.length - 1, whole.length - 33]) {
        await assert.rejects(attempt(whole.slice(0, length)), (error: unknown) => error instanceof ArtifactError);
      }
    }),
});

Deno.test({
  name: "saveCheckpoint() keeps two, the newest first, and removeCheckpoints() removes all",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      for (let n = 0; n < 4; n++) await saveCheckpoint(directory, noise(2, 1, 0, 0, n), { n });
      const paths = await listCheckpoints(directory);
      const found = await Promise.all(paths.map(async (path) => {
        const file = await openState(path);
        file.close();
        return file.header.facts;
      }));
      assert.deepEqual(found, [{ n: 3 }, { n: 2 }]);
      await Deno.writeTextFile(`${directory}/.state/.000000005.state.${crypto.randomUUID()}.tmp`, "unfinished");
      await removeCheckpoints(directory);
      assert.deepEqual([...Deno.readDirSync(directory)], []);
    }),
});
