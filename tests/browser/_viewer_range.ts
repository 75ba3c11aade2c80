/// <reference lib="dom" />
/**
 * A latent's range on its page: sampled examples, and recorded pictures where there are none.
 * @module
 */
import assert from "node:assert/strict";
import { type Page, violations } from "./_browser.ts";
import { syntheticRun } from "./_synthetic.ts";
import { watch, writeViewer } from "./_viewer_fixture.ts";
import { entriesSelector, firstScreen, hash, type Step } from "./_viewer_steps.ts";

const range = ".spread .grid.small > li";

const valuesOf = async (page: Page): Promise<number[]> =>
  (await page.locator(`${range} figcaption b`).allTextContents()).map((text) => Number(text.replace("≈ ", "")));

/** The largest of the ranked values. */
const largestOf = async (page: Page): Promise<number> =>
  Number(await page.locator(`${entriesSelector} figcaption b`).first().textContent());

/** Links to latents of the run with a number that fits, in the list's order. */
const latents = async (page: Page, fits: (latent: number) => boolean): Promise<number[]> => {
  const links = await page.locator(".cards a").evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
  return links.map((link) => Number(/latent=(\d+)/.exec(link)?.[1])).filter((latent) => fits(latent));
};

const open = async (page: Page, latent: number): Promise<void> => {
  await page.goto(`${page.url().split("#")[0]}#latent=${latent}`);
  await page.waitForSelector(entriesSelector);
};

/** Steps of the viewer's test. */
export const RANGE_STEPS: readonly Step[] = [
  [
    "across the range: sampled examples from weak to strong, and recorded patches, marked, where the sample has none",
    async ({ browser, big }) => {
      const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href, {
        bypassCSP: true,
      });
      await firstScreen(page);
      const [latent] = await latents(page, (latent) => latent % 5 !== 4);
      await open(page, latent);
      const values = await valuesOf(page);
      const upper = await largestOf(page);
      const sampled = await page.locator(`${range}:not(.recorded) figcaption b`).allTextContents();
      assert.equal(sampled.length, 10);
      assert.ok(sampled.every((text) => !text.includes("≈")));
      assert.deepEqual(values, values.toSorted((a, b) => a - b));
      assert.deepEqual(
        sampled.map((text) => Math.ceil(Number(text) / upper * 8)),
        [1, 1, 2, 2, 3, 4, 4, 6, 6, 7],
      );
      // The sample has none of the fifth and the eighth part.
      const recorded = page.locator(`${range}.recorded`);
      assert.deepEqual(
        (await recorded.locator("figcaption b").allTextContents()).map((text) =>
          Math.ceil(Number(text.slice(2)) / upper * 8 - 0.02)
        ),
        [5, 8],
      );
      assert.match((await recorded.first().textContent())!, /from #\d+/);
      assert.equal(await page.locator(`${range} .mark`).count(), 12);
      assert.match(
        (await page.textContent(".spread p"))!,
        /^For each eighth of the range up to .*chosen at random from a sample of 1\D000 of 4\D000 images\. Where those have none/,
      );
      const names = await page.locator(`${range} .open`).evaluateAll((all) =>
        all.map((button) => button.getAttribute("aria-label")!)
      );
      assert.match(names[0], /^Example of part 1 of 8 of the range, [\w-]+, activation [\d.]+$/);
      assert.match(names.at(-1)!, /^Rank \d+, for part 8 of 8 of the range, /);
      assert.deepEqual(await violations(page), []);
      // A column for each part: what belongs to one part stands above each other.
      const boxes = await page.locator(range).evaluateAll((all) =>
        all.map((item) => ({ x: item.getBoundingClientRect().x, y: item.getBoundingClientRect().y }))
      );
      assert.ok(boxes[0].x === boxes[1].x && boxes[0].y < boxes[1].y && boxes[0].y === boxes[2].y);
      assert.equal(new Set(boxes.map(({ x }) => x)).size, 8);
      // Looks hold for examples as for all pictures.
      const lit = (): Promise<number> =>
        page.evaluate((selector) => {
          const canvas = document.querySelectorAll<HTMLCanvasElement>(`${selector} canvas`)[3];
          const { data } = canvas.getContext("2d", { willReadFrequently: true })!.getImageData(
            ...[0, 0, canvas.width, canvas.height] as [number, number, number, number],
          );
          return data.reduce((sum, value, i) => i % 4 === 3 && value > 0 ? sum + 1 : sum, 0);
        }, range);
      const before = await lit();
      assert.ok(before > 1);
      // The fourth is of the second eighth, so nothing on it reaches a half.
      await page.locator(".look input[type=range]").nth(1).fill("0.5");
      assert.equal(await lit(), 0);
      await page.locator(".look input[type=range]").nth(1).fill("0");
      await page.keyboard.press("g");
      assert.equal(await page.locator(`${range} .lines.on`).count(), 12);
      // Large, by the keyboard: through the examples from weak to strong, and out again.
      await page.locator(`${range} .open`).first().focus();
      await page.keyboard.press("Enter");
      await page.waitForSelector("dialog.detail[open] .fires li.self");
      assert.match(hash(page), /entry=-1&patch=\d+/);
      assert.match((await page.textContent("dialog.detail .about"))!, /example 1 of 10 across its range/);
      const value = (await page.textContent("dialog.detail .value"))!;
      assert.match(value, /^Patch \d+, row \d+, column \d+: [\d.]+$/);
      assert.equal(Number(value.split(": ")[1]), values[0]);
      assert.deepEqual(await violations(page), []);
      await page.keyboard.press("j");
      await page.waitForFunction(() => location.hash.includes("entry=-2"));
      await page.keyboard.press("k");
      await page.keyboard.press("k");
      await page.waitForFunction(() => location.hash.includes("entry=-1"));
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !location.hash.includes("entry="));
      // One that stands in opens where it is ranked.
      await recorded.last().locator(".open").click();
      await page.waitForFunction(() => /entry=\d/.test(location.hash));
      await page.keyboard.press("Escape");
      // On a small screen they stand in four columns, in the same order.
      await page.setViewportSize({ width: 500, height: 900 });
      const narrow = await page.locator(range).evaluateAll((all) => all.map((item) => item.getBoundingClientRect().x));
      assert.equal(new Set(narrow).size, 4);
      assert.deepEqual(problems, []);
      await context.close();
    },
  ],
  [
    "across the range of a latent without examples: a recorded patch from each eighth, strongest first",
    async ({ browser, big, small }) => {
      for (const { folder } of [big, small]) {
        const { page, context, problems } = await watch(browser, new URL("index.html", folder).href);
        await firstScreen(page);
        const [latent] = await latents(page, (latent) => folder === small.folder || latent % 5 === 4);
        await open(page, latent);
        const values = await valuesOf(page);
        assert.ok(values.length >= 6 && values.length <= 8, `${values}`);
        assert.deepEqual(values, values.toSorted((a, b) => b - a));
        // One in each eighth, the patch framed.
        const upper = await largestOf(page);
        const parts = values.map((value) => Math.ceil(value / upper * 8 - 0.02));
        assert.equal(new Set(parts).size, parts.length, `${parts}`);
        const shown = folder === big.folder ? values.length : await page.locator(`${range} .pic:has(img)`).count();
        assert.equal(await page.locator(`${range} .mark`).count(), shown);
        assert.equal(await page.locator(`${range}.recorded`).count(), 0);
        assert.match(
          (await page.textContent(".spread p"))!,
          folder === big.folder
            ? /of the pictures below\. .* None of the 1\D000 images that were sampled activates it\.$/
            : /of the pictures below\. Weaker ones are those of pictures that also have a strong one\.$/,
        );
        assert.deepEqual(problems, []);
        await context.close();
      }
    },
  ],
  [
    "across the range where images are ranked as wholes: examples without heatmaps, of all images",
    async ({ browser }) => {
      const run = syntheticRun({
        ...{ dSae: 30, k: 32, images: 240, side: 7, chosen: 20, id: "wholes", kind: "img" },
        sampled: 240,
      });
      const viewer = await writeViewer(run);
      try {
        const { page, context, problems } = await watch(browser, new URL("index.html", viewer.folder).href);
        await page.waitForSelector(".thumbs img");
        const [latent] = await latents(page, (latent) => latent % 5 !== 4);
        await open(page, latent);
        const values = await valuesOf(page);
        assert.deepEqual(values, values.toSorted((a, b) => a - b));
        assert.equal(await page.locator(`${range}:not(.recorded)`).count(), 10);
        assert.match(
          (await page.textContent(".spread p"))!,
          /pictures with such a value, chosen at random from all 240/,
        );
        await page.locator(`${range} .open`).nth(2).click();
        await page.waitForSelector("dialog.detail[open] .fires li.self");
        assert.match(hash(page), /entry=-3/);
        await page.keyboard.press("Escape");
        assert.deepEqual(problems, []);
        await context.close();
      } finally {
        await Deno.remove(viewer.folder, { recursive: true });
      }
    },
  ],
];
