/**
 * Folds very many small batches and watches memory, open files and the GPU's buffers: `deno task test:long 1000000` does a
 * million of them.
 * @module
 */
import { chooseBackend } from "../../compute/choose_backend.ts";
import type { BackendName } from "../../compute/backend.ts";
import type { Sae } from "../../compute/sae.ts";
import { type Inputs } from "../../visuals/open_inputs.ts";
import { foldRows, type Saving } from "../../visuals/fold_rows.ts";
import { Stopwatch, withDefaults } from "../../visuals/hooks.ts";
import { saveCheckpoint } from "../../io/checkpoints.ts";
import { inTemporary } from "./_process.ts";

/** What was measured, half way and at the end. */
export interface Growth {
  readonly batches: number;
  /** Bytes of the JavaScript heap in use, after a collection where the engine allows one. */
  readonly heap: readonly [early: number, late: number];
  /** Bytes outside the heap that JavaScript holds. */
  readonly external: readonly [early: number, late: number];
  /** Open file descriptors. */
  readonly files: readonly [early: number, late: number];
  /** Buffers of the GPU that were made and not destroyed; 0 for other backends. */
  readonly buffers: readonly [early: number, late: number];
  readonly seconds: number;
}

const TOKENS = 2;
const D_VIT = 4;
const D_SAE = 8;
const IMAGES_PER_SHARD = 64;

/** Folds so many batches of one image each, saving the state now and then. */
export async function longRun(device: BackendName, batches: number, log: (line: string) => void): Promise<Growth> {
  let growth: Growth | undefined;
  await inTemporary(async (directory) => {
    const inputs = await makeInputs(directory, batches);
    const buffers = countBuffers();
    const { backend } = await chooseBackend(device);
    const start = performance.now();
    const samples: { heap: number; external: number; files: number; buffers: number }[] = [];
    const every = Math.max(1, Math.floor(batches / 10));
    const progress = ({ done }: { done: number }): void => {
      const images = done / (TOKENS - 1);
      if (images === 0 || images % every !== 0) return;
      (globalThis as { gc?: () => void }).gc?.();
      const { heapUsed: heap, external } = Deno.memoryUsage();
      samples.push({ heap, external, files: openFiles(), buffers: buffers.live });
      log(`${images} batches: heap ${heap}, outside ${external}, ${openFiles()} files, ${buffers.live} buffers`);
    };
    const to: Saving = {
      load: () => Promise.resolve(undefined),
      save: ({ state, nextImage }) => saveCheckpoint(directory, state, { nextImage }),
    };
    const plan = {
      layout: inputs.layout,
      nImages: batches,
      batchImages: 1,
      k: 2,
      sortBy: "patch",
      dedupe: "none",
      percentile: 90,
      percentileLr: 1e-3,
      nDistributions: 0,
      nonFinite: "error",
      maxMemoryBytes: 2 ** 30,
      threads: 1,
    } as const;
    const options = {
      backend,
      hooks: withDefaults({ progress }),
      watch: new Stopwatch(),
      saving: { to, everySeconds: 0.5 },
    };
    const { release } = await foldRows(inputs, plan, options);
    await release();
    await backend.close();
    buffers.stop();
    // Engines still compile and learn in the first half.
    const [early, late] = [samples[4], samples[9]];
    growth = {
      batches,
      heap: [early.heap, late.heap],
      external: [early.external, late.external],
      files: [early.files, late.files],
      buffers: [early.buffers, late.buffers],
      seconds: (performance.now() - start) / 1000,
    };
  });
  return growth!;
}

/** Counts buffers of the GPU from now on, which the engine frees for itself only when it pleases. */
function countBuffers(): { readonly live: number; stop(): void } {
  const [device, buffer] = [GPUDevice.prototype, GPUBuffer.prototype];
  const { createBuffer } = device;
  const { destroy } = buffer;
  const live = new Set<GPUBuffer>();
  device.createBuffer = function (this: GPUDevice, descriptor): GPUBuffer {
    const made = createBuffer.call(this, descriptor);
    live.add(made);
    return made;
  };
  Object.assign(buffer, {
    destroy(this: GPUBuffer): void {
      live.delete(this);
      destroy.call(this);
    },
  });
  return {
    get live(): number {
      return live.size;
    },
    stop(): void {
      device.createBuffer = createBuffer;
      buffer.destroy = destroy;
    },
  };
}

/** Deno itself may not look into /proc without all permissions, and `ls` may. */
function openFiles(): number {
  const { stdout } = new Deno.Command("ls", { args: [`/proc/${Deno.pid}/fd`] }).outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

/** Shards of one vector per image, and an encoder; the files are shared, so that a million images take little room. */
async function makeInputs(directory: string, nImages: number): Promise<Inputs> {
  const values = Float32Array.from({ length: IMAGES_PER_SHARD * TOKENS * D_VIT }, (_, i) => Math.sin(i));
  const files: Inputs["shards"]["files"][number][] = [];
  for (let firstImage = 0; firstImage < nImages; firstImage += IMAGES_PER_SHARD) {
    const path = `${directory}/acts${files.length}.bin`;
    if (files.length < 16) await Deno.writeFile(path, new Uint8Array(values.buffer));
    // More names than a reader keeps open, so that files are closed and opened all the time.
    const shared = files.length < 16 ? path : files[files.length % 16].path;
    files.push({
      path: shared,
      firstImage,
      nImages: Math.min(IMAGES_PER_SHARD, nImages - firstImage),
      bytes: values.byteLength,
    });
  }
  const sae: Sae = {
    dVit: D_VIT,
    dSae: D_SAE,
    wEnc: Float32Array.from({ length: D_VIT * D_SAE }, (_, i) => Math.cos(i)),
    bEnc: new Float32Array(D_SAE),
    bPre: new Float32Array(D_VIT),
    activation: { kind: "relu" },
  };
  const shards = {
    root: directory,
    nImages,
    tokens: TOKENS,
    dVit: D_VIT,
    layers: [0],
    files,
  } as unknown as Inputs["shards"];
  const layout: Inputs["layout"] = {
    kind: "patches",
    layers: 1,
    tokens: TOKENS,
    firstToken: 1,
    dVit: D_VIT,
    clamp: 1e5,
    mean: undefined,
    scalar: 1,
  };
  return { sae, shards, layer: 0, layout, nRows: nImages, warnings: [], saeInfo: undefined } as unknown as Inputs;
}

if (import.meta.main) {
  // deno-lint-ignore no-console -- what this script is for
  const print = console.log;
  const batches = Number(Deno.args[0] ?? 1e6);
  // Without a card the GPU's part is done by the processor: a hundredth shows as much.
  for (const [device, n] of [["wasm", batches], ["reference", batches], ["webgpu", batches / 100]] as const) {
    // Ten samples are taken.
    print(device, await longRun(device, Math.max(10, Math.ceil(n)), print));
  }
}
