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
  const page = 65536;
  const most = 16; // tiles of a block
  let run: ((first: number, n: number, tiles: number, skipped: number) => number) | undefined;
  let own: Uint8Array = new Uint8Array();
  const at: Record<string, number> = {};
  const open = (capacity: number, part: number, width: number, segments: number, narrow: number): void => {
    if (screen === undefined) throw new Error("There is no screen among the kernels");
    // The first page holds parameters and the window.
    let top = page;
    const region = (bytes: number): number => {
      const from = top;
      top += Math.ceil(bytes / 64) * 64;
      return from;
    };
    Object.assign(at, {
      x: region(capacity * width),
      begin: region(capacity * segments * 16),
      rowTerms: region(capacity * 16),
      w: region(most * 8 * width),
      columnTerms: region(most * 128),
      sums: region((part + 1) * 32),
      masks: region(part * 16),
      alive: region(most * 4),
    });
    const pages = Math.ceil(top / page);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    own = new Uint8Array(memory.buffer);
    const { x, begin, rowTerms, w, columnTerms, sums, masks, alive } = at;
    new Uint32Array(memory.buffer).set([
      ...[width, narrow, capacity * 16, x, begin, rowTerms, w, columnTerms, sums, masks, alive],
    ]);
    at.width = width;
    at.segments = segments;
    at.capacity = capacity;
    run = new WebAssembly.Instance(screen, { env: { memory, now } }).exports.screen as typeof run;
  };
  const shared = (from: number, bytes: number): Uint8Array => new Uint8Array(memory.buffer, from, bytes);
  const env = {
    memory,
    now,
    screenRows(
      ...[n, capacity, part, width, segments, narrow, x, begin, terms]: [
        ...[number, number, number, number, number],
        ...[number, number, number, number],
      ]
    ): void {
      if (run === undefined) open(capacity, part, width, segments, narrow);
      own.set(shared(x, n * width), at.x);
      own.set(shared(begin, segments * capacity * 16), at.begin);
      own.set(shared(terms, n * 16), at.rowTerms);
    },
    screenColumns(tiles: number, w: number, terms: number): void {
      own.set(shared(w, tiles * 8 * at.width), at.w);
      own.set(shared(terms, tiles * 128), at.columnTerms);
    },
    screenPart(first: number, n: number, tiles: number, skipped: number, masks: number, alive: number): number {
      const large = run?.(first, n, tiles, skipped) ?? 0;
      if (large < 0) throw new Error("This engine computes wrong sums of bytes; run it without flags for V8");
      shared(masks, n * 16).set(own.subarray(at.masks, at.masks + n * 16));
      shared(alive, tiles * 4).set(own.subarray(at.alive, at.alive + tiles * 4));
      return large;
    },
  };
  return new WebAssembly.Instance(main, { env }).exports as unknown as Kernels;
}
