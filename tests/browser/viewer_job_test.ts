/// <reference lib="dom" />
import assert from "node:assert/strict";
import { serveDirectory } from "../../io/serve_directory.ts";
import { main } from "../../visuals.ts";
import { smallDemo, stopAt } from "../visuals/_jobs.ts";
import { CHROMIUM, openBrowser } from "./_browser.ts";
import { TMP, watch } from "./_viewer_fixture.ts";

const exists = await Deno.stat(CHROMIUM).then(() => true, () => false);
const ignore = !exists && Deno.env.get("CI") !== "true";

Deno.test({
  name: "a job's viewer opens from disk, and follows over http while it is stopped, resumed and run again",
  ignore,
  permissions: {
    read: true,
    write: [TMP],
    run: [CHROMIUM],
    net: ["127.0.0.1"],
    // Asked for by node:child_process whenever it starts a program.
    env: ["NODE_V8_COVERAGE"],
  },
  // The browser's pipes.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(): Promise<void> {
    await Deno.mkdir(TMP, { recursive: true });
    const out = new URL(`job-${crypto.randomUUID()}/`, TMP);
    const path = decodeURIComponent(out.pathname);
    const browser = await openBrowser();
    try {
      await main(smallDemo(path, { nLatents: 2, topK: 8 }));
      const disk = await watch(browser, new URL("sort_by_patch/index.html", out).href);
      await disk.page.waitForSelector(".thumbs img");
      assert.equal(await disk.page.textContent(".shown"), "2 of 2");
      assert.match((await disk.page.textContent("h1"))!, /What activates the latents of emoji\/sae\.pt/);
      const loaded = disk.page.waitForFunction(() =>
        Array.from(document.querySelectorAll<HTMLImageElement>(".thumbs img")).every((image) => image.naturalWidth > 0)
      );
      await loaded;
      await disk.page.click(".cards a");
      await disk.page.waitForSelector(".hist .bars");
      // Examples from all of the range, in all images of the demo.
      assert.match((await disk.page.textContent(".spread p"))!, /chosen at random from all 240 images/);
      const values = (await disk.page.locator(".spread li:not(.recorded) b").allTextContents()).map(Number);
      const top = Number(await disk.page.locator(".pictures > .grid:not(.small) b").first().textContent());
      assert.deepEqual(values, values.toSorted((a, b) => a - b));
      assert.ok(values.length >= 8 && values[0] < top / 8 && values.at(-1) === top, `${values} of ${top}`);
      assert.deepEqual(disk.problems, []);
      await disk.context.close();

      const server = await serveDirectory(`${path}sort_by_patch`, { port: 0 });
      try {
        const { page, context, problems } = await watch(browser, server.url);
        await page.waitForSelector(".thumbs img");
        // Stopped ahead of the first file of entries: the table is there, the pictures are not.
        const more = smallDemo(path, { nLatents: 20, topK: 8, resume: true });
        await assert.rejects(main(more, stopAt("viewer", 4)), { name: "AbortError" });
        await page.waitForFunction(() => document.querySelector(".shown")!.textContent === "20 of 20");
        await page.waitForSelector("text=Not written yet");
        await main(more);
        await page.waitForFunction(() => document.querySelectorAll(".cards .thumbs img").length > 50);
        assert.equal(await page.locator("text=Not written yet").count(), 0);
        // A script that is not there is what a viewer of an unfinished run asks for.
        assert.deepEqual(problems.filter((line) => !/404|is not executable/.test(line)), []);
        await context.close();
      } finally {
        await server.close();
      }
    } finally {
      await browser.close();
      await Deno.remove(out, { recursive: true });
    }
  },
});
