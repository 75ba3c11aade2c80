/**
 * What tells one request from another.
 * @module
 */

/**
 * SHA-256 of a value's JSON, in hexadecimal.
 *
 * @example
 * ```ts
 * import { digest } from "./digest.ts";
 * console.assert((await digest({ fit: "clip" })).length === 64);
 * ```
 */
export async function digest(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
