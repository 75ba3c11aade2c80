/**
 * Faults of the disk, put in where Deno meets it.
 * @module
 */

/** An error as the system gives it. */
export function systemError(code: "ENOSPC" | "EDQUOT" | "EIO" | "EROFS"): Error {
  const words = {
    ENOSPC: "No space left on device (os error 28)",
    EDQUOT: "Disk quota exceeded (os error 122)",
    EIO: "Input/output error (os error 5)",
    EROFS: "Read-only file system (os error 30)",
  };
  return Object.assign(new Error(words[code]), { code });
}

type Method = "read" | "readSync" | "writeSync";
// deno-lint-ignore no-explicit-any -- three methods of different types, passed through as they are
type Call = (original: (...args: any[]) => any, ...args: any[]) => any;

/** Runs `body` while every call of these methods of open files goes through `call`. */
export async function withInjected<T>(methods: readonly Method[], call: Call, body: () => Promise<T>): Promise<T> {
  const prototype = Deno.FsFile.prototype as unknown as Record<Method, (...args: unknown[]) => unknown>;
  const originals = methods.map((method) => [method, prototype[method]] as const);
  for (const [method, original] of originals) {
    prototype[method] = function (this: Deno.FsFile, ...args: unknown[]): unknown {
      return call(original.bind(this), ...args);
    };
  }
  try {
    return await body();
  } finally {
    for (const [method, original] of originals) prototype[method] = original;
  }
}
