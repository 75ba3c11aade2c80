/// <reference lib="dom" />
/**
 * What the page takes from outside and gives: hostile texts, reading aids, exports, a build that goes on.
 * @module
 */
import assert from "node:assert/strict";
import { serveDirectory } from "../../io/serve_directory.ts";
import { violations } from "./_browser.ts";
import { watch } from "./_viewer_fixture.ts";
import { entriesSelector, firstScreen, type Step } from "./_viewer_steps.ts";

/** Steps of the viewer's test. */
export const OUTSIDE_STEPS: readonly Step[] = [
  [
    "labels and failures with markup stay text, under a policy that lets in nothing else",
    async ({ browser, small }) => {
      const { page, context, problems } = await watch(browser, new URL("index.html", small.folder).href);
      await firstScreen(page);
      const latents = await page.locator(".cards a").evaluateAll((links) =>
        links.map((link) => link.getAttribute("href")!)
      );
      let seen = 0;
      for (const link of latents.slice(0, 12)) {
        await page.goto(page.url().split("#")[0] + link);
        await page.waitForSelector(".pictures li, .pictures .empty");
        seen += await page.locator(`text=globalThis.hacked`).count();
      }
      assert.ok(seen > 0);
      await page.fill("#search", "onerror");
      await page.waitForFunction(() => location.hash.includes("onerror"));
      assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
      const refused = await page.evaluate(() => {
        const script = document.createElement("script");
        try {
          script.src = "viewer/latents.js";
          return "taken";
        } catch (error) {
          return (error as Error).name;
        }
      });
      assert.equal(refused, "TypeError");
      assert.deepEqual(problems.filter((line) => !/Trusted/.test(line)), []);
      assert.equal(await page.locator("[onclick], [onerror], [style*=expression]").count(), 0);
      await context.close();
    },
  ],
  [
    "axe finds no violation: grid, table, latent, open picture, help; light, dark and on a phone",
    async ({ browser, small }) => {
      for (
        const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 } }]
      ) {
        const { page, context } = await watch(browser, new URL("index.html", small.folder).href, {
          ...options,
          bypassCSP: true,
        });
        await firstScreen(page);
        assert.deepEqual(await violations(page), []);
        const narrow = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
        assert.ok(narrow, "the page is wider than the screen");
        const base = page.url().split("#")[0];
        const id = await page.locator(".cards .id").first().textContent();
        const views = [
          ["view=table&only=all", "tbody tr"],
          [`latent=${id}`, entriesSelector],
          [`latent=${id}&entry=1&patch=3`, ".detail .others :is(.fires, p + p)"],
        ];
        for (const [view, shown] of views) {
          await page.goto(`${base}#${view}`);
          await page.waitForSelector(shown);
          // Colours in the middle of a transition are nobody's to judge.
          await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
          assert.deepEqual(await violations(page), [], view);
        }
        await page.goto(base + "#");
        await page.keyboard.press("?");
        assert.deepEqual(await violations(page), []);
        await context.close();
      }
    },
  ],
  ["over http: exports as PNG and SVG, and follows a build that goes on", async ({ browser, small }) => {
    const server = await serveDirectory(decodeURIComponent(small.folder.pathname), { port: 0 });
    try {
      // The page asks every ten seconds how a build goes that was done, every two how one that was not.
      const { page, context, problems } = await watch(browser, server.url, {}, (page) => page.clock.install());
      await firstScreen(page);
      await page.click(".cards li:first-child a");
      await page.waitForSelector(entriesSelector);
      const save = async (text: string): Promise<Uint8Array> => {
        await page.click(".menu summary");
        const [file] = await Promise.all([page.waitForEvent("download"), page.click(`.menu >> text=${text}`)]);
        await page.click(".menu summary");
        return await Deno.readFile(await file.path());
      };
      const png = await save("Contact sheet");
      assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
      assert.ok(png.length > 20_000);
      const svg = new TextDecoder().decode(await save("Figure"));
      assert.match(svg, /<image [^>]*href="data:image\/jpeg;base64,/);
      assert.match(svg, /<rect [^>]*fill-opacity="0\./);
      assert.ok(!svg.includes("<script"));
      // A build that goes on says how far it is, and moves nothing that is there.
      const progress = new URL("viewer/state.json", small.folder);
      const done = await Deno.readTextFile(progress);
      await page.goBack();
      await page.evaluate(() => document.querySelector<HTMLElement>(".cards li")!.dataset.kept = "1");
      await Deno.writeTextFile(progress, done.replace('"pages":2', '"pages":1').replace('"done":true', '"done":false'));
      await page.clock.fastForward(10_000);
      await page.waitForSelector("text=16 of about 32 written so far");
      await Deno.writeTextFile(progress, done);
      await page.clock.fastForward(2_000);
      await page.waitForSelector("text=written so far", { state: "detached" });
      assert.equal(await page.locator(".cards li[data-kept]").count(), 1);
      await page.click(".cards li:first-child a");
      await page.waitForSelector(entriesSelector);
      const latents = new URL("viewer/latents.js", small.folder);
      const text = await Deno.readTextFile(latents);
      await Deno.writeTextFile(
        latents,
        text.replace('"build":"1"', '"build":"2"').replace("What activates these latents", "Second build"),
      );
      const state = new URL("viewer/state.json", small.folder);
      await Deno.writeTextFile(state, (await Deno.readTextFile(state)).replace('"build":"1"', '"build":"2"'));
      await page.clock.fastForward(10_000);
      await page.waitForSelector("text=New results");
      await page.waitForSelector(entriesSelector);
      assert.deepEqual(problems, []);
      await context.close();
    } finally {
      await server.close();
    }
  }],
  ["from disk, exports ask once for the pictures' folder", async ({ browser, small }) => {
    const { page, context, problems } = await watch(browser, new URL("index.html", small.folder).href);
    await firstScreen(page);
    await page.click(".cards li:first-child a");
    await page.waitForSelector(entriesSelector);
    await page.click(".menu summary");
    await page.click(".menu >> text=Contact sheet");
    await page.waitForSelector("dialog.ask");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.setInputFiles("#folder", decodeURIComponent(new URL("viewer/pictures", small.folder).pathname)),
    ]);
    assert.ok((await Deno.readFile(await file.path())).length > 20_000);
    assert.deepEqual(problems, []);
    await context.close();
  }],
];
