/**
 * Where the kernels keep their tables: the first bytes of their memory. Pictures come after {@linkcode TABLES_END}.
 * @module
 */

/** Name and bytes of each table, in order; every one starts at a multiple of 64. */
const TABLES: readonly (readonly [name: string, bytes: number])[] = [
  ["CRC_TABLES", 8 * 1024],
  ["RUN_TABLE", 4 * 260],
  ["COUNTS", 4 * 4 * 320],
  ["TOKENS", 2 * (1 << 15) + 64],
  ["LENGTHS", 320],
  ["CODES", 2 * 320],
  ["EMIT", 4 * 520],
  ["SORT_A", 2 * 320],
  ["SORT_B", 2 * 320],
  ["SORT_PLACES", 4 * 320],
  ["NODE_WEIGHT", 4 * 640],
  ["NODE_PARENT", 2 * 640],
  ["NODE_DEPTH", 2 * 640],
  ["HEADER_COUNTS", 4 * 32],
  ["HEADER_LENGTHS", 32],
  ["HEADER_CODES", 2 * 32],
  ["HEADER_ITEMS", 4 * 320],
];

const START = 1024;

const addresses = new Map<string, number>();
let next = START;
for (const [name, bytes] of TABLES) {
  addresses.set(name, next);
  next += Math.ceil(bytes / 64) * 64;
}

/** The first byte that the kernels leave to their callers. */
export const TABLES_END: number = next;

/** The tables' addresses as declarations for the kernels' sources. */
export function tableDeclarations(): string {
  const lines = [...addresses].map(([name, address]) => `const ${name}: usize = ${address};`);
  return [...lines, "const COUNT_TABLES: usize = 4;", `const COUNT_BYTES: usize = ${4 * 320};`].join("\n");
}
