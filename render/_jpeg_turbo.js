// @ts-self-types="./_jpeg_turbo.d.ts"
// TypeScript does not parse source-phase imports yet, so this one lives in JavaScript.
import source module from "npm:@cwasm/jpeg-turbo@0.1.3/jpeg-turbo.wasm";

function refuse() {
  throw new Error("System calls are not available");
}

export function instantiateJpegTurbo() {
  return new WebAssembly.Instance(module, {
    // libjpeg leaves a fatal error by longjmp: as an exception it unwinds the wasm stack, and the instance is done for.
    env: {
      setjmp: () => 0,
      longjmp: () => {
        throw new Error("The JPEG decoder gave up");
      },
    },
    wasi_snapshot_preview1: {
      environ_sizes_get: () => 0,
      environ_get: refuse,
      proc_exit: refuse,
      fd_close: refuse,
      fd_seek: refuse,
      fd_write: refuse,
    },
  }).exports;
}
