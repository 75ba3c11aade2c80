import assert from "node:assert/strict";
import { RenderError } from "../../compute/errors.ts";
import { INTER_LATIN_400_WOFF2 } from "../../render/fonts/inter_latin_400.ts";
import { MAX_PLOT_PIXELS, svgToPng } from "../../render/svg_to_png.ts";

const svg = (content: string, size = 'width="40" height="20"'): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${content}</svg>`;

Deno.test({
  name: "`svgToPng()` makes a PNG of the scaled size, with no permission",
  permissions: "none",
  fn: async () => {
    for (const [scale, width, height] of [[1, 40, 20], [2, 80, 40], [0.5, 20, 10]]) {
      const png = await svgToPng(svg(""), { scale });
      const view = new DataView(png.buffer, png.byteOffset);
      assert.equal(view.getUint32(0), 0x89504e47);
      assert.deepEqual([view.getUint32(16), view.getUint32(20)], [width, height]);
    }
  },
});

Deno.test({
  name: "`svgToPng()` draws text, also where the document names another family first",
  permissions: "none",
  fn: async () => {
    const empty = await svgToPng(svg(""));
    for (const family of ["Inter", "Nowhere, Inter, sans-serif", "sans-serif"]) {
      const text = await svgToPng(svg(`<text x="2" y="15" font-family="${family}">log₁₀</text>`));
      assert.notDeepEqual(text, empty, family);
      assert.deepEqual(text, await svgToPng(svg(`<text x="2" y="15" font-family="Inter">log₁₀</text>`)), family);
    }
  },
});

Deno.test({
  name: "`svgToPng()` refuses what is not an SVG, too many pixels and a senseless scale",
  permissions: "none",
  fn: async () => {
    await assert.rejects(svgToPng("no markup"), RenderError);
    await assert.rejects(svgToPng(svg("", 'width="100000" height="100000"'), { scale: 1 }), RenderError);
    for (const scale of [0, -1, NaN, 9]) await assert.rejects(svgToPng(svg(""), { scale }), RangeError);
    await svgToPng(svg("")); // still works after a failure
  },
});

Deno.test({
  name: "`svgToPng()` draws what is too large at scale 2 as large as it may, when no scale is asked for",
  permissions: "none",
  fn: async () => {
    const png = await svgToPng(svg("", `width="${MAX_PLOT_PIXELS / 100}" height="101"`));
    const view = new DataView(png.buffer, png.byteOffset);
    const pixels = view.getUint32(16) * view.getUint32(20);
    assert.ok(pixels <= MAX_PLOT_PIXELS && pixels > MAX_PLOT_PIXELS * 0.95, `${pixels} pixels`);
  },
});

Deno.test({
  name: "`INTER_LATIN_400_WOFF2` is the file its header names",
  permissions: "none",
  fn: async () => {
    const bytes = Uint8Array.fromBase64(INTER_LATIN_400_WOFF2);
    assert.equal(bytes.length, 23_692);
    assert.equal(
      new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(),
      "dd05e326cf8eac3b55acecf29c842ed73e6e6dd06491cf47f7e8800680ab3e33",
    );
  },
});
