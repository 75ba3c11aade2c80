/**
 * Debian's Chromium through playwright-core.
 * @module
 */
import { type Browser, chromium, type Page } from "npm:playwright-core@1.65.1";
import axe from "npm:axe-core@4.10.3";

export type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";

/** Where Debian puts it. */
export const CHROMIUM = "/usr/bin/chromium";

/** Starts the browser, headless, with its own empty profile. */
export async function openBrowser(): Promise<Browser> {
  // Chromium's own sandbox does not start as root, as in containers.
  return await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
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
