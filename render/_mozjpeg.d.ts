/** Encodes `rgba: u8 [height, width, 4]` (alpha is ignored) by MozJPEG. */
export function encodeMozjpeg(
  rgba: Uint8Array,
  width: number,
  height: number,
  options: Readonly<Record<string, number | boolean>>,
): Promise<Uint8Array>;
