/**
 * Counts the bytes that typed arrays and array buffers of a stated size take, so that a file of a kilobyte that makes
 * its reader allocate a gigabyte is found even when the machine has one.
 * @module
 */

let taken = 0;

/** Bytes allocated since {@linkcode resetMeter}. */
export function bytesTaken(): number {
  return taken;
}

/** Begins to count anew. */
export function resetMeter(): void {
  taken = 0;
}

/** Puts the meter in place; modules that are loaded later see it, as they look the constructors up when they call them. */
export function installMeter(): void {
  const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => { byteLength: number }>;
  const names = ["ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array"];
  for (
    const name of [
      ...names,
      "Int32Array",
      "Uint32Array",
      "Float32Array",
      "Float64Array",
      "BigInt64Array",
      "BigUint64Array",
    ]
  ) {
    const original = scope[name];
    scope[name] = new Proxy(original, {
      construct(target, args, newTarget): object {
        const made = Reflect.construct(target, args, newTarget === scope[name] ? target : newTarget) as {
          byteLength: number;
        };
        // A view on a buffer takes nothing.
        if (typeof args[0] !== "object" || name === "ArrayBuffer") taken += made.byteLength;
        return made;
      },
    });
  }
}
