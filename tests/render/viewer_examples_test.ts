import assert from "node:assert/strict";
import type { LatentExamples } from "../../compute/interval_examples.ts";
import { buildViewer, type ViewerExamples, type ViewerRun } from "../../render/viewer_data.ts";
import { decodeHeatmaps, floats, fromBase64, shorts, words } from "../../render/viewer/codec.ts";
import type { PageData, RunData } from "../../render/viewer/format.ts";

/** Two chosen latents of four patches, whose entries show images 0 and 1 of 5. */
function run(asked: number[], examples: ViewerExamples): ViewerRun {
  return {
    ...{ id: "x", build: "1", title: "", summary: [], sortBy: "patch", rows: 20, images: 5, chosen: [1, 0], examples },
    ...{ freqRange: [-6, -2], valueRange: [-1, 1], label: () => "cat", name: () => "x.jpg" },
    artifacts: {
      ...{ dSae: 2, k: 2, patches: 4, rankValues: Float32Array.of(4, 3, 2, 2), topI: Uint32Array.of(1, 0, 1, 1) },
      ...{ topPatchI: Uint32Array.of(3, 0, 1, 2), topCount: Uint32Array.of(2, 2) },
      ...{ meanValues: Float32Array.of(1, 2), sparsity: Float32Array.of(0.5, 0.25) },
      readTopValues: () => Promise.resolve(Float32Array.of(0, 0, 0, 4, 1, 1, 0, 0)),
      readSketch: () => Promise.resolve(undefined),
    },
    picture(image): ReturnType<ViewerRun["picture"]> {
      asked.push(image);
      return Promise.resolve({ bytes: Uint8Array.of(1), type: "jpeg", width: 40, height: 30 });
    },
  };
}

async function build(of: ViewerRun): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { path, bytes } of buildViewer(of)) files.set(path, new TextDecoder().decode(bytes));
  return files;
}

/** What a data script hands over. */
function handed<T>(script: string): T {
  let found: unknown;
  new Function("saevViewer", script)((...parts: unknown[]) => found = parts[2]);
  return found as T;
}

Deno.test({
  name: "`buildViewer()` stores pictures of examples, weakest first, and says which latents show them",
  permissions: "none",
  fn: async () => {
    const of = (latent: number): LatentExamples | undefined =>
      latent !== 1 ? undefined : {
        upper: 2,
        interval: Uint8Array.of(1, 1, 8),
        image: Uint32Array.of(2, 3, 1),
        patch: Uint32Array.of(1, 2, 0),
        value: Float32Array.of(0.25, 0.125, 1.9),
        heat: Float32Array.of(0, 0.25, 0.1, 0, /**/ 0, 0, 0.125, 0, /**/ 1.9, 0, 0, 0),
      };
    const asked: number[] = [];
    const data = run(asked, { sampled: 4, intervals: 8, of });
    const files = await build(data);
    assert.deepEqual(asked.toSorted(), [0, 1, 2, 3]);
    assert.deepEqual(handed<RunData>(files.get("viewer/latents.js")!).examples, { sampled: 4, intervals: 8 });
    const page = handed<PageData>(files.get("viewer/latents/0000.js")!);
    const { examples } = page.latents[0];
    assert.deepEqual([page.latents[0].latent, page.latents[1].examples], [1, undefined]);
    assert.deepEqual([...words(examples!.image)], [3, 2, 1]);
    assert.deepEqual([...floats(examples!.value)], [0.125, 0.25, Math.fround(1.9)]);
    assert.deepEqual([...shorts(examples!.patch)], [2, 1, 0]);
    assert.deepEqual([...fromBase64(examples!.interval)], [1, 1, 8]);
    assert.deepEqual(
      [...decodeHeatmaps(fromBase64(examples!.heat), 3, 4)],
      [0, 0, 16, 0, /**/ 0, 32, 13, 0, /**/ 242, 0, 0, 0],
    );
    assert.deepEqual(page.pictures.map(([image]) => image).toSorted(), [0, 1, 2, 3]);
    assert.deepEqual(handed(files.get("viewer/images/0000.js")!), { 0: [0], 1: [1, 0], 2: [1], 3: [1] });
    await assert.rejects(build({ ...data, images: 3 }), /Cannot show image 3 of latent 1: there are 3/);
  },
});
