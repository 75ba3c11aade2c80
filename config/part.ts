/**
 * `--part`: which parts of how many.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";

/** Some of the equal shares that a job is split into. */
export interface PartSelection {
  /** Which, ascending, each 0 … count − 1. */
  readonly indices: readonly number[];
  /** How many there are in all. */
  readonly count: number;
}

/** More parts than files that one directory can be asked to hold. */
const MAX_PARTS = 100_000;

/**
 * Replaces `env:NAME/NAME` by the variables' values; anything else stays as it is.
 *
 * The index may be given as `NAME-1` for schedulers that count from 1, and the count as a number.
 *
 * @param variable Reads an environment variable.
 * @throws {ConfigError} If a variable is not set, or is no whole number.
 *
 * @example
 * ```ts
 * import { resolvePart } from "./part.ts";
 * const variables: Record<string, string> = { INDEX: "3", COUNT: "8" };
 * const part = resolvePart("env:INDEX-1/COUNT", (name) => variables[name]);
 * if (part !== "2/8") throw new Error(part);
 * ```
 */
export function resolvePart(part: string, variable: (name: string) => string | undefined): string {
  if (!part.startsWith("env:")) return part;
  const match = /^env:([A-Za-z_]\w*)(-\d+)?\/([A-Za-z_]\w*|\d+)$/.exec(part);
  if (match === null) throw refusal(part);
  const [, indexName, offset = "0", countName] = match;
  const read = (name: string): number => {
    const value = variable(name);
    if (value === undefined || !/^\d+$/.test(value)) {
      throw new ConfigError(
        `--part ${part} needs a whole number in the variable ${name}, found ${value === undefined ? "none" : value}`,
        { path: "part" },
      );
    }
    return Number(value);
  };
  return `${read(indexName) + Number(offset)}/${/^\d/.test(countName) ? countName : read(countName)}`;
}

/**
 * Reads `3/64`, `0,3,7-9/64` or `0-63/64`.
 *
 * @throws {ConfigError} If it is of another form, names a part twice, or one that there is not.
 *
 * @example
 * ```ts
 * import { parsePart } from "./part.ts";
 * const { indices, count } = parsePart("3,7-9/64");
 * if (indices.join() !== "3,7,8,9" || count !== 64) throw new Error(indices.join());
 * ```
 */
export function parsePart(part: string): PartSelection {
  const match = /^(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\/(\d+)$/.exec(part);
  if (match === null) throw refusal(part);
  const count = Number(match[2]);
  if (count < 1 || count > MAX_PARTS) {
    throw new ConfigError(`--part ${part} splits into ${count} parts, expected 1 to ${MAX_PARTS}`, { path: "part" });
  }
  const indices = new Set<number>();
  for (const range of match[1].split(",")) {
    const [first, last = first] = range.split("-").map(Number);
    if (last >= count || first > last) {
      throw new ConfigError(
        `--part ${part} names part ${range}, but ${count} parts are numbered 0 to ${count - 1}`,
        { path: "part" },
      );
    }
    for (let index = first; index <= last; index++) indices.add(index);
  }
  return { indices: [...indices].sort((a, b) => a - b), count };
}

/**
 * Numbers as {@linkcode parsePart} reads them: `3,7-9`. Slurm's `--array` takes the same.
 *
 * @param indices Ascending.
 *
 * @example
 * ```ts
 * import { formatIndices } from "./part.ts";
 * if (formatIndices([3, 7, 8, 9]) !== "3,7-9") throw new Error();
 * ```
 */
export function formatIndices(indices: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const index of indices) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === index - 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

function refusal(part: string): ConfigError {
  return new ConfigError(
    `--part is ${part}, expected an index from 0 and a count such as 3/64, several as 3,7-9/64, ` +
      "or the names of variables that hold them as env:INDEX/COUNT",
    { path: "part" },
  );
}
