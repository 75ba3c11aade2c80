import assert from "node:assert/strict";
import { decodePicture } from "../../render/decode_picture.ts";
import { encodeJpeg } from "../../render/encode_jpeg.ts";
import { encodePng } from "../../render/encode_png.ts";
import { type Fit, fitGeometry, patchRect } from "../../render/fit.ts";
import { makeImg } from "../../render/make_img.ts";
import { picture } from "../../render/picture.ts";
import { storedPicture } from "../../render/stored_picture.ts";
import { affineOf } from "../../render/_viewer_files.ts";
import { buildViewer, type ViewerArtifacts, type ViewerRun } from "../../render/viewer_data.ts";
import { floats, fromBase64, words } from "../../render/viewer/codec.ts";
import {
  VIEWER_SCRIPT,
  VIEWER_SCRIPT_SHA256,
  VIEWER_STYLE,
  VIEWER_STYLE_SHA256,
} from "../../render/viewer/_bundle.generated.ts";
import { figureSvg } from "../../render/viewer/figure_svg.ts";
import type { PageData, RunData } from "../../render/viewer/format.ts";
import { patchAt, place } from "../../render/viewer/place.ts";
import { assertWellFormed } from "./_well_formed.ts";

const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028"'`;

function run(text: string, change: Partial<ViewerRun> = {}): { run: ViewerRun; asked: number[] } {
  const asked: number[] = [];
  const artifacts: ViewerArtifacts = {
    dSae: 3,
    k: 2,
    patches: 4,
    rankValues: Float32Array.of(4, 3, 2, 2, -1, -1),
    topI: Uint32Array.of(1, 0, 1, 1, 0, 0),
    topPatchI: Uint32Array.of(3, 0, 1, 2, 0, 0),
    topCount: Uint32Array.of(2, 2, 0),
    meanValues: Float32Array.of(1, 2, NaN),
    sparsity: Float32Array.of(0.5, 0.25, 0),
    readTopValues: (latent) => Promise.resolve(Float32Array.of(0, 0, 0, 4 - 2 * latent, 1, 1, 0, 0)),
    readSketch: () => Promise.resolve({ histogram: new Uint32Array(2048).fill(1, 1280, 1290), min: 1, max: 1.3 }),
  };
  return {
    asked,
    run: {
      id: "x",
      build: "1",
      title: text,
      summary: [[text, text]],
      sortBy: "patch",
      rows: 8,
      images: 2,
      artifacts,
      chosen: [1, 0],
      freqRange: [-6, -2],
      valueRange: [-1, 1],
      label: () => text,
      name: () => text,
      picture: (image) => {
        asked.push(image);
        return Promise.resolve(
          image === 0 ? { failed: text } : { bytes: Uint8Array.of(1), type: "jpeg", width: 40, height: 30 },
        );
      },
      ...change,
    },
  };
}

async function build(of: ViewerRun): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { path, bytes } of buildViewer(of)) files.set(path, new TextDecoder().decode(bytes));
  return files;
}

/** What a data script hands over. */
function handed<T>(script: string): T {
  const found: unknown[] = [];
  new Function("saevViewer", script)((...parts: unknown[]) => found.push(parts[2]));
  assert.equal(found.length, 1);
  return found[0] as T;
}

Deno.test({
  name: "`buildViewer()` stores each distinct picture once, and says how far it has come",
  permissions: "none",
  fn: async () => {
    const { run: data, asked } = run("cat");
    const files = await build(data);
    assert.deepEqual(asked.toSorted(), [0, 1]);
    assert.deepEqual([...files.keys()], [
      "index.html",
      "viewer/latents.js",
      "viewer/state.json",
      "viewer/pictures/000/000001.jpg",
      "viewer/latents/0000.js",
      "viewer/images/0000.js",
      "viewer/sketches/0000.js",
    ]);
    assert.deepEqual(JSON.parse(files.get("viewer/state.json")!), { build: "1", pages: 1, of: 1, done: true });
  },
});

Deno.test({
  name: "`buildViewer()` writes what the run holds",
  permissions: "none",
  fn: async () => {
    const files = await build(run("cat").run);
    const table = handed<RunData>(files.get("viewer/latents.js")!);
    assert.deepEqual([...floats(table.top)], [4, 2, -1]);
    assert.deepEqual([...words(table.chosen)], [1, 0]);
    assert.deepEqual(table.grid, { rows: 2, cols: 2 });
    const page = handed<PageData>(files.get("viewer/latents/0000.js")!);
    assert.deepEqual(page.latents.map(({ latent, upper }) => [latent, upper]), [[1, 2], [0, 4]]);
    // Entry 1: one patch, after a gap of 3, at level 255; entry 2: two patches of a quarter.
    assert.deepEqual([...fromBase64(page.latents[1].heat)], [1, 3, 255, 2, 0, 64, 0, 64]);
    assert.deepEqual(page.pictures.map(([image, , , , , ending]) => [image, ending]), [[1, "jpg"], [0, ""]]);
    assert.deepEqual(handed(files.get("viewer/images/0000.js")!), { 0: [0], 1: [1, 0] });
  },
});

Deno.test({
  name: "`buildViewer()` hands further columns over bit by bit, and takes pictures that are in place already",
  permissions: "none",
  fn: async () => {
    const values = Float32Array.of(0.1, NaN, -3);
    const columns = [{ key: "auroc", name: HOSTILE, about: HOSTILE, unit: "%", values }];
    const picture = (): Promise<{ type: "jpeg"; width: number; height: number }> =>
      Promise.resolve({ type: "jpeg", width: 40, height: 30 });
    const files = await build(run("cat", { columns, picture }).run);
    const [column] = handed<RunData>(files.get("viewer/latents.js")!).columns!;
    assert.deepEqual(floats(column.values), values);
    assert.deepEqual([column.name, column.unit, column.log], [HOSTILE, "%", false]);
    assert.equal([...files.keys()].some((path) => path.endsWith(".jpg")), false);
    const page = handed<PageData>(files.get("viewer/latents/0000.js")!);
    assert.deepEqual(page.pictures.map(([, , , width, , ending]) => [width, ending]), [[40, "jpg"], [40, "jpg"]]);
  },
});

Deno.test({
  name: "`buildViewer()` keeps hostile text apart from markup and code",
  permissions: "none",
  fn: async () => {
    const shape = async (text: string): Promise<string[]> =>
      assertWellFormed((await build(run(text).run)).get("index.html")!).map(({ name }) => name);
    assert.deepEqual(await shape(HOSTILE), await shape("cat"));
    for (const [path, text] of await build(run(HOSTILE).run)) {
      if (!path.endsWith(".js")) continue;
      assert.ok(!/[<>\u2028\u2029]/.test(text), path);
    }
    const table = handed<RunData>((await build(run(HOSTILE).run)).get("viewer/latents.js")!);
    assert.equal(table.labels[0], HOSTILE);
  },
});

Deno.test({
  name: "`buildViewer()` has a policy whose hashes are those of its script and style",
  permissions: "none",
  fn: async () => {
    const sha256 = async (text: string): Promise<string> =>
      btoa(
        String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))),
      );
    assert.equal(await sha256(VIEWER_SCRIPT), VIEWER_SCRIPT_SHA256);
    assert.equal(await sha256(VIEWER_STYLE), VIEWER_STYLE_SHA256);
    assert.ok(!/<\/script|<!--/i.test(VIEWER_SCRIPT) && !/<\/style/i.test(VIEWER_STYLE));
    const html = (await build(run("cat").run)).get("index.html")!;
    assert.ok(html.includes(`<script>${VIEWER_SCRIPT}</script>`) && html.includes(`<style>${VIEWER_STYLE}</style>`));
    const policy = assertWellFormed(html).find(({ attributes }) => attributes.has("http-equiv"))!.attributes.get(
      "content",
    )!;
    assert.match(policy, /default-src &#39;none&#39;/);
    assert.ok(
      !policy.includes("unsafe") && policy.includes(VIEWER_SCRIPT_SHA256) && policy.includes(VIEWER_STYLE_SHA256),
    );
    assert.ok(html.indexOf("Content-Security-Policy") < html.indexOf("<style>"));
  },
});

Deno.test({
  name: "`buildViewer()` refuses latents, grids and plots that cannot be",
  permissions: "none",
  fn: async () => {
    await assert.rejects(() => build(run("", { chosen: [3] }).run), RangeError);
    await assert.rejects(() => build(run("", { grid: { rows: 3, cols: 1 } }).run), RangeError);
    await assert.rejects(
      () => build(run("", { plots: [{ src: "https://example.com/x", caption: "" }] }).run),
      RangeError,
    );
    await assert.rejects(() => build(run("", { plots: [{ src: "//example.com/x", caption: "" }] }).run), RangeError);
    const column = { key: "auroc", name: "AUROC", about: "", values: new Float32Array(3) };
    for (
      const columns of [[{ ...column, key: "a b" }], [column, column], [{ ...column, values: new Float32Array(2) }]]
    ) await assert.rejects(() => build(run("", { columns }).run), RangeError);
  },
});

Deno.test({
  name: "a marked patch is found where the stored map says, on every shape and fit",
  permissions: "none",
  fn: async () => {
    const grid = { rows: 7, cols: 7 };
    for (const fit of ["square", "clip", "dinov2"] as Fit[]) {
      for (const [width, height] of [[224, 224], [300, 200], [128, 301], [640, 97]]) {
        const affine = affineOf(fitGeometry(width, height, { fit }));
        for (const patch of [0, 10, 24, 48]) {
          const [ax, ay, bx, by] = affine;
          // The source pixels whose image under the map lies in the patch.
          const img = picture(width, height);
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const u = ax * (x + 0.5) + bx;
              const v = ay * (y + 0.5) + by;
              if (patchAt({ x: u, y: v }, { x: 0, y: 0, width: 1, height: 1 }, grid) === patch) {
                img.data.fill(255, 3 * (y * width + x), 3 * (y * width + x) + 3);
              }
            }
          }
          const shown = makeImg({ img, label: "", patches: new Float32Array(0) }, 1, { fit });
          const rect = patchRect(patch, grid, shown);
          let [inside, outside] = [0, 0];
          for (let y = 0; y < shown.height; y++) {
            for (let x = 0; x < shown.width; x++) {
              const light = shown.data[3 * (y * shown.width + x)] / 255;
              const isIn = x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
              if (isIn) inside += light;
              else outside += light;
            }
          }
          // Edges bleed by about a source pixel and the filter's reach; a shift by half a patch would fail both.
          assert.ok(inside / (rect.width * rect.height) > 0.8, `${fit} ${width}x${height} ${patch}: ${inside}`);
          assert.ok(outside / (rect.width * rect.height) < 0.25, `${fit} ${width}x${height} ${patch}: ${outside}`);
        }
      }
    }
    await Promise.resolve();
  },
});

Deno.test({
  name: "`place()` shows the same source point under a patch, cropped or whole",
  permissions: "none",
  fn: () => {
    const grid = { rows: 14, cols: 14 };
    for (const fit of ["square", "clip", "dinov2"] as Fit[]) {
      for (const [width, height] of [[224, 224], [640, 480], [100, 333]]) {
        const affine = affineOf(fitGeometry(width, height, { fit }));
        const cut = place({ width, height }, affine, false);
        const whole = place({ width, height }, affine, true);
        for (const [x, y] of [[0.51, 0.53], [0.31, 0.77]]) {
          const at = ({ picture }: typeof cut): { x: number; y: number } => ({
            x: picture.x + x * picture.width,
            y: picture.y + y * picture.height,
          });
          assert.equal(patchAt(at(cut), cut.patches, grid), patchAt(at(whole), whole.patches, grid));
        }
        const { picture: all } = whole;
        assert.ok(all.x >= 0 && all.y >= 0 && all.x + all.width <= 1 + 1e-12 && all.y + all.height <= 1 + 1e-12);
      }
    }
  },
});

/** Puts a segment after a JPEG's first marker. */
function withSegment(jpeg: Uint8Array, marker: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(
    0xff,
    0xd8,
    0xff,
    marker,
    (body.length + 2) >> 8,
    (body.length + 2) & 255,
    ...body,
    ...jpeg.subarray(2),
  );
}

Deno.test({
  name: "`storedPicture()` keeps a small JPEG's pixels and drops what would turn it or tell on somebody",
  permissions: "none",
  fn: async () => {
    const source = picture(31, 17);
    source.data.forEach((_, i) => source.data[i] = (i * 31) & 255);
    const plain = encodeJpeg(source);
    // Orientation 6, in a little-endian EXIF block.
    const exif = new TextEncoder().encode("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
    const turned = withSegment(withSegment(plain, 0xfe, new TextEncoder().encode("taken at home")), 0xe1, exif);
    const stored = await storedPicture(turned);
    assert.ok("bytes" in stored);
    assert.deepEqual(stored.bytes, plain);
    assert.deepEqual([stored.width, stored.height], [31, 17]);
    assert.deepEqual((await decodePicture(stored.bytes)).data, (await decodePicture(turned)).data);
  },
});

Deno.test({
  name: "`storedPicture()` makes small JPEGs of everything else, and names what it cannot read",
  permissions: "none",
  fn: async () => {
    const source = picture(800, 500);
    source.data.forEach((_, i) => source.data[i] = (i >> 4) & 255);
    const stored = await storedPicture(encodePng(source));
    assert.ok("bytes" in stored && stored.type === "jpeg");
    assert.deepEqual([stored.width, stored.height], [800, 500]);
    const small = await decodePicture(stored.bytes);
    assert.deepEqual([small.width, small.height], [512, 320]);
    const whole = encodeJpeg(picture(20, 20));
    for (
      const bytes of [
        new Uint8Array(0),
        whole.subarray(0, whole.length - 20),
        new TextEncoder().encode("<svg onload=alert(1)>"),
      ]
    ) {
      assert.ok("failed" in await storedPicture(bytes, { name: "x" }));
    }
  },
});

Deno.test({
  name: "`figureSvg()` is well-formed for any label and embeds nothing but pictures",
  permissions: "none",
  fn: () => {
    const boxes = place({ width: 4, height: 4 }, [0.25, 0.25, 0, 0], false);
    const item = {
      ...{ boxes, patches: [{ patch: 3, alpha: 0.5, fill: "#ff0000" }], value: HOSTILE, label: HOSTILE },
      ...{ mark: 3, isDashed: true, column: 0, row: 0 },
    };
    const section = { title: HOSTILE, about: [HOSTILE], columns: 3, rows: 1 };
    const items = [
      { ...item, href: "data:image/jpeg;base64,AAAA" },
      { ...item, href: 'data:image/svg+xml;base64,AAAA"', column: 1 },
      { ...item, href: "javascript:alert(1)", column: 2 },
    ];
    const svg = figureSvg(HOSTILE, [{ ...section, items }], { rows: 2, cols: 2 });
    const tags = assertWellFormed(svg.replace(/^<\?xml[^\n]*\n/, ""));
    assert.equal(tags.filter(({ name }) => name === "image").length, 1);
    assert.ok(!tags.some(({ name }) => name === "script"));
    assert.match(svg, /<rect x="60" y="60" width="60" height="60" fill="#ff0000" fill-opacity="0.500"\/>/);
    // The frame keeps off the sides, where half of it would be cut off.
    assert.match(svg, /<rect x="60" y="60" width="58" height="58" fill="none" stroke="#fff" stroke-width="2"\/>/);
    assert.equal(svg.match(/stroke-dasharray/g)!.length, 3);
    const plain = figureSvg("", [{ ...section, items: [{ ...items[0], mark: -1, isDashed: false }] }], null);
    assert.doesNotMatch(plain, /stroke|#ff0000/);
  },
});
