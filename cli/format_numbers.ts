/**
 * Numbers for people: bytes, counts, durations, rates.
 * @module
 */

/**
 * Bytes with a binary unit and three significant digits: `1.21 MiB`.
 *
 * @example
 * ```ts
 * import { formatBytes } from "./format_numbers.ts";
 * if (formatBytes(1536) !== "1.50 KiB" || formatBytes(2 ** 33) !== "8 GiB") throw new Error();
 * ```
 */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/**
 * A large count with a decimal unit: `2.26 GFLOP`.
 *
 * @example
 * ```ts
 * import { formatScaled } from "./format_numbers.ts";
 * if (formatScaled(2_264_924_160, "FLOP") !== "2.26 GFLOP") throw new Error();
 * ```
 */
export function formatScaled(value: number, unit: string): string {
  return scaled(value, 1000, ["", "k", "M", "G", "T", "P", "E"].map((prefix) => prefix + unit));
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let power = 0;
  // 999.5 would round to 1000: the next unit reads better.
  while (value >= base * (1 - 5e-4) && power < units.length - 1) {
    value /= base;
    power++;
  }
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number.isInteger(value) ? value : value.toFixed(digits)} ${units[power]}`;
}

/**
 * An integer with thousands separators; other numbers are rounded to one.
 *
 * @example
 * ```ts
 * import { formatCount } from "./format_numbers.ts";
 * if (formatCount(1234567) !== "1,234,567") throw new Error();
 * ```
 */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/**
 * Seconds: `0.42 s`, `12.3 s`, `3 min 20 s`, `2 h 05 min`.
 *
 * @example
 * ```ts
 * import { formatSeconds } from "./format_numbers.ts";
 * if (formatSeconds(200) !== "3 min 20 s" || formatSeconds(7500) !== "2 h 05 min") throw new Error();
 * ```
 */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
