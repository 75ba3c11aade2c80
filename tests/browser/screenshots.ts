/**
 * Takes the pictures of the documents anew: runs the demo, opens its viewer, and writes docs/images. With a directory as its
 * argument it also writes every view there, light, dark and on a phone, for whoever wants to look.
 * @module
 */
import { loadConfig } from "../../cli/load_config.ts";
import { main } from "../../visuals.ts";
import { type Browser, openBrowser, type Page } from "./_browser.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCS = new URL("docs/images/", ROOT);
const TMP = new URL("tests/tmp/", ROOT);
/** What a document may carry. */
const MAX_BYTES = 400_000;

interface View {
  readonly name: string;
  /** The address behind the page's. */
  readonly hash: string;
  /** What to do before the picture is taken. */
  readonly act?: (page: Page) => Promise<void>;
}

/** Every view worth a look. */
function views(latents: readonly string[]): View[] {
  const [latent] = latents;
  return [
    { name: "grid", hash: "#" },
    { name: "table", hash: "#view=table&only=all&sort=frequency" },
    { name: "filtered", hash: "#only=all&frequency=-3,-2&mean=-0.5,1&sort=top" },
    { name: "empty", hash: "#q=nothing+like+this" },
    { name: "favourites", hash: "#only=favourites" },
    { name: "latent", hash: `#latent=${latent}` },
    { name: "looks", hash: `#latent=${latent}&map=viridis&threshold=0.3&lines=1&whole=1&size=220` },
    { name: "open", hash: `#latent=${latent}&entry=1&patch=27` },
    { name: "silent", hash: "#latent=0" },
    { name: "print", hash: `#latent=${latent}`, act: (page) => page.emulateMedia({ media: "print" }) },
    { name: "repeats", hash: `#latent=${latent}&repeats=1&lines=1` },
    { name: "help", hash: "#", act: (page) => page.keyboard.press("?") },
  ];
}

async function shoot(
  browser: Browser,
  url: string,
  view: View,
  options: { path: URL; width: number; height: number; dark?: boolean; scale?: number; whole?: boolean },
): Promise<void> {
  const { path, width, height, dark = false, scale = 1, whole = false } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: dark ? "dark" : "light",
  });
  const page = await context.newPage();
  await page.goto(url + view.hash);
  await page.waitForSelector("#main > :not([hidden])");
  await page.waitForTimeout(400);
  await view.act?.(page);
  await page.waitForTimeout(200);
  await page.screenshot({ path: decodeURIComponent(path.pathname), fullPage: whole });
  await context.close();
}

if (import.meta.main) {
  const out = new URL(`screenshots-${crypto.randomUUID()}/`, TMP);
  const demoRoot = decodeURIComponent(new URL("fixtures/demo/emoji", ROOT).pathname);
  const { config } = await loadConfig([], { readFile: () => Promise.resolve({}), demoRoot });
  const { outputs } = await main({ ...config, device: "wasm", dumpTo: decodeURIComponent(out.pathname) });
  const page = `file://${outputs![0]}`;
  const latents = [...Deno.readDirSync(new URL("sort_by_patch/neurons/", out))].map(({ name }) => name);
  const browser = await openBrowser();
  try {
    await Deno.mkdir(DOCS, { recursive: true });
    const [grid, , , , , latent] = views(["546"]);
    const large = { width: 1200, height: 690 };
    await shoot(browser, page, grid, { ...large, path: new URL("demo.png", DOCS) });
    await shoot(browser, page, latent, { ...large, path: new URL("latent.png", DOCS) });
    for (const name of ["demo.png", "latent.png"]) {
      const { size } = await Deno.stat(new URL(name, DOCS));
      // deno-lint-ignore no-console -- what whoever runs this has to know
      if (size > MAX_BYTES) console.error(`docs/images/${name} has ${size} bytes, more than ${MAX_BYTES}`);
    }
    if (Deno.args.length > 0) {
      const folder = new URL(`${Deno.args[0].replace(/\/$/, "")}/`, ROOT);
      await Deno.mkdir(folder, { recursive: true });
      for (const view of views([latents.includes("546") ? "546" : latents[0]])) {
        for (const dark of [false, true]) {
          const path = new URL(`${view.name}-${dark ? "dark" : "light"}.png`, folder);
          await shoot(browser, page, view, { path, width: 1440, height: 900, dark });
        }
        await shoot(browser, page, view, { path: new URL(`${view.name}-phone.png`, folder), width: 390, height: 844 });
      }
    }
  } finally {
    await browser.close();
    await Deno.remove(out, { recursive: true });
  }
  Deno.exit(0);
}
