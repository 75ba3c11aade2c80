import {
  drawHeatmaps,
  type DrawSettings,
  type Heatmap,
  type LaidOut,
  layOut,
  type PictureFile,
} from "./draw_pictures.ts";

/** What a worker is asked for. Pictures it holds are known by number; the pool says which to forget. */
export interface DrawRequest {
  /** The picture's number. */
  readonly image: number;
  /** The file; undefined when the worker holds the picture from before. */
  readonly file: PictureFile | undefined;
  /** What to draw over it. */
  readonly heatmaps: readonly Heatmap[];
  /** Pictures to forget, before this one is laid out. */
  readonly forget: readonly number[];
}

/** What a worker answers. */
export type DrawReply =
  | ({ readonly files: readonly Uint8Array<ArrayBuffer>[] } & Pick<LaidOut, "size" | "failed">)
  | { readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined } };

/** Draws on request, and holds pictures until told to forget them: in a worker, or in the calling thread. */
export class PictureDrawer {
  #held = new Map<number, LaidOut>();

  /** Draws as `settings` say. */
  constructor(private readonly settings: DrawSettings) {}

  /** Answers one request; never throws. */
  async draw({ image, file, heatmaps, forget }: DrawRequest): Promise<DrawReply> {
    try {
      forget.forEach((other) => this.#held.delete(other));
      let laid = this.#held.get(image);
      if (laid === undefined) {
        if (file === undefined) throw new Error(`Picture ${image} was expected to be held`);
        laid = await layOut(file, this.settings);
        this.#held.set(image, laid);
      }
      return { files: await drawHeatmaps(laid, heatmaps, this.settings), size: laid.size, failed: laid.failed };
    } catch (error) {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      return { error: { name, message, stack } };
    }
  }
}
