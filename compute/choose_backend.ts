/**
 * Which backend to compute with, and why.
 * @module
 */
import type { Backend, BackendName } from "./backend.ts";
import { BackendUnavailableError, DeviceLimitError, DeviceLostError } from "./errors.ts";
import { createReferenceBackend } from "./reference/mod.ts";
import type { ExpectedJob } from "./wasm/mod.ts";

export type { ExpectedJob } from "./wasm/mod.ts";

/** See {@linkcode chooseBackend}. */
export interface ChooseBackendOptions {
  /** Whether `webgpu`, asked for by name, may run on a software adapter; true if not given. */
  readonly allowSoftware?: boolean;
  /** How the GPU stores rows and weights; `f32` if not given. The other backends always use f32. */
  readonly precision?: "f32" | "f16";
  /** Permissions of the `wasm` backend's workers in Deno; see `WasmOptions`. `inherit` if not given. */
  readonly workerPermissions?: "none" | "inherit" | undefined;
  /** Told when something happens that a user should know, as a lost and replaced GPU. */
  readonly log?: (line: string) => void;
}

/** What the WebGPU backend is made with. */
export type WebgpuChoice =
  & Required<Pick<ChooseBackendOptions, "allowSoftware">>
  & Omit<ChooseBackendOptions, "allowSoftware" | "workerPermissions">;

/** What the WebAssembly backend is made with. */
export type WasmChoice = Pick<ChooseBackendOptions, "workerPermissions">;

/** A backend and the reason it was chosen, for the manifest. */
export interface BackendChoice {
  /** The backend; close it when done. */
  readonly backend: Backend;
  /** One line. */
  readonly reason: string;
}

/** How each backend is made; tests put in their own. */
export interface BackendLoaders {
  /** Makes the WebGPU backend; refuses a software adapter unless allowed. */
  readonly webgpu: (options: WebgpuChoice) => Promise<Backend>;
  /** Makes the WebAssembly backend; how many threads it starts is the plan's matter. */
  readonly wasm: (options: WasmChoice) => Promise<Backend>;
  /** Makes the reference backend. */
  readonly reference: () => Promise<Backend>;
}

// Dynamic, so that importing this module loads neither kernels nor shaders; literal, so that tools can follow them.
const LOADERS: BackendLoaders = {
  webgpu: async (options) => (await import("./webgpu/mod.ts")).createWebgpuBackend(options),
  wasm: async ({ workerPermissions = "inherit" }) =>
    (await import("./wasm/mod.ts")).createWasmBackend({ workerPermissions }),
  reference: () => Promise.resolve(createReferenceBackend()),
};

/**
 * Loads and starts what a job will probably need while its caller waits for something else, such as its inputs.
 *
 * @param device As for {@linkcode chooseBackend}.
 * @returns Disposing of it ends what was started and not used.
 *
 * @example
 * ```ts
 * import { chooseBackend, loadAhead } from "./choose_backend.ts";
 * using _ahead = loadAhead("wasm", { threads: 2, work: 1e9 });
 * // … read the inputs …
 * const { backend } = await chooseBackend("wasm");
 * await backend.close();
 * ```
 */
export function loadAhead(device: "auto" | BackendName, job: ExpectedJob): Disposable {
  let [isEnded, started]: [boolean, Disposable | undefined] = [false, undefined];
  if (device === "auto" || device === "wasm") {
    import("./wasm/mod.ts").then((wasm) => {
      if (!isEnded) started = wasm.loadAhead(job);
    }, () => undefined);
  }
  return {
    [Symbol.dispose](): void {
      isEnded = true;
      started?.[Symbol.dispose]();
    },
  };
}

/**
 * Makes the backend asked for, or with `auto` the first that can run of: webgpu on a real GPU, wasm, reference.
 *
 * A backend asked for by name is never replaced: its error passes through. By name `webgpu` also takes a software
 * adapter unless told not to; `auto` never does. `auto` passes over a backend that says it cannot run here and joins what it said in `reason`;
 * any other error is a bug and passes through.
 *
 * @param device `auto` or a backend's name.
 * @param options What a backend asked for by name may do.
 * @param loaders How backends are made; for tests.
 * @throws {BackendUnavailableError} If the backend asked for cannot run here.
 * @throws {RangeError} If device is none of the names.
 *
 * @example
 * ```ts
 * import { chooseBackend } from "./choose_backend.ts";
 * const { backend, reason } = await chooseBackend("reference");
 * console.assert(backend.name === "reference" && reason === "asked for by name");
 * ```
 */
export async function chooseBackend(
  device: "auto" | BackendName,
  options: ChooseBackendOptions = {},
  loaders: BackendLoaders = LOADERS,
): Promise<BackendChoice> {
  const { allowSoftware = true, workerPermissions, ...rest } = options;
  const reason = "asked for by name";
  switch (device) {
    case "webgpu":
      return { backend: await loaders.webgpu({ allowSoftware, ...rest }), reason };
    case "wasm":
      return { backend: await loaders.wasm({ workerPermissions }), reason };
    case "reference":
      return { backend: await loaders.reference(), reason };
    case "auto":
      return await chooseFirst(loaders, rest, { workerPermissions });
    default:
      throw new RangeError(`Cannot compute on ${device}: expected auto, webgpu, wasm or reference`);
  }
}

async function chooseFirst(
  loaders: BackendLoaders,
  options: Omit<WebgpuChoice, "allowSoftware">,
  wasmOptions: WasmChoice,
): Promise<BackendChoice> {
  const passedOver: string[] = [];
  const because = (what: string): string => [...passedOver, what].join("; ");
  const gpu = await attempt("webgpu", () => loaders.webgpu({ allowSoftware: false, ...options }), passedOver);
  if (gpu?.details.software === true) {
    await gpu.close();
    passedOver.push("webgpu: there is only a software adapter");
  } else if (gpu !== undefined) {
    return { backend: gpu, reason: because("webgpu: there is a GPU") };
  }
  const wasm = await attempt("wasm", () => loaders.wasm(wasmOptions), passedOver);
  if (wasm !== undefined) return { backend: wasm, reason: because("wasm: the fastest that runs here") };
  return { backend: await loaders.reference(), reason: because("reference: always runs") };
}

/** Makes a backend, or notes why it cannot run here. */
async function attempt(
  name: BackendName,
  load: () => Promise<Backend>,
  passedOver: string[],
): Promise<Backend | undefined> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof BackendUnavailableError) passedOver.push(`${name}: ${error.reason}`);
    else if (error instanceof DeviceLostError || error instanceof DeviceLimitError) {
      passedOver.push(`${name}: ${error.message}`);
    } else throw error;
    return undefined;
  }
}
