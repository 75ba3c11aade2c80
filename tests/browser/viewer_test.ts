import { CHROMIUM, openBrowser } from "./_browser.ts";
import { syntheticRun } from "./_synthetic.ts";
import { TMP, writeViewer, type WrittenViewer } from "./_viewer_fixture.ts";
import { LATENT_STEPS } from "./_viewer_latent.ts";
import { OUTSIDE_STEPS } from "./_viewer_outside.ts";
import { OVERVIEW_STEPS } from "./_viewer_overview.ts";
import { RANGE_STEPS } from "./_viewer_range.ts";
import { HOSTILE } from "./_viewer_steps.ts";

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
    const browser = await openBrowser();
    const written: WrittenViewer[] = [];
    const write = async (options: Parameters<typeof syntheticRun>[0]): Promise<WrittenViewer> => {
      const viewer = await writeViewer(syntheticRun(options));
      written.push(viewer);
      return viewer;
    };
    try {
      const big = await write({ dSae: 16384, k: 128, images: 4000, side: 14, chosen: 400, id: "big", sampled: 1000 });
      const small = await write({
        dSae: 40,
        k: 16,
        images: 240,
        side: 7,
        chosen: 20,
        id: "small",
        label: (_, real) => real === "symbols" ? HOSTILE : real,
        picture: (image, bytes) =>
          image % 50 === 7 ? { failed: HOSTILE } : { bytes, type: "jpeg", width: 224, height: 224 },
      });
      for (const [name, run] of [...OVERVIEW_STEPS, ...LATENT_STEPS, ...RANGE_STEPS, ...OUTSIDE_STEPS]) {
        const fn = (): Promise<void> => run({ browser, big, small });
        await t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
      }
    } finally {
      await browser.close();
      for (const { folder } of written) await Deno.remove(folder, { recursive: true });
    }
  },
});
