/**
 * How a job is cut: columns into chunks whose buffers fit the device's bindings, rows into strips and uploads.
 * @module
 */
import { DeviceLimitError } from "../errors.ts";

/** What decides the cut. */
export interface GeometryRequest {
  /** Width of a row. */
  readonly dVit: number;
  /** Latents. */
  readonly dSae: number;
  /** Rows per image. */
  readonly perImage: number;
  /** f32 values uploaded per image. */
  readonly imageValues: number;
  /** Entries kept per latent. */
  readonly k: number;
  /** Heatmap values per entry. */
  readonly patches: number;
  /** Candidates a latent's list holds. */
  readonly capacity: number;
  /** Latents whose distributions are kept. */
  readonly kept: number;
  /** Whether all columns of a strip must be in one buffer (TopK ranks whole rows). */
  readonly wholeRows: boolean;
  /** Rows and columns are padded to multiples of these, rows to one of 32. */
  readonly rowPad: number;
  /** See `rowPad`. */
  readonly colPad: number;
  /** Bytes of a stored weight: 4, or 2 for f16. */
  readonly storedBytes: number;
  /** Rows wanted in a strip; it holds whole images, at least one. */
  readonly stripRows: number;
  /** Bytes wanted in an upload. */
  readonly pieceBytes: number;
  /** Most images that are uploaded at once. */
  readonly maxImages: number;
  /** Most latents in a chunk. */
  readonly maxChunk: number;
  /** Largest storage binding. */
  readonly maxBindingBytes: number;
}

/** Some adjacent latents. */
export interface Chunk {
  /** First latent. */
  readonly from: number;
  /** Latents. */
  readonly cols: number;
  /** Latents rounded up to the tile. */
  readonly colsPad: number;
  /** Column of F where it begins. */
  readonly colOffset: number;
}

/** The cut. */
export interface Geometry {
  /** dVit rounded up to 16. */
  readonly kPad: number;
  /** In order of latents. */
  readonly chunks: readonly Chunk[];
  /** Length of a row of F. */
  readonly ldF: number;
  /** Images in a strip. */
  readonly stripImages: number;
  /** Its rows, rounded up to the tile. */
  readonly stripRowsPad: number;
  /** Images in an upload. */
  readonly pieceImages: number;
}

/** Largest F strip: enough rows that starting kernels costs little, few enough for cards with little memory. */
const MAX_STRIP_BYTES = 512 * 2 ** 20;

/** Halves of exact sums must be carried before this many rows. */
export const MAX_ROWS_BETWEEN_CARRIES = 65536;

const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * Cuts a job.
 *
 * @throws {DeviceLimitError} If one image, or one latent, does not fit a binding.
 *
 * @example
 * ```ts
 * import { cutJob } from "./geometry.ts";
 * const { chunks } = cutJob({
 *   dVit: 768, dSae: 12288, perImage: 49, imageValues: 50 * 768, k: 128, patches: 49, capacity: 512, kept: 25,
 *   wholeRows: false, rowPad: 128, colPad: 128, storedBytes: 4, stripRows: 1024, pieceBytes: 2 ** 26, maxImages: 1344,
 *   maxChunk: 32768, maxBindingBytes: 128 * 2 ** 20,
 * });
 * console.assert(chunks.length === 3 && chunks[2].from + chunks[2].cols === 12288);
 * ```
 */
export function cutJob(request: GeometryRequest): Geometry {
  const { dVit, dSae, perImage, k, patches, capacity, kept, rowPad, colPad, maxBindingBytes } = request;
  const kPad = pad(dVit, 16);
  const perLatent = Math.max(8192, 4 * k * patches, 12 * k, 8 * capacity, kPad * request.storedBytes);
  const oneImagePad = pad(perImage, rowPad);
  const stripLimit = Math.floor(maxBindingBytes / 4 / oneImagePad);
  let most = Math.min(Math.floor(maxBindingBytes / perLatent), request.maxChunk);
  if (!request.wholeRows) most = Math.min(most, stripLimit);
  if (most < 1) refuse("one latent", perLatent, maxBindingBytes);
  if (most >= colPad) most -= most % colPad;
  const pieces = Math.ceil(dSae / most);
  const each = most >= colPad ? Math.min(most, pad(Math.ceil(dSae / pieces), colPad)) : most;
  const chunks: Chunk[] = [];
  let offset = 0;
  for (let from = 0; from < dSae; from += each) {
    const cols = Math.min(each, dSae - from);
    chunks.push({ from, cols, colsPad: pad(cols, colPad), colOffset: request.wholeRows ? offset : 0 });
    offset += pad(cols, colPad);
  }
  const ldF = request.wholeRows ? offset : Math.max(colPad, ...chunks.map((chunk) => chunk.colsPad));
  if (ldF > stripLimit) refuse("a strip of one image", 4 * oneImagePad * ldF, maxBindingBytes);
  if (kPad * oneImagePad * 4 > maxBindingBytes) {
    refuse("the rows of one image", kPad * oneImagePad * 4, maxBindingBytes);
  }
  if (oneImagePad > MAX_ROWS_BETWEEN_CARRIES) refuse("the rows of one image", oneImagePad, MAX_ROWS_BETWEEN_CARRIES);
  const stripMost = Math.min(maxBindingBytes, Math.max(MAX_STRIP_BYTES, 4 * oneImagePad * ldF));
  const fits = (rows: number): boolean =>
    4 * pad(rows, rowPad) * Math.max(ldF, kPad) <= stripMost && pad(rows, rowPad) <= MAX_ROWS_BETWEEN_CARRIES;
  let stripImages = Math.max(1, Math.min(Math.floor(request.stripRows / perImage), request.maxImages));
  while (stripImages > 1 && !fits(stripImages * perImage)) stripImages = Math.floor(stripImages / 2);
  const imageBytes = Math.max(4 * request.imageValues, 4 * perImage * kept);
  if (imageBytes > maxBindingBytes) refuse("one image", imageBytes, maxBindingBytes);
  const pieceWanted = Math.floor(Math.min(request.pieceBytes, maxBindingBytes) / imageBytes);
  let pieceImages = Math.max(1, Math.min(pieceWanted, request.maxImages));
  // A short last strip costs as many kernels as a whole one.
  if (pieceImages > stripImages) pieceImages -= pieceImages % stripImages;
  return { kPad, chunks, ldF, stripImages, stripRowsPad: pad(stripImages * perImage, rowPad), pieceImages };
}

function refuse(what: string, requested: number, available: number): never {
  throw new DeviceLimitError(
    `Found a need for ${requested} in one binding for ${what}, expected at most ${available}: take another backend`,
    { limit: "maxStorageBufferBindingSize", requested, available },
  );
}
