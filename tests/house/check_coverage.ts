/**
 * Reads an lcov report on standard input, prints the line coverage of each room's files and exits with 1 below the bar;
 * `deno task coverage` runs it.
 * @module
 */
import { isGenerated, isModule, projectFiles, readProject, ROOT } from "./_files.ts";
import { scanModule } from "./_scan.ts";

/** Lines of one file. */
export interface FileCoverage {
  readonly path: string;
  readonly found: number;
  readonly hit: number;
}

/** Least part of the lines of `compute`, `io` and `render` together that the tests must run. */
export const MIN_LINE_COVERAGE = 0.9;

/**
 * Whether a module is one that users run under Deno: in a room, not generated, not part of the kernels' build, and not of the
 * viewer's page, whose script runs in Chromium (`tests/browser`).
 */
function counts(path: string): boolean {
  return /^(?:compute|io|render)\//.test(path) && !path.startsWith("render/viewer/") &&
    !/\/build\/|\/kernels\/|\.d\.ts$/.test(path);
}

/** Parses an lcov report of files below `root`; modules that are not users' are left out. */
export function parseLcov(text: string, root: string): FileCoverage[] {
  const files: FileCoverage[] = [];
  for (const record of text.split("end_of_record")) {
    const file = /^SF:(.+)$/m.exec(record)?.[1] ?? "";
    const path = file.slice(root.length);
    if (!file.startsWith(root) || !counts(path)) continue;
    const number = (key: string): number => Number(new RegExp(`^${key}:(\\d+)$`, "m").exec(record)?.[1] ?? 0);
    files.push({ path, found: number("LF"), hit: number("LH") });
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * Returns modules of the three rooms that no test loaded, with every line of code as not run; those that declare only
 * types, generated ones and build scripts are left out.
 */
export function unloaded(files: readonly FileCoverage[]): FileCoverage[] {
  const loaded = new Set(files.map(({ path }) => path));
  return projectFiles().filter((path) => counts(path) && isModule(path) && !loaded.has(path))
    .map((path) => ({ path, text: readProject(path) }))
    .filter(({ path, text }) => !isGenerated(path, text))
    .map(({ path, text }) => ({ path, code: scanModule(text).code }))
    .filter(({ code }) => /\b(?:function|class|const|let)\b/.test(code))
    .map(({ path, code }) => ({ path, found: code.split("\n").filter((line) => line.trim() !== "").length, hit: 0 }));
}

/** Returns the covered part of the lines of all files together; 0 for none. */
export function lineCoverage(files: readonly FileCoverage[]): number {
  const found = files.reduce((sum, file) => sum + file.found, 0);
  return found === 0 ? 0 : files.reduce((sum, file) => sum + file.hit, 0) / found;
}

if (import.meta.main) {
  const loaded = parseLcov(await new Response(Deno.stdin.readable).text(), decodeURIComponent(ROOT.pathname));
  const files = [...loaded, ...unloaded(loaded)];
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`.padStart(8);
  const lines = files.map((file) => `${percent(file.hit / file.found)}  ${file.path}`);
  for (const room of ["compute", "io", "render"]) {
    lines.push(`${percent(lineCoverage(files.filter(({ path }) => path.startsWith(`${room}/`))))}  ${room}`);
  }
  const total = lineCoverage(files);
  lines.push(
    `${percent(total)}  lines of compute, io and render, the viewer's page aside; at least ${
      100 * MIN_LINE_COVERAGE
    } % are asked for`,
  );
  // deno-lint-ignore no-console -- what this script is for
  console.log(lines.join("\n"));
  if (total < MIN_LINE_COVERAGE) Deno.exit(1);
}
