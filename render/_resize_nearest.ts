import { type Picture, picture } from "./picture.ts";
import type { PixelRect } from "./resize.ts";

/** Takes, for each new pixel, the old one that holds its centre. Source: Pillow 9.4, `Geometry.c`, `ImagingScaleAffine`. */
export function resizeNearest(
  source: Picture,
  { width, height }: { readonly width: number; readonly height: number },
  cut: PixelRect,
): Picture {
  const columns = positions(source.width, width, cut.x + cut.width);
  const rows = positions(source.height, height, cut.y + cut.height);
  const out = picture(cut.width, cut.height);
  for (let y = 0, o = 0; y < cut.height; y++) {
    const line = rows[cut.y + y] * source.width;
    for (let x = 0; x < cut.width; x++, o += 3) {
      const at = 3 * (line + columns[cut.x + x]);
      out.data.set(source.data.subarray(at, at + 3), o);
    }
  }
  return out;
}

/** Old positions of the first `count` new ones. Pillow adds the step up, so its roundings add up too. */
function positions(inSize: number, outSize: number, count: number): Int32Array {
  const step = inSize / outSize;
  let center = step * 0.5;
  return Int32Array.from({ length: count }, () => {
    const at = Math.min(inSize - 1, Math.trunc(center));
    center += step;
    return at;
  });
}
