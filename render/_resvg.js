// @ts-self-types="./_resvg.d.ts"
// TypeScript refuses source imports, so the wasm comes in here. No flag and no permission, locally and over a URL.
import source resvgModule from "npm:@resvg/resvg-wasm@2.6.2/index_bg.wasm";
import { initWasm, Resvg } from "npm:@resvg/resvg-wasm@2.6.2";

let started;

/** Starts the module once for the whole process; the package allows no second time. */
export function startResvg() {
  started ??= initWasm(resvgModule);
  return started;
}

export { Resvg };
