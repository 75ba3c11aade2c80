/**
 * The compiled kernels: which build this engine takes, and what its relaxed instructions turned out to do.
 * @module
 */
import { BackendUnavailableError } from "../errors.ts";
import { PLAIN_WASM } from "./build/plain.generated.ts";
import { RELAXED_WASM } from "./build/relaxed.generated.ts";
import { SCREEN_WASM } from "./build/screen.generated.ts";
import type { KernelModules } from "./kernel_host.ts";

/** Name of a build. */
export type Variant = "relaxed" | "plain";

/** A build, compiled. */
export interface KernelModule {
  /** Which one. */
  readonly variant: Variant;
  /** Its modules; see {@linkcode instantiateKernels} for what they import. */
  readonly modules: KernelModules;
}

const compiled = new Map<Variant, Promise<KernelModules>>();

/**
 * Compiles the build for relaxed SIMD, or the plain one where the engine does not take it.
 *
 * @param wanted A build by name, `auto` for the best this engine takes.
 * @throws {BackendUnavailableError} If the engine takes none, or not the one asked for.
 */
export async function loadKernels(wanted: Variant | "auto"): Promise<KernelModule> {
  const builds = { relaxed: RELAXED_WASM, plain: PLAIN_WASM };
  const order: Variant[] = wanted === "auto" ? ["relaxed", "plain"] : [wanted];
  const variant = order.find((name) => WebAssembly.validate(decode(builds[name])));
  if (variant === undefined) {
    throw new BackendUnavailableError(
      "wasm",
      `this engine takes no WebAssembly with ${wanted === "auto" ? "" : wanted} SIMD and threads`,
    );
  }
  let modules = compiled.get(variant);
  if (modules === undefined) {
    modules = compile(decode(builds[variant]), variant === "relaxed" ? decode(SCREEN_WASM) : undefined);
    compiled.set(variant, modules);
  }
  return { variant, modules: await modules };
}

async function compile(main: Uint8Array<ArrayBuffer>, screen?: Uint8Array<ArrayBuffer>): Promise<KernelModules> {
  return {
    main: await WebAssembly.compile(main),
    ...(screen === undefined ? {} : { screen: await WebAssembly.compile(screen) }),
  };
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  // A hundred times as fast, but newer than some engines that this runs in.
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
