/**
 * What goes to a worker that stores pictures and comes back, and the work itself.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { decodePicture } from "./decode_picture.ts";
import { type PerceptualHash, perceptualHash } from "./perceptual_hash.ts";
import type { StoredPictureOptions } from "./kept_picture.ts";
import { smallPicture } from "./stored_picture.ts";
import type { StoredPicture } from "./viewer_data.ts";

/** What a worker is asked for. */
export interface StoreRequest {
  /** The file. */
  readonly bytes: Uint8Array;
  /** How to store it, or to read it. */
  readonly options: StoredPictureOptions;
  /** Whether its hash is wanted instead. */
  readonly hash?: boolean;
}

/** A picture's hash, or why there is none. */
export type HashedPicture = { readonly hash: PerceptualHash } | { readonly failed: string };

/** What it answers. */
export type StoreReply = StoredPicture | HashedPicture | {
  readonly error: { readonly name: string; readonly message: string };
};

/** What a request asks for, made in this thread. */
export async function answer({ bytes, options, hash }: StoreRequest): Promise<StoreReply> {
  return await (hash === true ? hashedPicture(bytes, options) : smallPicture(bytes, options));
}

async function hashedPicture(bytes: Uint8Array, options: StoredPictureOptions): Promise<HashedPicture> {
  const { name, maxPixels, applyExif } = options;
  try {
    return { hash: perceptualHash(await decodePicture(bytes, { name, maxPixels, applyExif })) };
  } catch (error) {
    if (!(error instanceof PictureError) && !(error instanceof RangeError)) throw error;
    return { failed: error.message };
  }
}
