/// <reference lib="dom" />
/**
 * A latent's range on its page: sampled examples, and recorded pictures where there are none.
 * @module
 */
import assert from "node:assert/strict";
import { serveDirectory } from "../../io/serve_directory.ts";
import { decodePicture } from "../../render/decode_picture.ts";
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
  [
    "contact sheet, figure and paper have the examples in their columns, above the top pictures",
    async ({ browser, big }) => {
      const server = await serveDirectory(decodeURIComponent(big.folder.pathname), { port: 0 });
      try {
        const { page, context, problems } = await watch(browser, server.url);
        await firstScreen(page);
        const save = async (text: string): Promise<Uint8Array> => {
          await page.click(".menu summary");
          const [file] = await Promise.all([page.waitForEvent("download"), page.click(`.menu >> text=${text}`)]);
          await page.click(".menu summary");
          return await Deno.readFile(await file.path());
        };
        const [latent] = await latents(page, (latent) => latent % 5 !== 4);
        const [without] = await latents(page, (latent) => latent % 5 === 4);
        await open(page, latent);
        const captions = await page.locator(`${range} figcaption b`).allTextContents();
        const ranked = await page.locator(entriesSelector).count();
        // The sheet: 8 columns of 168 and 8 between and beside them; two rows for the range, the ranking's below.
        const { width, height, data } = await decodePicture(await save("Contact sheet"), { name: "sheet" });
        const rows = Math.ceil(Math.min(64, ranked) / 8);
        const [first, row] = [62 + 28 + 2 * 16, 168 + 34 + 8];
        assert.deepEqual([width, height], [8 * 176 + 8, first + 2 * row + 28 + rows * row + 8]);
        const pixel = (x: number, y: number): number[] => {
          const at = (y * width + x) * (data.length / width / height);
          return [...data.subarray(at, at + 3)];
        };
        const isWhite = (x: number, y: number): boolean => pixel(x, y).every((value) => value === 255);
        const cells = Array.from(
          { length: 16 },
          (_, i) => !isWhite(8 + (i % 8) * 176 + 12, first + Math.floor(i / 8) * row + 12),
        );
        // Parts with two examples have a second row; the fifth and the eighth part show a recorded picture.
        assert.deepEqual(
          cells.map(Number),
          [...[1, 1, 1, 1, 1, 1, 1, 1], ...[1, 1, 0, 1, 0, 1, 0, 0]],
        );
        // Every example has its patch framed: white on black, which is nowhere in the rows without a frame.
        const framed = (column: number, line: number): boolean => {
          for (let y = 0; y < 168; y++) {
            for (let x = 0; x + 10 < 168; x++) {
              const at = [8 + column * 176 + x, first + line * row + y];
              const run = Array.from({ length: 10 }, (_, i) => isWhite(at[0] + i, at[1]));
              if (run.every(Boolean) && !isWhite(at[0], at[1] - 2)) return true;
            }
          }
          return false;
        };
        assert.deepEqual(
          cells.map((isThere, i) => !isThere || framed(i % 8, Math.floor(i / 8))),
          cells.map(() => true),
        );
        // The figure: the same, as text and vectors.
        const svg = new TextDecoder().decode(await save("Figure"));
        const texts = Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), ([, text]) => text);
        assert.deepEqual(texts.slice(0, 2), [`Latent ${latent}`, "Across the range, from weak to strong"]);
        assert.match(
          texts[2],
          /^A column for each eighth of the range up to [\d.]+: pictures by their strongest patch, framed\.$/,
        );
        assert.equal(
          texts[3],
          "Chosen at random from a sample of 1\u2009000 of 4\u2009000 images; dashed: from the ranking.",
        );
        const values = Array.from(svg.matchAll(/<text y="132" font-weight="bold">([^<]*)</g), ([, text]) => text);
        assert.deepEqual(values.slice(0, 12).map((text) => text.split("  ")[0]), captions);
        assert.match(values[12], /^#1 {2}[\d.]+$/);
        assert.ok(texts.includes("Top pictures"));
        assert.equal(svg.match(/<image /g)!.length, 12 + Math.min(16, ranked));
        assert.equal(svg.match(/stroke="#fff"/g)!.length, 12);
        assert.equal(svg.match(/stroke-dasharray/g)!.length, 2);
        // As Chromium lays it out, no text reaches into a neighbour or past the edge.
        const figure = await context.newPage();
        await figure.setContent(svg.replace(/^<\?xml[^\n]*\n/, ""));
        const cut = await figure.evaluate(() => {
          const { right, bottom } = document.querySelector("svg")!.getBoundingClientRect();
          const texts = Array.from(document.querySelectorAll("text"), (text) => text.getBoundingClientRect());
          const isCut = texts.filter((box) => box.right > right || box.bottom > bottom).length;
          const isOver = texts.filter((a, i) =>
            texts.some((b, j) =>
              i < j && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3
            )
          ).length;
          return [isCut, isOver];
        });
        assert.deepEqual(cut, [0, 0]);
        await figure.close();
        // Paper is as narrow as a small screen, and has the columns nevertheless.
        await page.setViewportSize({ width: 718, height: 1000 });
        await page.emulateMedia({ media: "print" });
        const boxes = await page.locator(range).evaluateAll((all) => all.map((item) => item.getBoundingClientRect().x));
        assert.equal(new Set(boxes).size, 8);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await page.emulateMedia({ media: "screen" });
        await page.setViewportSize({ width: 1440, height: 900 });
        // Without examples: the top pictures alone.
        await open(page, without);
        const alone = new TextDecoder().decode(await save("Figure"));
        assert.ok(!alone.includes("Across the range") && !alone.includes("Top pictures"));
        assert.deepEqual(problems, []);
        await context.close();
      } finally {
        await server.close();
      }
    },
  ],
];
