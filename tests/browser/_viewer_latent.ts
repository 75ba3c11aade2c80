/// <reference lib="dom" />
/**
 * A latent's page, on screen and on paper.
 * @module
 */
import assert from "node:assert/strict";
import { violations } from "./_browser.ts";
import { syntheticRun } from "./_synthetic.ts";
import { watch, writeViewer } from "./_viewer_fixture.ts";
import { entriesSelector, firstScreen, hash, type Step } from "./_viewer_steps.ts";

/** Steps of the viewer's test. */
export const LATENT_STEPS: readonly Step[] = [
  [
    "a picture is shown once, or on request at each of its ranks with the ranked patch framed",
    async ({ browser, small }) => {
      const { page, context, problems } = await watch(browser, new URL("index.html", small.folder).href);
      await firstScreen(page);
      const links = await page.locator(".cards a").evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
      const base = page.url().split("#")[0];
      let more = "";
      for (const link of links) {
        await page.goto(base + link);
        await page.waitForSelector(entriesSelector);
        if (await page.locator(".label:has-text('also #')").count() > 0) {
          more = (await page.locator(".label:has-text('also #')").first().textContent())!;
          break;
        }
      }
      assert.match(more, /^also #\d+/);
      const once = await page.locator(entriesSelector).count();
      await page.keyboard.press("r");
      await page.waitForFunction(() => location.hash.includes("repeats=1"));
      const all = await page.locator(entriesSelector).count();
      assert.ok(all > once, `${all} > ${once}`);
      assert.equal(
        await page.locator(`${entriesSelector} .mark`).count(),
        await page.locator(`${entriesSelector}:has(img)`).count(),
      );
      // In an open picture, next and previous follow what is shown.
      await page.keyboard.press("r");
      const ranks = (await page.locator(`${entriesSelector} .line .muted`).allTextContents()).map((text) =>
        text.slice(1)
      );
      await page.locator(`${entriesSelector} .open`).first().click();
      for (const rank of ranks.slice(1)) {
        await page.keyboard.press("j");
        await page.waitForFunction((rank) => location.hash.includes(`entry=${rank}`), rank);
      }
      assert.deepEqual(problems, []);
      await context.close();
    },
  ],
  [
    "a latent's page: pictures in rank order, looks, patches, and the latents that fire there",
    async ({ browser, big }) => {
      const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href);
      await firstScreen(page);
      await page.click(".cards li:nth-child(3) a");
      await page.waitForSelector(entriesSelector);
      const values = (await page.locator(`${entriesSelector} figcaption b`).allTextContents()).map(Number);
      assert.ok(values.length > 8);
      assert.deepEqual(values, values.toSorted((a, b) => b - a));
      assert.ok(await page.locator(".hist .bars").count() === 1);
      assert.match((await page.textContent("table.labels tbody tr td:last-child"))!, /×$/);
      const alpha = (): Promise<number> =>
        page.evaluate((selector) => {
          const canvas = document.querySelector<HTMLCanvasElement>(`${selector} canvas`)!;
          const { data } = canvas.getContext("2d", { willReadFrequently: true })!.getImageData(
            0,
            0,
            canvas.width,
            canvas.height,
          );
          return data.reduce((sum, value, i) => i % 4 === 3 && value > 0 ? sum + 1 : sum, 0);
        }, entriesSelector);
      const lit = await alpha();
      await page.locator(".look input[type=range]").nth(1).fill("0.5");
      const above = await alpha();
      assert.ok(above > 0 && above < lit, `${above} < ${lit}`);
      await page.selectOption(".look select", "viridis");
      await page.keyboard.press("g");
      await page.keyboard.press("w");
      await page.waitForFunction(() => /threshold=0.5/.test(location.hash) && /map=viridis/.test(location.hash));
      await page.waitForFunction(() => /lines=1/.test(location.hash) && /whole=1/.test(location.hash));
      const lines = await page.evaluate(() =>
        getComputedStyle(document.querySelector(".pictures .lines.on")!).backgroundImage
      );
      assert.match(lines, /linear-gradient.*linear-gradient/);
      await page.keyboard.press("w");
      const picture = page.locator(`${entriesSelector} .open`).nth(1);
      const box = (await picture.boundingBox())!;
      await page.mouse.move(box.x + box.width * 0.53, box.y + box.height * 0.53);
      assert.match((await page.textContent(".tip"))!, /^row 8, column 8: /);
      await page.mouse.click(box.x + box.width * 0.53, box.y + box.height * 0.53);
      await page.waitForSelector(".fires li, .others p:text('None')");
      assert.match(hash(page), /entry=2&patch=105/);
      await page.keyboard.press("ArrowLeft");
      await page.waitForFunction(() => location.hash.includes("patch=104"));
      assert.match((await page.textContent(".detail .value"))!, /^Patch 104, row 8, column 7: /);
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !location.hash.includes("entry="));
      assert.deepEqual(problems, []);
      await context.close();
    },
  ],
  [
    "images ranked as wholes have pictures, even steps across their values and latents that fire on them, and no patches",
    async ({ browser }) => {
      const run = syntheticRun({ dSae: 30, k: 32, images: 240, side: 7, chosen: 20, id: "images", kind: "img" });
      const viewer = await writeViewer(run);
      try {
        const { page, context, problems } = await watch(browser, new URL("index.html", viewer.folder).href, {
          bypassCSP: true,
        });
        await page.waitForSelector(".thumbs img");
        assert.equal(await page.locator("canvas.heat").count(), 0);
        await page.click(".cards li:nth-child(2) a");
        await page.waitForSelector(entriesSelector);
        assert.equal(await page.locator("text=Opacity >> visible=true").count(), 0);
        const across = (await page.locator(".grid.small figcaption b").allTextContents()).map(Number);
        assert.ok(across.length > 2);
        assert.deepEqual(across, across.toSorted((a, b) => b - a));
        await page.locator(`${entriesSelector} .open`).first().click();
        await page.waitForSelector(".fires li.self");
        assert.deepEqual(await violations(page), []);
        await page.keyboard.press("Escape");
        assert.deepEqual(problems, []);
        await context.close();
      } finally {
        await Deno.remove(viewer.folder, { recursive: true });
      }
    },
  ],
  ["on paper a latent is its numbers and pictures, black on white, without controls", async ({ browser, small }) => {
    const { page, context, problems } = await watch(browser, new URL("index.html", small.folder).href, {
      colorScheme: "dark",
    });
    await firstScreen(page);
    await page.click(".cards li:first-child a");
    await page.waitForSelector(entriesSelector);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    for (const gone of ["#search", ".lookbox", ".exports", ".latenthead .button", "textarea"]) {
      assert.equal(await page.locator(gone).first().isVisible(), false, gone);
    }
    for (const there of [".latenthead h2", ".numbers", ".hist", "table.labels", `${entriesSelector} img`]) {
      assert.ok(await page.locator(there).first().isVisible(), there);
    }
    const colours = await page.evaluate(() => {
      const { backgroundColor, color } = getComputedStyle(document.querySelector(".latentpage .card")!);
      return [backgroundColor, color];
    });
    assert.deepEqual(colours, ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
    assert.deepEqual(problems, []);
    await context.close();
  }],
];
