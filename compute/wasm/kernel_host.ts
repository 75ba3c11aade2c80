/**
 * What the kernels ask of their host: the clock, and the screen, which is a module of its own.
 * @module
 */

/** Kernels by export name; the first argument is the worker's number. */
export type Kernels = Readonly<Record<string, (...args: number[]) => number>>;

/** Compiled kernels. */
export interface KernelModules {
  /** Everything but the screen, over the shared memory. */
  readonly main: WebAssembly.Module;
  /** The screen, over a memory of its own; missing where nothing is screened. */
  readonly screen?: WebAssembly.Module | undefined;
}

/**
 * Puts kernels over a memory. What the screen works on is copied to its own memory: a chunk's rows once, columns once a block.
 *
 * The function is also sent to workers as text, so it must not name anything of this module. The order of the screen's
 * parameters is that of `SCREEN_FIELDS` in `kernels/screen_tiles.ts`.
 */
export function instantiateKernels({ main, screen }: KernelModules, memory: WebAssembly.Memory): Kernels {
  const now = (): number => performance.now() / 1000;
  // Kernels hand over 32 bits, which arrive as signed numbers.
  const shared = (from: number, bytes: number): Uint8Array => new Uint8Array(memory.buffer, from >>> 0, bytes >>> 0);
  const tiles = 16; // of a block, at most
  let own: Uint8Array = new Uint8Array();
  let run: ((first: number, n: number, tiles: number, skipped: number) => number) | undefined;
  let at: Record<string, number> = {};
  /** Lays the screen's memory out and writes its parameters. */
  const open = (
    bytes: number,
    rows: number,
    part: number,
    width: number,
    segments: number,
    narrow: number,
    floored: number,
  ): void => {
    if (screen === undefined) throw new Error("There is no screen among the kernels");
    // The first page holds parameters and the window.
    let top = 65536;
    const region = (size: number): number => {
      const from = top;
      top += Math.ceil(size / 64) * 64;
      return from;
    };
    at = {
      x: region(rows * width),
      begin: region(rows * segments * 8),
      rowTerms: region(rows * 16),
      w: region(tiles * 9 * width),
      columnTerms: region(tiles * 128),
      sums: region(part * 32),
      masks: region(part * 16),
      alive: region(tiles * 4),
      floors: region(floored * rows * 4),
      inverses: region(floored * tiles * 32),
    };
    if (top > bytes) throw new Error(`The screen takes ${top} bytes, ${bytes} were planned`);
    const mine = new WebAssembly.Memory({ initial: bytes / 65536, maximum: bytes / 65536 });
    own = new Uint8Array(mine.buffer);
    new Uint32Array(mine.buffer).set([width, narrow, floored, rows * 8, ...Object.values(at)]);
    run = new WebAssembly.Instance(screen, { env: { memory: mine, now } }).exports.screen as typeof run;
  };
  const env = {
    memory,
    now,
    screenOpen(...sizes: Parameters<typeof open>): void {
      if (run === undefined) open(...sizes);
    },
    screenRows(x: number, xBytes: number, begin: number, beginBytes: number, terms: number, termBytes: number): void {
      own.set(shared(x, xBytes), at.x);
      own.set(shared(begin, beginBytes), at.begin);
      own.set(shared(terms, termBytes), at.rowTerms);
    },
    screenColumns(w: number, wBytes: number, terms: number, termBytes: number): void {
      own.set(shared(w, wBytes), at.w);
      own.set(shared(terms, termBytes), at.columnTerms);
    },
    screenFloors(floors: number, bytes: number): void {
      own.set(shared(floors, bytes), at.floors);
    },
    screenInverses(inverses: number, bytes: number): void {
      own.set(shared(inverses, bytes), at.inverses);
    },
    screenPart(first: number, n: number, tiles: number, skipped: number, masks: number, alive: number): number {
      const large = run?.(first, n, tiles, skipped) ?? 0;
      if (large < 0) throw new Error("the engine computes wrong sums of bytes");
      shared(masks, n * 16).set(own.subarray(at.masks, at.masks + n * 16));
      shared(alive, tiles * 4).set(own.subarray(at.alive, at.alive + tiles * 4));
      return large;
    },
  };
  return new WebAssembly.Instance(main, { env }).exports as unknown as Kernels;
}
