/** What is asked of the file system, noted where Deno meets it. */

/** One read of an open file. */
export interface CountedRead {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

/** All that was asked, in order. */
export interface FileCounts {
  readonly opened: string[];
  readonly listed: string[];
  readonly reads: CountedRead[];
  /** Most reads that were under way at a time. */
  mostAtOnce: number;
}

/** How long a read waits for others to be under way, on a machine that may be busy: they come or they never do. */
const PATIENCE_MS = 2_000;

/**
 * Runs `body` and notes every file it opens to read, every directory it lists and every read of shards. Until `atOnce` reads
 * have been under way at a time, none ends before it has waited for that.
 */
export async function countFiles(
  body: (counts: FileCounts) => Promise<unknown>,
  atOnce = 1,
): Promise<FileCounts> {
  const counts: FileCounts = { opened: [], listed: [], reads: [], mostAtOnce: 0 };
  const { open, readDir, readDirSync } = Deno;
  const { read, readSync, seekSync } = Deno.FsFile.prototype;
  const places = new WeakMap<Deno.FsFile, { readonly path: string; offset: number }>();
  let underWay = 0;
  const met = Promise.withResolvers<void>();
  const company = async (): Promise<void> => {
    counts.mostAtOnce = Math.max(counts.mostAtOnce, underWay);
    if (counts.mostAtOnce >= atOnce) met.resolve();
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([met.promise, new Promise((resolve) => timer = setTimeout(resolve, PATIENCE_MS))]);
    clearTimeout(timer);
  };
  const note = (file: Deno.FsFile, bytes: number | null): number | null => {
    const place = places.get(file);
    if (place === undefined || bytes === null) return bytes;
    counts.reads.push({ path: place.path, offset: place.offset, bytes });
    place.offset += bytes;
    return bytes;
  };
  Object.assign(Deno, {
    open: async (path: string, options?: Deno.OpenOptions): Promise<Deno.FsFile> => {
      const file = await open(path, options);
      if (options === undefined) {
        counts.opened.push(path);
        places.set(file, { path, offset: 0 });
      }
      return file;
    },
    readDir: (path: string) => (counts.listed.push(path), readDir(path)),
    readDirSync: (path: string) => (counts.listed.push(path), readDirSync(path)),
  });
  Object.assign(Deno.FsFile.prototype, {
    async read(this: Deno.FsFile, into: Uint8Array): Promise<number | null> {
      underWay++;
      try {
        const found = await read.call(this, into);
        await company();
        return note(this, found);
      } finally {
        underWay--;
      }
    },
    readSync(this: Deno.FsFile, into: Uint8Array): number | null {
      return note(this, readSync.call(this, into));
    },
    seekSync(this: Deno.FsFile, offset: number, whence: Deno.SeekMode): number {
      const place = places.get(this);
      if (place !== undefined && whence === Deno.SeekMode.Start) place.offset = offset;
      return seekSync.call(this, offset, whence);
    },
  });
  try {
    await body(counts);
  } finally {
    Object.assign(Deno, { open, readDir, readDirSync });
    Object.assign(Deno.FsFile.prototype, { read, readSync, seekSync });
  }
  return counts;
}
