/**
 * CMYK to RGB with Pillow's rounding: for each ink, `max(0, nk − round(ink·nk / 255))` with `nk = 255 − k`.
 *
 * @param cmyk `u8 [n, 4]`, ink 255 = full.
 * @param inverted Whether ink 0 = full instead, as JPEG files store it.
 * @returns `u8 [n, 3]`.
 *
 * Source: Pillow, `libImaging/Convert.c`, `cmyk2rgb`.
 */
export function cmykToRgb(cmyk: Uint8Array, inverted: boolean): Uint8Array {
  const rgb = new Uint8Array(cmyk.length / 4 * 3);
  const flip = inverted ? 255 : 0;
  for (let i = 0, o = 0; i < cmyk.length; i += 4, o += 3) {
    const nk = 255 - (cmyk[i + 3] ^ flip);
    for (let c = 0; c < 3; c++) {
      const product = (cmyk[i + c] ^ flip) * nk + 128;
      rgb[o + c] = Math.max(0, nk - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
}
