/**
 * Domain errors: what went wrong, in words a user can act on, with the facts as typed fields.
 *
 * Messages are in sentence case with no final period and say what was found, what was expected and what to do.
 * Plain misuse of a function throws a built-in instead: `RangeError` (a value), `TypeError` (a shape).
 * Every message is {@linkcode printable}: one line of bounded length, whatever a hostile file put into it.
 * @module
 */
import { printable } from "./printable.ts";

/** An error about a file or directory: the base of those below that name one. */
export abstract class PathError extends Error {
  /** The file or directory at fault, or the place in one. */
  readonly path: string;
  /** Takes the message and the path it is about. */
  constructor(message: string, facts: { path: string }, options?: ErrorOptions) {
    super(printable(message), options);
    this.path = facts.path;
  }
}

/** A shard directory, its metadata or one of its files is not what its metadata says. */
export class ShardFormatError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "ShardFormatError";
  /** Where in the file, in bytes from its start; undefined when the whole file is meant. */
  readonly byteOffset: number | undefined;
  /** Takes the message and the facts it is made of. */
  constructor(message: string, facts: { path: string; byteOffset?: number }, options?: ErrorOptions) {
    super(message, facts, options);
    this.byteOffset = facts.byteOffset;
  }
}

/** A checkpoint cannot be used: a missing tensor, a wrong shape, an unknown activation. */
export class CheckpointError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "CheckpointError";
  /** The tensor or config key at fault. */
  readonly key: string;
  /** What the file holds there. */
  readonly found: string;
  /** What would have been right. */
  readonly expected: string;
  /** Takes the message and the facts it is made of. */
  constructor(
    message: string,
    facts: { path: string; key: string; found: string; expected: string },
    options?: ErrorOptions,
  ) {
    super(message, facts, options);
    this.key = facts.key;
    this.found = facts.found;
    this.expected = facts.expected;
  }
}

/** A torch file is damaged: not a zip, truncated, a member or an offset out of bounds. */
export class TorchFileError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "TorchFileError";
}

/** A pickle asks for something a tensor file never needs. Nothing of it was executed. */
export class UnsafePickleError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "UnsafePickleError";
  /** The global or opcode that was refused, for example `posix.system`. */
  readonly symbol: string;
  /** Takes the message and the facts it is made of. */
  constructor(message: string, facts: { path: string; symbol: string }, options?: ErrorOptions) {
    super(message, facts, options);
    this.symbol = facts.symbol;
  }
}

/** A setting is wrong or settings contradict each other. `path` is the dotted name, as in `data.layer`. */
export class ConfigError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "ConfigError";
}

/** A picture data set cannot be read: no such root, no pictures, an unreadable table. */
export class DatasetError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "DatasetError";
}

/** One picture cannot be decoded. Rendering names it, shows a placeholder and goes on. */
export class PictureError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "PictureError";
}

/** An artifact directory is incomplete, damaged, or was made by another request. */
export class ArtifactError extends PathError {
  /** The class, also after bundling. */
  override readonly name = "ArtifactError";
}

/** The backend that was asked for cannot run here. */
export class BackendUnavailableError extends Error {
  /** The class, also after bundling. */
  override readonly name = "BackendUnavailableError";
  /** The backend asked for. */
  readonly backend: string;
  /** Why it cannot run. */
  readonly reason: string;
  /** Makes the message of both. */
  constructor(backend: string, reason: string, options?: ErrorOptions) {
    super(printable(`Cannot use the ${backend} backend: ${reason}`), options);
    this.backend = backend;
    this.reason = reason;
  }
}

/** The GPU went away and could not be had again. */
export class DeviceLostError extends Error {
  /** The class, also after bundling. */
  override readonly name = "DeviceLostError";
}

/** A job needs more than the device (or `--max-memory`) gives. */
export class DeviceLimitError extends Error {
  /** The class, also after bundling. */
  override readonly name = "DeviceLimitError";
  /** The limit's name, for example `maxStorageBufferBindingSize` or `max-memory`. */
  readonly limit: string;
  /** What the job needs, in the limit's unit. */
  readonly requested: number;
  /** What there is. */
  readonly available: number;
  /** Takes the message and the facts it is made of. */
  constructor(
    message: string,
    facts: { limit: string; requested: number; available: number },
    options?: ErrorOptions,
  ) {
    super(printable(message), options);
    this.limit = facts.limit;
    this.requested = facts.requested;
    this.available = facts.available;
  }
}

/** A row holds NaN or an infinity. Compute names image, patch and dimension; io adds shard and byte offset. */
export class NonFiniteError extends Error {
  /** The class, also after bundling. */
  override readonly name = "NonFiniteError";
  /** Image index in the data set. */
  readonly image: number;
  /** Patch index in the image, CLS excluded; 0 in image mode. */
  readonly patch: number;
  /** Dimension of the row, 0 … dVit − 1. */
  readonly dimension: number;
  /** The value found. */
  readonly value: number;
  /** Takes the message and the facts it is made of. */
  constructor(
    message: string,
    facts: { image: number; patch: number; dimension: number; value: number },
    options?: ErrorOptions,
  ) {
    super(printable(message), options);
    this.image = facts.image;
    this.patch = facts.patch;
    this.dimension = facts.dimension;
    this.value = facts.value;
  }
}

/** A picture, plot or page cannot be drawn. */
export class RenderError extends Error {
  /** The class, also after bundling. */
  override readonly name = "RenderError";
}
