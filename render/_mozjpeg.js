// @ts-self-types="./_mozjpeg.d.ts"
// TypeScript does not parse source-phase imports yet, so this one lives in JavaScript.
import source module from "npm:@jsquash/jpeg@1.6.0/codec/enc/mozjpeg_enc.wasm";
import makeEncoder from "npm:@jsquash/jpeg@1.6.0/codec/enc/mozjpeg_enc.js";

let encoder;

export async function encodeMozjpeg(rgba, width, height, options) {
  encoder ??= makeEncoder({
    noInitialRun: true,
    // Given ready-made, the module fetches nothing.
    instantiateWasm: (imports, callback) => {
      const instance = new WebAssembly.Instance(module, imports);
      callback(instance);
      return instance.exports;
    },
  });
  try {
    return (await encoder).encode(rgba, width, height, options);
  } catch (error) {
    // After a trap the instance is in an unknown state: the next picture gets a new one.
    encoder = undefined;
    throw error;
  }
}
