// @ts-self-types="./_zlib.d.ts"
// The zlib of imagescript's PNG module: plain JavaScript without permissions, unlike the package's main entry, which loads a native addon.
// It ships no types, so they are declared beside this file.
import { decompress } from "npm:imagescript@1.3.1/png/src/zlib.mjs";

export function inflateZlib(bytes, size) {
  return decompress(bytes, size);
}
