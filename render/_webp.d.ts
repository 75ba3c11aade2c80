/**
 * Decodes one WebP frame by libwebp: `data: u8 [height, width, 4]`, alpha last and not multiplied in.
 *
 * @returns Undefined when the data is damaged.
 */
export function decodeWebpRgba(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; data: Uint8ClampedArray } | undefined>;
