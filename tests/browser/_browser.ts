/**
 * Debian's Chromium through playwright-core.
 * @module
 */
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import axe from "npm:axe-core@4.10.3";

export type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";

/** Where Debian puts it. */
export const CHROMIUM = "/usr/bin/chromium";

/** Where profiles and downloads go while the browser runs. */
const TMPDIR = decodeURIComponent(new URL("../tmp", import.meta.url).pathname);

/** Starts the browser, headless, with its own empty profile. */
export async function openBrowser(): Promise<Browser> {
  // Playwright reads dozens of variables and asks for the system's release and the home directory, none of which matter
  // here: it is told something else, so that the tests need no permission for them.
  process.env = { __IS_WSL_TEST__: "1" };
  // Deno's `access` asks for the user's number; that a file can be looked at is enough here.
  const access = (path: string, ...rest: unknown[]): void =>
    fs.stat(path, (error) => (rest.at(-1) as (error: unknown) => void)(error));
  Object.assign(fs, { access });
  Object.assign(fs.promises, { access: async (path: string): Promise<void> => void await fs.promises.stat(path) });
  Object.assign(os, { homedir: () => TMPDIR, release: () => "0", tmpdir: () => TMPDIR });
  const { chromium } = await import("npm:playwright-core@1.65.1");
  // A signal ends this process as any other, and the browser, whose pipe closes, ends with it.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  // Chromium's own sandbox does not start as root, as in containers.
  return await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"], ...signals });
}

/** What axe finds wrong with a page, one line a rule. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(
          options: unknown,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) =>
      `${id}: ${nodes.length} times, first ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary.slice(0, 200)}`
    );
  });
  return found;
}
