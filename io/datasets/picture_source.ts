/**
 * The one shape that every picture data set is read through.
 * @module
 */

/** Pictures in a fixed order: image i here is image i of the activations. Pictures are read one at a time. */
export interface PictureSource {
  /** How many pictures there are. */
  readonly length: number;
  /**
   * The class of a picture, in words.
   * @throws {RangeError} If there is no such picture.
   */
  label(i: number): string;
  /**
   * Names a picture in messages and pages: its path below the root, or its table and row.
   * @throws {RangeError} If there is no such picture.
   */
  name(i: number): string;
  /**
   * The picture's file, still encoded.
   * @throws {RangeError} If there is no such picture.
   * @throws {PictureError} If the row holds no picture.
   */
  bytes(i: number): Promise<Uint8Array>;
  /**
   * The picture of labels that belongs to a picture: its file, still encoded, and its name. Undefined where the data set has none.
   * @throws {RangeError} If there is no such picture.
   * @throws {PictureError} If it cannot be read.
   */
  readonly annotation?: ((i: number) => Promise<{ readonly name: string; readonly bytes: Uint8Array }>) | undefined;
  /** Closes what was opened. Idempotent. */
  close(): void;
}

/**
 * Checks a picture's index.
 *
 * @throws {RangeError} If it is not one of `0 … length − 1`.
 *
 * @example
 * ```ts
 * import { checkIndex } from "./picture_source.ts";
 * console.assert(checkIndex(2, 3) === 2);
 * ```
 */
export function checkIndex(i: number, length: number): number {
  if (!Number.isInteger(i) || i < 0 || i >= length) {
    throw new RangeError(`Cannot find picture ${i}: the data set holds ${length}, numbered from 0`);
  }
  return i;
}
