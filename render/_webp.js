// @ts-self-types="./_webp.d.ts"
// TypeScript does not parse source-phase imports yet, so this one lives in JavaScript.
import source module from "npm:@jsquash/webp@1.5.0/codec/dec/webp_dec.wasm";
import makeDecoder from "npm:@jsquash/webp@1.5.0/codec/dec/webp_dec.js";

let decoder;

export async function decodeWebpRgba(bytes) {
  decoder ??= makeDecoder({
    noInitialRun: true,
    // Given ready-made, the module fetches nothing.
    instantiateWasm: (imports, callback) => {
      const instance = new WebAssembly.Instance(module, imports);
      callback(instance);
      return instance.exports;
    },
  });
  let found;
  try {
    found = (await decoder).decode(bytes);
  } catch (error) {
    // After a trap the instance is in an unknown state: the next picture gets a new one.
    decoder = undefined;
    throw error;
  }
  return found === null ? undefined : { width: found.width, height: found.height, data: found.data };
}
