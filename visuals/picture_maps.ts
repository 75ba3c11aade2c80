/**
 * Where each source picture lies under its patches: `pictures.json` beside `neurons/`.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import { readSmallFile } from "../io/open_file.ts";
import { type PatchGrid, patchGrid, patchMap } from "../render/fit.ts";

/** Written last, and gone with the pictures. */
export const PICTURE_MAPS_NAME = "pictures.json";
const FORMAT = 1;
const MAX_FILE_BYTES = 256 << 20;

/** Width and height of a source picture, in pixels, turned by its EXIF orientation when that is asked for. */
export interface PictureSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What the file holds. */
interface StoredMaps {
  readonly format: number;
  /** How every picture is laid into its square. */
  readonly fit: string;
  /** The square's side, in pixels. */
  readonly side: number;
  /** Rows and columns of patches that tile the square; 1, 1 where there is no heatmap. */
  readonly grid: readonly [rows: number, cols: number];
  /** By image number: the source's size, and `[ax, bx, ay, by]` of `column = ax·x + bx`, `row = ay·y + by`. */
  readonly pictures: Readonly<Record<string, { width: number; height: number; map: readonly number[] }>>;
}

/** The sizes of a job's pictures, and the maps that follow from them. */
export class PictureMaps {
  readonly #sizes: Map<number, PictureSize>;

  private constructor(sizes: Map<number, PictureSize>) {
    this.#sizes = sizes;
  }

  /** Takes up the sizes that an earlier job of the same request stored in one of these directories. */
  static async read(directories: readonly string[]): Promise<PictureMaps> {
    const sizes = new Map<number, PictureSize>();
    for (const directory of directories) {
      for (const [image, size] of await readSizes(`${directory}/${PICTURE_MAPS_NAME}`)) sizes.set(image, size);
    }
    return new PictureMaps(sizes);
  }

  /** Whether an image's size is known. */
  has(image: number): boolean {
    return this.#sizes.has(image);
  }

  /** Notes an image's size. */
  set(image: number, size: PictureSize): void {
    this.#sizes.set(image, size);
  }

  /**
   * Writes the maps.
   *
   * @param patches Patches of a picture; 0 without heatmaps.
   * @throws {ArtifactError} If the file cannot be written.
   */
  async write(directory: string, config: VisualsConfig, patches: number): Promise<void> {
    const { fit, gridScale: scale } = config;
    const given = config.grid && { rows: config.grid[0], cols: config.grid[1] };
    const grid: PatchGrid = patches === 0 ? { rows: 1, cols: 1 } : patchGrid(patches, given);
    const pictures: Record<string, StoredMaps["pictures"][string]> = {};
    for (const [image, { width, height }] of [...this.#sizes].sort(([a], [b]) => a - b)) {
      const { scaleX, offsetX, scaleY, offsetY } = patchMap(width, height, { fit, scale, grid });
      // Twelve digits are exact to far less than a pixel, and short.
      const map = [scaleX, offsetX, scaleY, offsetY].map((value) => Number(value.toPrecision(12)));
      pictures[image] = { width, height, map };
    }
    const stored: StoredMaps = { format: FORMAT, fit, side: 224 * scale, grid: [grid.rows, grid.cols], pictures };
    await atomicWrite(`${directory}/${PICTURE_MAPS_NAME}`, JSON.stringify(stored) + "\n");
  }
}

async function readSizes(path: string): Promise<[number, PictureSize][]> {
  const bytes = await readSmallFile(path, MAX_FILE_BYTES);
  if (bytes === undefined) return [];
  try {
    const { format, pictures } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<StoredMaps>;
    if (format !== FORMAT || typeof pictures !== "object" || pictures === null) return [];
    const isSide = (side: unknown): boolean => Number.isSafeInteger(side) && (side as number) > 0;
    return Object.entries(pictures).filter(([, size]) => isSide(size?.width) && isSide(size?.height))
      .map(([image, { width, height }]) => [Number(image), { width, height }]);
  } catch (error) {
    // Not written by us: sizes are found again from the pictures.
    if (error instanceof SyntaxError || error instanceof TypeError) return [];
    throw error;
  }
}
