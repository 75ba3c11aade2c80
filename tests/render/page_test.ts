import assert from "node:assert/strict";
import { sketchBin } from "../../compute/quantile_sketch.ts";
import { PAGE_SCRIPT, PAGE_SCRIPT_SHA256, PAGE_STYLE, PAGE_STYLE_SHA256 } from "../../render/_page_assets.ts";
import { type IndexPageData, type PageLatent, renderIndexPage } from "../../render/page.ts";
import { assertWellFormed } from "./_well_formed.ts";
import { sha256Base64 } from "./update_page_hashes.ts";

const HOSTILE = `</bdi></title></script><script>alert(1)</script><img src=x onerror=alert(2)>" onload='x' \u202e&lt;`;

function latent(index: number, text: string, pictures = 3): PageLatent {
  const histogram = new Uint32Array(2048);
  for (const value of [0.5, 1, 4]) histogram[sketchBin(value)] += 1;
  return {
    latent: index,
    log10Freq: -2.5,
    log10Value: 0.25,
    count: 3,
    sketch: { histogram, offset: 0, min: 0.5, max: 4 },
    pictures: Array.from({ length: pictures }, (_, j) => ({
      src: `neurons/${index}/${j}.png`,
      image: j,
      label: text,
      name: text,
      value: 3 - j / 10,
      rank: j + 1,
      failed: j === 1 ? `${text} is truncated` : undefined,
    })),
  };
}

function page(text: string): IndexPageData {
  return {
    title: text,
    summary: [[text, text]],
    latents: [latent(7, text), latent(2, text, 20), {
      latent: 5,
      log10Freq: null,
      log10Value: null,
      count: 0,
      pictures: [],
    }],
    scatter: {
      log10Freq: new Float32Array([-2, -3, -2.5, -Infinity, NaN, -Infinity, -4, -2.5]),
      log10Value: new Float32Array([0, 0.5, 0.25, NaN, NaN, NaN, -1, 0.25]),
      freqRange: [-6, -2],
      valueRange: [-1, 1],
    },
    plots: [{ src: "3_activation_distributions.png", caption: text }],
  };
}

Deno.test({
  name: "`renderIndexPage()` turns hostile labels and names into text: the same elements as for harmless ones",
  permissions: "none",
  fn: () => {
    const shape = (text: string): string[] =>
      assertWellFormed(renderIndexPage(page(text))).map(({ name, attributes }) =>
        `${name} ${Array.from(attributes.keys()).join(" ")}`
      );
    const hostile = shape(HOSTILE);
    assert.deepEqual(hostile, shape("cat"));
    assert.equal(hostile.filter((tag) => tag.startsWith("script")).length, 1);
    assert.ok(!hostile.some((tag) => / (on\w+|style)\b/.test(tag)));
  },
});

Deno.test({
  name: "`renderIndexPage()` has a policy whose hashes are those of its style and script",
  permissions: "none",
  fn: async () => {
    const html = renderIndexPage(page("cat"));
    assert.equal(await sha256Base64(PAGE_STYLE), PAGE_STYLE_SHA256, "run tests/render/update_page_hashes.ts");
    assert.equal(await sha256Base64(PAGE_SCRIPT), PAGE_SCRIPT_SHA256, "run tests/render/update_page_hashes.ts");
    assert.ok(html.includes(`<style>${PAGE_STYLE}</style>`) && html.includes(`<script>${PAGE_SCRIPT}</script>`));
    const policy = assertWellFormed(html).find(({ attributes }) => attributes.has("http-equiv"));
    assert.equal(
      policy?.attributes.get("content")?.replaceAll("&#39;", "'"),
      `default-src 'none'; img-src 'self' file:; style-src 'sha256-${PAGE_STYLE_SHA256}'; ` +
        `script-src 'sha256-${PAGE_SCRIPT_SHA256}'; base-uri 'none'; form-action 'none'`,
    );
    // The policy must stand before anything it governs.
    assert.ok(html.indexOf("Content-Security-Policy") < html.indexOf("<style>"));
  },
});

Deno.test({
  name: "`renderIndexPage()` names every picture for screen readers, loads them lazily and links inside the page",
  permissions: "none",
  fn: () => {
    const tags = assertWellFormed(renderIndexPage(page("cat")));
    const pictures = tags.filter(({ name }) => name === "img");
    assert.equal(pictures.length, 3 + 20 - 2 + 1, "two failed pictures are not linked, one plot is");
    for (const { attributes } of pictures) {
      assert.ok((attributes.get("alt") ?? "") !== "");
      assert.equal(attributes.get("loading"), "lazy");
    }
    const ids = new Set(tags.map(({ attributes }) => attributes.get("id")).filter((id) => id !== undefined));
    for (const { attributes } of tags) {
      const link = attributes.get("href");
      if (link?.startsWith("#")) assert.ok(ids.has(link.slice(1)), link);
    }
    for (const { name, attributes } of tags) {
      if (name === "svg") assert.equal(attributes.get("role"), "img");
    }
    const levels = tags.map(({ name }) => /^h([1-6])$/.exec(name)?.[1]).filter((level) => level !== undefined);
    levels.map(Number).forEach((level, i, all) => assert.ok(i === 0 ? level === 1 : level <= all[i - 1] + 1));
  },
});

Deno.test({
  name: "`renderIndexPage()` shows numbers, silent latents and failed pictures, and hides later pictures",
  permissions: "none",
  fn: () => {
    const html = renderIndexPage({ ...page("cat"), visiblePictures: 4 });
    assert.ok(html.includes("8 latents, of which 3 never fire"));
    assert.ok(html.includes("−2.50") && html.includes("3 rows") && html.includes("median "));
    assert.ok(html.includes("No picture: cat is truncated"));
    assert.ok(html.includes("<summary>16 more</summary>"));
    assert.ok(html.includes("No picture activates this latent."));
    assert.ok(html.indexOf('id="latent-7"') < html.indexOf('id="latent-2"'), "kept in the given order");
  },
});

Deno.test({
  name: "`renderIndexPage()` is defined for no latents and refuses pictures from elsewhere",
  permissions: "none",
  fn: () => {
    assertWellFormed(renderIndexPage({ title: "", summary: [], latents: [] }));
    const empty = { log10Freq: new Float32Array(0), log10Value: new Float32Array(0) };
    const ranges = { freqRange: [-6, -2] as const, valueRange: [-1, 1] as const };
    assertWellFormed(renderIndexPage({ title: "x", summary: [], latents: [], scatter: { ...empty, ...ranges } }));
    const plots = [{ src: "https://example.com/x.png", caption: "" }];
    assert.throws(() => renderIndexPage({ title: "x", summary: [], latents: [], plots }), RangeError);
  },
});

Deno.test({
  name: "`renderIndexPage()` stays small for many latents: the scatter gathers dots in cells",
  permissions: "none",
  fn: () => {
    const n = 300_000;
    const wave = (factor: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * factor));
    const scatter = {
      log10Freq: wave(12.9898),
      log10Value: wave(78.233),
      freqRange: [-1, 0],
      valueRange: [-1, 0],
    } as const;
    assert.ok(renderIndexPage({ title: "x", summary: [], latents: [], scatter }).length < 1_500_000);
  },
});
