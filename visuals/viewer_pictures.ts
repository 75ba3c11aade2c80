/**
 * The viewer's stored pictures: each made once, and known again when a job that was cut off goes on.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite, moveFiles, removeFile, removeTemporaries } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { fileSize, isDirectory, listDirectory, readSmallFile } from "../io/open_file.ts";
import type { WriteBatch } from "../io/write_batch.ts";
import { openStorePool, type StorePool } from "../render/store_pool.ts";
import type { ViewerPicture } from "../render/viewer_data.ts";
import { picturePath } from "../render/viewer/format.ts";
import { digest } from "./digest.ts";
import type { JobHooks } from "./hooks.ts";
import { readPicture } from "./picture_files.ts";

const RECORD_NAME = "viewer/.pictures.json";
const RECORD_FORMAT = 1;
const MAX_RECORD_BYTES = 256 << 20;
/** The record is written again when it has grown by this many pictures, or by an eighth if that is more. */
const KEEP_EVERY = 1024;
/** What is written here; anything else in the folders is not ours. */
const OWN_FILE = /^(\d{6,})\.(jpg|png|webp)$/;

/** A stored picture: its number, the source's width and height, the file's ending. */
type Row = readonly [image: number, width: number, height: number, ending: "jpg" | "png" | "webp"];

/** The record beside them. */
interface PictureRecord {
  readonly format: number;
  /** Digest of all that decides what the files hold. */
  readonly request: string;
  readonly pictures: readonly Row[];
  /** Images that could not be read, and why. */
  readonly failed: Readonly<Record<string, string>>;
}

/** Pictures of one request in one directory. */
export class ViewerPictures {
  readonly #directory: string;
  readonly #request: string;
  readonly #pictures: PictureSource;
  readonly #hooks: JobHooks;
  readonly #pool: StorePool;
  /** Made, but not added to a batch yet. */
  readonly #made = new Map<number, Row>();
  readonly #rows = new Map<number, Row>();
  readonly #failed = new Map<number, string>();
  #fresh = 0;
  #done = 0;
  #total = 0;

  private constructor(
    config: VisualsConfig,
    job: { directory: string; request: string; pictures: PictureSource; hooks: JobHooks },
  ) {
    this.#directory = job.directory;
    this.#request = job.request;
    this.#pictures = job.pictures;
    this.#hooks = job.hooks;
    const { maxPixels, exif: applyExif, nWorkers: threads } = config;
    this.#pool = openStorePool({ maxPixels, applyExif }, { threads, permissions: job.hooks.workerPermissions });
  }

  /**
   * Looks at what is there. Stored pictures are used again only with `resume`, and if they were made the same way.
   *
   * @throws {ArtifactError} If the record cannot be written.
   */
  static async open(
    config: VisualsConfig,
    job: { directory: string; pictures: PictureSource; hooks: JobHooks },
  ): Promise<ViewerPictures> {
    const { directory, pictures } = job;
    const request = await requestOf(config);
    const made = new ViewerPictures(config, { ...job, request });
    for (const folder of await pictureFolders(directory)) await removeTemporaries(folder);
    const found = config.resume ? await readRecord(directory) : undefined;
    if (found?.request === request) made.#take(found, pictures.length);
    // From here on the record speaks of this request only, so that a kill leaves no other's behind.
    else await removeFile(`${directory}/${RECORD_NAME}`);
    return made;
  }

  /**
   * Takes over what parts of a render have stored in directories of their own.
   *
   * @returns How many parts were taken over.
   * @throws {ArtifactError} If something cannot be moved.
   */
  static async adopt(config: VisualsConfig, directory: string, parts: readonly string[]): Promise<number> {
    const request = await requestOf(config);
    const own = await readRecord(directory);
    const rows = new Map<number, Row>();
    const failed: Record<string, string> = {};
    let adopted = 0;
    const take = (record: PictureRecord): void => {
      for (const row of record.pictures) rows.set(row[0], row);
      Object.assign(failed, record.failed);
    };
    if (own?.request === request) take(own);
    for (const part of parts) {
      const record = await readRecord(part);
      if (record?.request !== request) continue;
      const moves = record.pictures.map(([image, , , ending]) => picturePath(image, ending))
        .map((path) => [`${part}/${path}`, `${directory}/${path}`] as const);
      await moveFiles(moves);
      take(record);
      adopted += 1;
    }
    if (adopted > 0) await writeRecord(directory, { request, rows, failed });
    return adopted;
  }

  /** Says how many pictures will be asked for, for the progress shown. */
  begin(total: number): void {
    this.#total = total;
    this.#hooks.progress({ stage: "viewer", done: 0, total, unit: "pictures" });
  }

  /** A picture for the viewer; without bytes when its file is there. Asked for once an image. */
  async get(image: number): Promise<ViewerPicture> {
    this.#hooks.signal?.throwIfAborted();
    const picture = await this.#known(image) ?? await this.#pool.store(await readPicture(this.#pictures, image));
    if ("failed" in picture) this.#failed.set(image, picture.failed);
    else if (picture.bytes !== undefined) {
      const { width, height, type } = picture;
      this.#made.set(image, [image, width, height, type === "jpeg" ? "jpg" : type]);
    }
    this.#done += 1;
    this.#hooks.progress({ stage: "viewer", done: this.#done, total: this.#total, unit: "pictures" });
    return picture;
  }

  async #known(image: number): Promise<ViewerPicture | undefined> {
    const failed = this.#failed.get(image);
    if (failed !== undefined) return { failed };
    const row = this.#rows.get(image);
    if (row === undefined) return undefined;
    const [, width, height, ending] = row;
    if (await fileSize(`${this.#directory}/${picturePath(image, ending)}`) === undefined) return undefined;
    return { width, height, type: ending === "jpg" ? "jpeg" : ending };
  }

  #take({ pictures, failed }: PictureRecord, nImages: number): void {
    for (const row of pictures) if (row[0] < nImages) this.#rows.set(row[0], row);
    for (const [image, reason] of Object.entries(failed)) this.#failed.set(Number(image), reason);
  }

  /** Says that a picture's file was added to the batch that {@linkcode keep} is given. */
  added(image: number): void {
    const row = this.#made.get(image);
    if (row === undefined) return;
    this.#made.delete(image);
    this.#rows.set(image, row);
    this.#fresh += 1;
  }

  /**
   * Makes what is in `batch` durable, then records it, when enough has come together.
   *
   * @param options.now Whether to do it in any case.
   */
  async keep(batch: WriteBatch, { now = false } = {}): Promise<void> {
    if (!now && this.#fresh < Math.max(KEEP_EVERY, this.#rows.size >> 3)) return;
    await batch.flush();
    const failed = Object.fromEntries([...this.#failed].sort(([a], [b]) => a - b));
    await writeRecord(this.#directory, { request: this.#request, rows: this.#rows, failed });
    this.#fresh = 0;
  }

  /** Removes stored pictures that are not of this request, after the last was written. */
  async sweep(isShown: (image: number) => boolean): Promise<void> {
    for (const image of this.#rows.keys()) if (!isShown(image)) this.#rows.delete(image);
    for (const image of this.#failed.keys()) if (!isShown(image)) this.#failed.delete(image);
    for (const folder of await pictureFolders(this.#directory)) {
      const names = await listDirectory(folder);
      let left = names.length;
      for (const name of names) {
        const [, number, ending] = OWN_FILE.exec(name) ?? [];
        if (number === undefined || this.#rows.get(Number(number))?.[3] === ending) continue;
        await removeFile(`${folder}/${name}`);
        left -= 1;
      }
      if (left === 0) await removeFile(folder);
    }
  }

  /** Images that could not be read. */
  get failures(): ReadonlyMap<number, string> {
    return this.#failed;
  }

  /** Stops the threads. */
  close(): void {
    this.#pool.close();
  }
}

/** What decides the bytes of a stored picture. */
async function requestOf({ images, exif, maxPixels }: VisualsConfig): Promise<string> {
  return await digest({ images, exif, maxPixels });
}

async function pictureFolders(directory: string): Promise<string[]> {
  const pictures = `${directory}/viewer/pictures`;
  if (!await isDirectory(pictures)) return [];
  return (await listDirectory(pictures)).filter((name) => /^\d{3,}$/.test(name)).map((name) => `${pictures}/${name}`);
}

async function writeRecord(
  directory: string,
  { request, rows, failed }: { request: string; rows: ReadonlyMap<number, Row>; failed: Record<string, string> },
): Promise<void> {
  const pictures = [...rows.values()].sort(([a], [b]) => a - b);
  const record: PictureRecord = { format: RECORD_FORMAT, request, pictures, failed };
  await atomicWrite(`${directory}/${RECORD_NAME}`, JSON.stringify(record) + "\n");
}

async function readRecord(directory: string): Promise<PictureRecord | undefined> {
  const bytes = await readSmallFile(`${directory}/${RECORD_NAME}`, MAX_RECORD_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(bytes)) as Partial<PictureRecord> | null;
    const isOurs = record?.format === RECORD_FORMAT && Array.isArray(record.pictures) &&
      record.pictures.every(isRow) && typeof record.failed === "object" && record.failed !== null &&
      Object.values(record.failed).every((reason) => typeof reason === "string");
    return isOurs ? record as PictureRecord : undefined;
  } catch (error) {
    // Not written by us: the pictures are stored anew.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row)) return false;
  const [image, width, height, ending] = row;
  const isCount = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;
  return isCount(image, 0) && isCount(width, 1) && isCount(height, 1) && ["jpg", "png", "webp"].includes(ending);
}
