// @ts-self-types="./_onnxruntime.d.ts"
// TypeScript does not parse source-phase imports yet, so this one lives in JavaScript. The only file that names the package.

/** Stands for the runtime's WebAssembly: a source import gives the compiled module, which its loader cannot be handed. */
const STAND_IN_BYTES = 8;

/**
 * Not a literal where it is imported: Deno would download the package, 148 MB, for everybody who imports the library over a URL. It is
 * fetched when a model is first opened; `deno cache npm:onnxruntime-web@1.30.0` fetches it ahead of time.
 */
const PACKAGE = "npm:onnxruntime-web@1.30.0";

/** The package's build for Node runs threads in Deno; its web builds do not. None of them reads a file or the network here. */
async function load(provider) {
  const [build, kernels] = provider === "webgpu"
    ? [`${PACKAGE}/webgpu`, `${PACKAGE}/ort-wasm-simd-threaded.asyncify.wasm`]
    : [PACKAGE, `${PACKAGE}/ort-wasm-simd-threaded.wasm`];
  return { ort: await import(build), module: await import.source(kernels) };
}

/**
 * A memory that need not grow. Where an engine checks bounds itself, as V8 does in Deno, a thread learns only at its next stop that another
 * has made their memory grow; what it reads beyond before that ends it, and the others wait for it for ever: one recording in ten, on a busy
 * machine. (Node loses threads the same way with --wasm-enforce-bounds-checks, and none without.) Memory that is not touched costs address
 * space alone, and where not even that is to be had, less is asked for.
 */
function wholeMemory(Memory, { initial, maximum, shared }) {
  // One page less than the most there can be: the runtime counts bytes in 32 bits.
  for (let pages = maximum - 1; pages > initial; pages >>= 1) {
    try {
      return new Memory({ initial: pages, maximum, shared });
    } catch {
      // The next size.
    }
  }
  return new Memory({ initial, maximum, shared });
}

/** What the build for Node starts threads with. */
let threadClass;

/**
 * Makes `WebAssembly.instantiate` give the compiled module for the stand-in while `work` runs, and shared memories as large as they can
 * become; and keeps the global `Worker`, which the build for Node replaces by its own, as it was for everybody else. All threads of a
 * session are started while it is created.
 */
async function withModule(module, work) {
  const { instantiate, Memory } = WebAssembly;
  const { Worker } = globalThis;
  if (threadClass !== undefined) globalThis.Worker = threadClass;
  WebAssembly.instantiate = async (source, imports) =>
    source.byteLength === STAND_IN_BYTES
      ? { module, instance: await instantiate(module, imports) }
      : await instantiate(source, imports);
  WebAssembly.Memory = class {
    constructor(descriptor) {
      return descriptor.shared ? wholeMemory(Memory, descriptor) : new Memory(descriptor);
    }
  };
  try {
    return await work();
  } finally {
    WebAssembly.instantiate = instantiate;
    WebAssembly.Memory = Memory;
    if (globalThis.Worker !== Worker) threadClass = globalThis.Worker;
    globalThis.Worker = Worker;
  }
}

const loaded = new Map();

export async function createSession(model, { provider, threads, externalData, freeDimensions }) {
  const known = loaded.get(provider);
  const { ort, module } = known ?? await load(provider);
  loaded.set(provider, { ort, module });
  if (known === undefined) {
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmBinary = new ArrayBuffer(STAND_IN_BYTES);
  }
  const session = await withModule(module, () =>
    ort.InferenceSession.create(model, {
      executionProviders: [provider],
      externalData: externalData.map(({ path, data }) => ({ path, data })),
      freeDimensionOverrides: freeDimensions,
      logSeverityLevel: 3,
      graphOptimizationLevel: "all",
    }));
  return { session, Tensor: ort.Tensor };
}
