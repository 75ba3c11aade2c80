/**
 * Sets the checksums of a saved state right, so that what lies behind them is reached.
 * @module
 */
import { crc32 } from "node:zlib";
import { STATE_PREFIX_BYTES, STATE_TRAILER_BYTES } from "../../io/state_file.ts";
import type { Random } from "./_random.ts";

/** See the layout in `io/state_file.ts`; where it makes no sense, bytes stay as they are. */
export function repairState(bytes: Uint8Array, random: Random): Uint8Array {
  const { length } = bytes;
  if (length < STATE_PREFIX_BYTES + STATE_TRAILER_BYTES || random.below(8) === 0) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const trailer = length - STATE_TRAILER_BYTES;
  const start = STATE_PREFIX_BYTES + view.getUint32(12, true);
  if (start <= trailer) view.setUint32(trailer, crc32(bytes.subarray(0, start)), true);
  const [at, chunks] = [view.getFloat64(trailer + 8, true), view.getFloat64(trailer + 16, true)];
  if (!(Number.isInteger(at) && Number.isInteger(chunks) && at >= 0 && at <= trailer && chunks >= 0)) return bytes;
  view.setUint32(trailer + 4, crc32(bytes.subarray(at, trailer)), true);
  for (let i = 0; i < chunks && at + 8 * i + 16 <= trailer; i++) {
    const [from, to] = [view.getFloat64(at + 8 * i, true), view.getFloat64(at + 8 * i + 8, true)];
    if (!(Number.isInteger(from) && from >= 0 && from + 8 <= to && to <= length)) continue;
    view.setUint32(from, crc32(bytes.subarray(from + 8, to)), true);
  }
  return bytes;
}
