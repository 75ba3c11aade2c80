/**
 * Where a picture, its patches and a pointer lie in the square that shows them.
 * @module
 */

/** A rectangle in fractions of the square's side. */
export interface Box {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** Width. */
  readonly width: number;
  /** Height. */
  readonly height: number;
}

/**
 * Lays a picture out by its affine map: either so that its patches fill the square (the rest is cut off, as it was for
 * the model), or so that all of it is seen, with the patches' window within it.
 *
 * @param size The source picture's size in pixels.
 * @param affine `[ax, ay, bx, by]`: `u = ax·x + bx` and `v = ay·y + by` map source pixels to the patches' unit square.
 * @param whole Whether all of the picture is shown.
 * @returns The picture's box and the window's.
 */
export function place(
  size: { readonly width: number; readonly height: number },
  affine: readonly [number, number, number, number],
  whole: boolean,
): { picture: Box; patches: Box } {
  const [ax, ay, bx, by] = affine;
  const width = ax * size.width;
  const height = ay * size.height;
  if (!whole) {
    return { picture: { x: bx, y: by, width, height }, patches: { x: 0, y: 0, width: 1, height: 1 } };
  }
  const scale = 1 / Math.max(width, height);
  const x = (1 - width * scale) / 2;
  const y = (1 - height * scale) / 2;
  return {
    picture: { x, y, width: width * scale, height: height * scale },
    patches: { x: x - bx * scale, y: y - by * scale, width: scale, height: scale },
  };
}

/** The patch at a point of the square, or −1 outside of all. */
export function patchAt(
  point: { readonly x: number; readonly y: number },
  patches: Box,
  grid: { readonly rows: number; readonly cols: number },
): number {
  const column = Math.floor((point.x - patches.x) / patches.width * grid.cols);
  const row = Math.floor((point.y - patches.y) / patches.height * grid.rows);
  return column < 0 || row < 0 || column >= grid.cols || row >= grid.rows ? -1 : row * grid.cols + column;
}

/** The box of a patch, in fractions of the square's side. */
export function patchBox(
  patch: number,
  patches: Box,
  grid: { readonly rows: number; readonly cols: number },
): Box {
  const [width, height] = [patches.width / grid.cols, patches.height / grid.rows];
  return {
    x: patches.x + (patch % grid.cols) * width,
    y: patches.y + Math.floor(patch / grid.cols) * height,
    width,
    height,
  };
}

/** A box moved and shrunk so that it keeps `margin` from the square's sides: what is drawn on its edge is seen whole. */
export function withinSquare({ x, y, width, height }: Box, margin: number): Box {
  const into = (value: number): number => Math.min(1 - margin, Math.max(margin, value));
  const [left, top] = [into(x), into(y)];
  return { x: left, y: top, width: into(x + width) - left, height: into(y + height) - top };
}
