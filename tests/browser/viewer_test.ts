/// <reference lib="dom" />
import assert from "node:assert/strict";
import process from "node:process";
import { serveDirectory } from "../../io/serve_directory.ts";
import { type Browser, CHROMIUM, openBrowser, type Page, violations } from "./_browser.ts";
import { syntheticRun } from "./_synthetic.ts";
import { TMP, watch, writeViewer, type WrittenViewer } from "./_viewer_fixture.ts";

const PERMISSIONS: Deno.PermissionOptions = {
  read: true,
  write: [TMP],
  run: [CHROMIUM],
  net: ["127.0.0.1"],
  // Asked for by node:child_process whenever it starts a program.
  env: ["NODE_V8_COVERAGE"],
};
const exists = await Deno.stat(CHROMIUM).then(() => true, () => false);
const ignore = !exists && Deno.env.get("CI") !== "true";
const HOSTILE = `</script><script>globalThis.hacked=1</script><img src=x onerror="globalThis.hacked=2">"'\u202e`;

let browser: Browser;
let big: WrittenViewer;
let small: WrittenViewer;

/** Tests of the page share a browser and two viewers. */
Deno.test({
  name: "the viewer in Chromium",
  ignore,
  permissions: PERMISSIONS,
  // The browser's pipes belong to all steps.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t): Promise<void> {
    await Deno.mkdir(TMP, { recursive: true });
    browser = await openBrowser();
    try {
      big = await writeViewer(syntheticRun({ dSae: 16384, k: 128, images: 4000, side: 14, chosen: 400, id: "big" }));
      small = await writeViewer(syntheticRun({
        dSae: 40,
        k: 16,
        images: 240,
        side: 7,
        chosen: 20,
        id: "small",
        label: (_, real) => real === "symbols" ? HOSTILE : real,
        picture: (image, bytes) =>
          image % 50 === 7 ? { failed: HOSTILE } : { bytes, type: "jpeg", width: 224, height: 224 },
      }));
      for (const [name, step] of STEPS) {
        await t.step({ name, fn: step, sanitizeOps: false, sanitizeResources: false });
      }
    } finally {
      await browser.close();
      for (const viewer of [big, small]) {
        if (viewer !== undefined) await Deno.remove(viewer.folder, { recursive: true });
      }
    }
  },
});

const entriesSelector = ".pictures > .grid:not(.small) > li";
const firstScreen = async (page: Page): Promise<void> => {
  await page.waitForSelector(".thumbs canvas");
  await page.waitForFunction(() =>
    Array.from(document.querySelectorAll<HTMLImageElement>(".thumbs img")).slice(0, 30).every((image) =>
      image.complete && image.naturalWidth > 0
    )
  );
};
/** The clock's time over the processor's, for a twentieth of a second of computing: 1 on an idle machine. */
function slowdown(): number {
  const [clock, { user, system }] = [performance.now(), process.cpuUsage()];
  let used = 0;
  while (used < 50) {
    const now = process.cpuUsage();
    used = (now.user - user + now.system - system) / 1000;
  }
  return Math.max(1, (performance.now() - clock) / used);
}
/** The first chosen latent of a viewer on disk. */
async function firstChosen(page: Page, { folder }: WrittenViewer): Promise<string> {
  await page.goto(new URL("index.html", folder).href);
  await page.waitForSelector(".cards .id");
  return (await page.locator(".cards .id").first().textContent())!;
}
const hash = (page: Page): string => new URL(page.url()).hash;

const STEPS: readonly (readonly [string, () => Promise<void>])[] = [
  ["400 latents of 128 pictures, of 16,384 in all: first screen below 1 s from disk, output below 60 MB", async () => {
    const times: number[] = [];
    // How much longer this machine takes than an idle one, for what computes all the time.
    const slower: number[] = [];
    const isFast = (): boolean => times.some((ms, i) => ms < 1000 * slower[i]);
    for (let i = 0; i < 20 && (i < 3 || !isFast()); i++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      const before = slowdown();
      await page.goto(new URL("index.html", big.folder).href);
      await firstScreen(page);
      // Since the navigation began; every picture in sight is decoded.
      times.push(await page.evaluate(() => performance.now()));
      slower.push((before + slowdown()) / 2);
      await context.close();
    }
    const measured = times.map((ms, i) => `${Math.round(ms)} (machine ${slower[i].toFixed(1)} x)`).join(", ");
    // deno-lint-ignore no-console -- the numbers are recorded in docs/viewer.md
    console.log(`first screen ms: ${measured}; ${big.files} files, ${(big.bytes / 1e6).toFixed(1)} MB`);
    assert.ok(isFast(), measured);
    assert.ok(big.bytes < 60e6, `${big.bytes}`);
  }],
  ["search, filters, sorting and views are in the address, and back again", async () => {
    const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href);
    await firstScreen(page);
    await page.click("text=Table");
    await page.click(".choice >> text=All");
    await page.click("th >> text=Firing rate");
    const rates = await page.locator("td.c-frequency").allTextContents();
    assert.equal(rates.length, 100);
    const numbers = rates.map((text) => parseFloat(text));
    assert.deepEqual(numbers, numbers.toSorted((a, b) => b - a));
    await page.fill("#search", "food");
    await page.waitForFunction(() => location.hash.includes("q=food"));
    for (const text of await page.locator("td.c-labels").allTextContents()) assert.match(text, /food/);
    await page.fill("[aria-label='log₁₀ firing rate, at least']", "-3");
    await page.fill("[aria-label='log₁₀ firing rate, at most']", "-2");
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => location.hash.includes("frequency=-3,-2"));
    const shown = await page.textContent(".shown");
    for (const rate of await page.locator("td.c-frequency").allTextContents()) {
      assert.ok(parseFloat(rate) >= 0.0999 && parseFloat(rate) <= 1.001, rate);
    }
    const url = page.url();
    await context.close();
    const again = await watch(browser, url);
    await again.page.waitForSelector("td.c-labels");
    assert.equal(await again.page.textContent(".shown"), shown);
    assert.equal(await again.page.inputValue("#search"), "food");
    assert.deepEqual([...problems, ...again.problems], []);
    await again.context.close();
  }],
  ["dragging a frame on the scatter filters, clicking a dot opens its latent", async () => {
    const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href);
    await firstScreen(page);
    const box = (await page.locator("canvas.scatter").boundingBox())!;
    await page.mouse.move(box.x + 120, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 230, box.y + 160, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => /frequency=.*mean=/.test(location.hash));
    const [n, of] = (await page.textContent(".shown"))!.replaceAll("\u2009", "").split(" of ").map(Number);
    assert.ok(n > 0 && n < of, `${n} of ${of}`);
    await page.click("text=Clear frame");
    assert.equal(await page.textContent(".shown"), "400 of 400");
    await page.goBack();
    assert.notEqual(await page.textContent(".shown"), "400 of 400");
    await page.mouse.click(box.x + 180, box.y + 110);
    await page.waitForSelector(".latenthead h2");
    assert.match(hash(page), /latent=\d+/);
    assert.deepEqual(problems, []);
    await context.close();
  }],
  ["a column that a run adds is in the table, the orders, the filters and on latents' pages", async () => {
    const { page, context, problems } = await watch(
      browser,
      new URL("index.html#view=table&only=all", big.folder).href,
    );
    await page.waitForSelector("td.c-further");
    await page.click("th >> text=AUROC");
    await page.waitForFunction(() => location.hash.includes("sort=c.auroc"));
    const values = async (): Promise<number[]> =>
      (await page.locator("td.c-further").allTextContents()).map((text) => text === "–" ? NaN : Number(text));
    assert.equal((await values())[0], 1);
    assert.deepEqual(await values(), (await values()).toSorted((a, b) => b - a));
    await page.fill("[aria-label='AUROC (points), at least']", "0.2");
    await page.fill("[aria-label='AUROC (points), at most']", "0.3");
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => location.hash.includes("c.auroc=0.2,0.3"));
    for (const value of await values()) assert.ok(value >= 0.2 - 1e-6 && value <= 0.3 + 1e-6, `${value}`);
    await page.click("th a");
    assert.match((await page.textContent(".numbers"))!, /AUROC0\.\d+ points/);
    assert.deepEqual(problems, []);
    await context.close();
  }],
  ["latents without pictures show how strongly they fire, and how to get their pictures", async () => {
    const { page, context, problems } = await watch(
      browser,
      new URL("index.html#only=all&sort=frequency", big.folder).href,
    );
    await page.waitForSelector(".thumbs.plain .spark .bars");
    await page.click(".latent:has(.plain) a");
    await page.waitForSelector(".pictures code");
    const latent = new URLSearchParams(hash(page).slice(1)).get("latent");
    assert.equal(await page.textContent(".pictures code"), `--include-latents ${latent}`);
    assert.ok(await page.locator(".hist .bars").count() === 1);
    await page.goto(`${page.url().split("#")[0]}#q=nothing-is-called-this`);
    await page.click("text=Look among all");
    assert.match(hash(page), /only=all/);
    await page.click(".empty >> text=Reset filters");
    await page.waitForSelector(".latent");
    assert.deepEqual(problems, []);
    await context.close();
  }],
  ["nothing moves while the overview and a latent's page fill", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    for (const place of ["", "#view=table", "latent"]) {
      const page = await context.newPage();
      await page.addInitScript(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { shifts: seen });
        new PerformanceObserver((list) => {
          for (
            const { value, sources } of list.getEntries() as unknown as {
              value: number;
              sources: { node: Element }[];
            }[]
          ) seen.push(`${value} ${sources.map(({ node }) => node?.className).join(" ")}`);
        }).observe({ type: "layout-shift", buffered: true });
      });
      const chosen = place === "latent" ? `#latent=${await firstChosen(page, big)}` : place;
      await page.goto(new URL(`index.html${chosen}`, big.folder).href);
      await page.waitForSelector(place === "latent" ? entriesSelector : place === "" ? ".thumbs canvas" : "tbody tr");
      await page.waitForTimeout(500);
      assert.deepEqual(await page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts), [], place);
      await page.close();
    }
    await context.close();
  }],
  ["a picture is shown once, or on request at each of its ranks with the ranked patch framed", async () => {
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
  }],
  ["a latent's page: pictures in rank order, looks, patches, and the latents that fire there", async () => {
    const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href);
    await firstScreen(page);
    await page.click(".cards li:nth-child(3) a");
    await page.waitForSelector(entriesSelector);
    const values = (await page.locator(`${entriesSelector} figcaption b`).allTextContents()).map(Number);
    assert.ok(values.length > 8);
    assert.deepEqual(values, values.toSorted((a, b) => b - a));
    const range = (await page.locator(".grid.small figcaption b").allTextContents()).map((text) =>
      Number(text.slice(2))
    );
    assert.ok(range.length >= 6 && range.length <= 8, `${range}`);
    assert.deepEqual(range, range.toSorted((a, b) => b - a));
    // One in each eighth, the patch framed.
    const upper = Math.max(...values);
    range.forEach((value) =>
      assert.equal(
        range.filter((v) => Math.ceil(v / upper * 8 - 0.02) === Math.ceil(value / upper * 8 - 0.02)).length,
        1,
        `${range}`,
      )
    );
    assert.equal(await page.locator(".grid.small .mark").count(), range.length);
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
  }],
  ["keyboard: next, previous, favourite, note; notes are exported and imported", async () => {
    const { page, context, problems } = await watch(browser, new URL("index.html", big.folder).href);
    await firstScreen(page);
    const ids = await page.locator(".cards .id").allTextContents();
    // The list: j and k move the focus, f marks what it is on.
    for (const key of ["j", "j", "j", "k"]) await page.keyboard.press(key);
    assert.equal(
      await page.evaluate(() => document.activeElement!.querySelector(".id")!.textContent),
      ids[1],
    );
    await page.keyboard.press("f");
    assert.equal(
      await page.locator(".star[aria-pressed=true]").getAttribute("aria-label"),
      `Favourite latent ${ids[1]}`,
    );
    await page.keyboard.press("f");
    await page.goto(`${page.url().split("#")[0]}#latent=${ids[1]}`);
    await page.waitForSelector(entriesSelector);
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((id) => location.hash.includes(`latent=${id}`), ids[2]);
    await page.keyboard.press("k");
    await page.waitForFunction((id) => location.hash.includes(`latent=${id}`), ids[1]);
    await page.keyboard.press("f");
    await page.keyboard.press("n");
    await page.keyboard.type("wheels, f and g");
    assert.equal(await page.inputValue("#note"), "wheels, f and g");
    await page.keyboard.press("Escape");
    await page.keyboard.press("u");
    await page.click("text=★ Favourites");
    assert.deepEqual(await page.locator(".cards .id").allTextContents(), [ids[1]]);
    await page.keyboard.press("/");
    await page.keyboard.type("wheels");
    await page.waitForFunction(() => location.hash.includes("q=wheels"));
    assert.equal(await page.textContent(".shown"), "1 of 1");
    const [saved] = await Promise.all([page.waitForEvent("download"), page.click(".side >> text=Export")]);
    const kept = decodeURIComponent(new URL("notes.json", big.folder).pathname);
    const json = await Deno.readTextFile(await saved.path());
    await Deno.writeTextFile(kept, json);
    assert.deepEqual(JSON.parse(json).latents, { [ids[1]]: { favourite: true, note: "wheels, f and g" } });
    await page.reload();
    assert.equal(await page.textContent(".shown"), "1 of 1");
    await context.close();
    const other = await watch(browser, new URL("index.html#only=favourites", big.folder).href);
    assert.equal(await other.page.textContent(".shown"), "0 of 0");
    await other.page.setInputFiles("input[accept*=json]", kept);
    await other.page.waitForFunction(() => document.querySelector(".shown")!.textContent === "1 of 1");
    await other.page.keyboard.press("?");
    assert.ok(await other.page.isVisible(".help"));
    assert.deepEqual([...problems, ...other.problems], []);
    await other.context.close();
  }],
  ["labels and failures with markup stay text, under a policy that lets in nothing else", async () => {
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
  }],
  ["axe finds no violation: grid, table, latent, open picture, help; light, dark and on a phone", async () => {
    for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 } }]) {
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
      for (const view of ["view=table&only=all", `latent=${id}`, `latent=${id}&entry=1&patch=3`]) {
        await page.goto(`${base}#${view}`);
        await page.waitForTimeout(400);
        assert.deepEqual(await violations(page), [], view);
      }
      await page.goto(base + "#");
      await page.keyboard.press("?");
      assert.deepEqual(await violations(page), []);
      await context.close();
    }
  }],
  ["images ranked as wholes have pictures, examples and latents that fire on them, and no patches", async () => {
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
  }],
  ["on paper a latent is its numbers and pictures, black on white, without controls", async () => {
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
  ["over http: exports as PNG and SVG, and follows a build that goes on", async () => {
    const server = await serveDirectory(decodeURIComponent(small.folder.pathname), { port: 0 });
    try {
      const { page, context, problems } = await watch(browser, server.url);
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
      await page.waitForSelector("text=16 of about 32 written so far", { timeout: 15_000 });
      await Deno.writeTextFile(progress, done);
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
      await page.waitForSelector("text=New results", { timeout: 15_000 });
      await page.waitForSelector(entriesSelector);
      assert.deepEqual(problems, []);
      await context.close();
    } finally {
      await server.close();
    }
  }],
  ["from disk, exports ask once for the pictures' folder", async () => {
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
