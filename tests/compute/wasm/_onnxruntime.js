// @ts-self-types="./_onnxruntime.d.ts"
import * as ort from "npm:onnxruntime-web@1.30.0/wasm";
import source module from "npm:onnxruntime-web@1.30.0/ort-wasm-simd-threaded.wasm";

// The runtime wants its WebAssembly as bytes, which would need permission to read the package. A source import gives the
// compiled module without any: pass stand-in bytes, and put the module where they are instantiated.
const standIn = new Uint8Array(8);
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = standIn.buffer;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (source, imports) =>
  source.byteLength === standIn.byteLength
    ? { module, instance: await instantiate(module, imports) }
    : instantiate(source, imports);

export const { InferenceSession, Tensor } = ort;
