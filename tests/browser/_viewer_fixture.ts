/**
 * Writes a made-up viewer to disk and opens it.
 * @module
 */
import { buildViewer, type ViewerRun } from "../../render/viewer_data.ts";
import type { Browser, BrowserContext, Page } from "./_browser.ts";

/** Where tests write. */
export const TMP: URL = new URL("../tmp/", import.meta.url);

/** A viewer on disk. */
export interface WrittenViewer {
  /** Its folder, with a slash at the end. */
  readonly folder: URL;
  /** Files written, each counted once. */
  readonly files: number;
  /** Bytes of them. */
  readonly bytes: number;
}

/** Writes a viewer to a new folder below tests/tmp. */
export async function writeViewer(run: ViewerRun): Promise<WrittenViewer> {
  const folder = new URL(`viewer-${crypto.randomUUID()}/`, TMP);
  const sizes = new Map<string, number>();
  const made = new Set<string>();
  for await (const { path, bytes } of buildViewer(run)) {
    const file = new URL(path, folder);
    const parent = new URL("./", file);
    if (!made.has(parent.href)) await Deno.mkdir(parent, { recursive: true });
    made.add(parent.href);
    await Deno.writeFile(file, bytes);
    sizes.set(path, bytes.length);
  }
  return { folder, files: sizes.size, bytes: [...sizes.values()].reduce((a, b) => a + b, 0) };
}

/** A page that remembers what went wrong in it. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors, warnings of the policy, dialogs, and requests past the given address. */
  readonly problems: string[];
}

/** Opens an address, after `prepare` has seen the empty page; only it may be asked for. */
export async function watch(
  browser: Browser,
  url: string,
  options: Record<string, unknown> = {},
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const base = url.replace(/[^/]*(?:#.*)?$/, "");
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Tests read canvases back, which the page never does; Chromium comments on it.
    const isProblem = message.type() === "error" || message.type() === "warning";
    if (isProblem && !message.text().startsWith("Canvas2D: Multiple readback")) {
      problems.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(?:data|blob):/.test(request.url())) {
      problems.push(`request: ${request.url()}`);
    }
  });
  await prepare(page);
  await page.goto(url);
  return { page, context, problems };
}
