/// <reference lib="dom" />
/**
 * What the steps of the viewer's tests share.
 * @module
 */
import type { Browser, Page } from "./_browser.ts";
import type { WrittenViewer } from "./_viewer_fixture.ts";

/** The browser, and two viewers on disk: of 16,384 latents, and of forty with hostile labels and pictures that failed. */
export interface Opened {
  readonly browser: Browser;
  readonly big: WrittenViewer;
  readonly small: WrittenViewer;
}

/** A step: its name, and what it does. */
export type Step = readonly [name: string, run: (opened: Opened) => Promise<void>];

/** A label that would be markup and script. */
export const HOSTILE = `</script><script>globalThis.hacked=1</script><img src=x onerror="globalThis.hacked=2">"'\u202e`;

/** A latent's entries in rank order. */
export const entriesSelector = ".pictures > .grid:not(.small) > li";

/** Waits until the pictures of the first cards are decoded. */
export const firstScreen = async (page: Page): Promise<void> => {
  await page.waitForSelector(".thumbs canvas");
  await page.waitForFunction(() =>
    Array.from(document.querySelectorAll<HTMLImageElement>(".thumbs img")).slice(0, 30).every((image) =>
      image.complete && image.naturalWidth > 0
    )
  );
};

/** The part of the address that holds the state. */
export const hash = (page: Page): string => new URL(page.url()).hash;
