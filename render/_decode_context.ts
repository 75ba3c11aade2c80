import { PictureError } from "../compute/errors.ts";

/** What every decoder is told besides the bytes. */
export interface DecodeContext {
  /** The picture's file, or its name within a table: for messages. */
  readonly name: string;
  /** Largest width · height to accept. */
  readonly maxPixels: number;
}

/** A one-line error that names the picture. */
export function pictureError(context: DecodeContext, what: string, cause?: unknown): PictureError {
  return new PictureError(
    `Cannot decode picture ${context.name}: ${what}`,
    { path: context.name },
    cause === undefined ? undefined : { cause },
  );
}

/**
 * Refuses an empty or an overlong picture, before anything of its size is allocated.
 *
 * @throws {PictureError} If a side is 0 or the product passes `context.maxPixels`.
 */
export function checkSize(context: DecodeContext, width: number, height: number): void {
  if (!(width > 0 && height > 0)) {
    throw pictureError(context, `its header says ${width} x ${height} pixels, expected at least 1 x 1`);
  }
  if (width * height > context.maxPixels) {
    throw pictureError(
      context,
      `its header says ${width} x ${height} pixels, more than the limit of ${context.maxPixels}; raise maxPixels to accept it`,
    );
  }
}

/** A DataView over exactly the bytes of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Four (or `length`) bytes as ASCII text, for chunk names. */
export function asciiAt(bytes: Uint8Array, offset: number, length = 4): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
