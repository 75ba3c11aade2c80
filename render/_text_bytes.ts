/**
 * Bytes as text and back, for runtimes that are older than `Uint8Array.fromBase64`: Node 20 to 24, browsers of 2024.
 * @module
 */

/** Bytes of base64. */
export function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  const units = atob(text);
  const out = new Uint8Array(units.length);
  for (let i = 0; i < out.length; i++) out[i] = units.charCodeAt(i);
  return out;
}

/** Bytes of pairs of hexadecimal digits. */
export function hexBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** Pairs of hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
