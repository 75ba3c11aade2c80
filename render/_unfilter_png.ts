/**
 * Undoes PNG's row filters in place.
 *
 * @param raw `u8 [height, 1 + rowBytes]`: each row led by its filter number; rows are left decoded, the numbers as they were.
 * @param rows The rows' count, their bytes without the number, and the bytes of one pixel (at least 1).
 * @returns The first unknown filter number, or −1 when all is well.
 *
 * Source: PNG specification (third edition), section 9.
 */
export function unfilterPng(raw: Uint8Array, rows: { height: number; rowBytes: number; pixelBytes: number }): number {
  const { height, rowBytes, pixelBytes: step } = rows;
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    const end = start + rowBytes;
    // The row above, as a distance back; there is none above the first row, which counts as zeros.
    const up = y > 0 ? rowBytes + 1 : 0;
    switch (raw[start - 1]) {
      case 0:
        break;
      case 1:
        for (let i = start + step; i < end; i++) raw[i] += raw[i - step];
        break;
      case 2:
        if (up) { for (let i = start; i < end; i++) raw[i] += raw[i - up]; }
        break;
      case 3:
        for (let i = start; i < end; i++) {
          const left = i - start >= step ? raw[i - step] : 0;
          raw[i] += (left + (up ? raw[i - up] : 0)) >> 1;
        }
        break;
      case 4:
        unfilterPaeth(raw, start, end, step, up);
        break;
      default:
        return raw[start - 1];
    }
  }
  return -1;
}

function unfilterPaeth(raw: Uint8Array, start: number, end: number, step: number, up: number): void {
  if (!up) {
    // Above is zero, so the predictor is the left neighbour.
    for (let i = start + step; i < end; i++) raw[i] += raw[i - step];
    return;
  }
  const first = Math.min(end, start + step);
  for (let i = start; i < first; i++) raw[i] += raw[i - up];
  for (let i = first; i < end; i++) {
    const a = raw[i - step], b = raw[i - up], c = raw[i - up - step];
    const p = b - c, q = a - c;
    const pa = p < 0 ? -p : p, pb = q < 0 ? -q : q, r = p + q, pc = r < 0 ? -r : r;
    raw[i] += pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  }
}
