/**
 * SVG with text to PNG, with no permission: the rasteriser is wasm and the font travels with the code.
 * @module
 */
import { RenderError } from "../compute/errors.ts";
import { encodePng } from "./encode_png.ts";
import { picture } from "./picture.ts";
import { base64Bytes } from "./_text_bytes.ts";

/** The font family that {@linkcode svgToPng} can draw; SVGs should name it first. */
export const FONT_FAMILY = "Inter";

/** Largest PNG that {@linkcode svgToPng} makes, in pixels. */
export const MAX_PLOT_PIXELS = 64_000_000;

/** Larger plots are left to the rasteriser's own encoder, which needs less memory. */
const MAX_ENCODED_PIXELS = 16_000_000;

/**
 * Rasterises an SVG. Its text is drawn in Inter (Latin letters, digits and usual signs); other scripts stay blank.
 *
 * @param svg A whole SVG document with `width` and `height`.
 * @param options `scale`: pixels per SVG unit, unless told 2 or what {@linkcode MAX_PLOT_PIXELS} allows; `background`: a CSS colour, white unless told.
 * @returns A PNG file's bytes: RGB, or RGBA where something is not opaque.
 * @throws {RangeError} If `scale` is not in (0, 8].
 * @throws {RenderError} If `svg` cannot be parsed, or the scale asked for would pass {@linkcode MAX_PLOT_PIXELS}.
 *
 * Source: resvg's static SVG subset.
 *
 * @example
 * ```ts
 * import { svgToPng } from "./svg_to_png.ts";
 * const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>';
 * const png = await svgToPng(svg, { scale: 1 });
 * console.assert(png[1] === 0x50 && png[19] === 4 && png[23] === 3);
 * ```
 */
export async function svgToPng(
  svg: string,
  options: { scale?: number; background?: string } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const scale = options.scale ?? 2;
  if (!(scale > 0 && scale <= 8)) throw new RangeError(`Cannot draw at scale ${scale}: it must be in (0, 8]`);
  // Loaded at the first plot only: 2.4 MB of wasm that most users of the library never need.
  const { Resvg, startResvg } = await import("./_resvg.js");
  const { INTER_LATIN_400_WOFF2 } = await import("./fonts/inter_latin_400.ts");
  await startResvg();
  const parse = (zoom: number): InstanceType<typeof Resvg> => {
    try {
      return new Resvg(svg, {
        fitTo: { mode: "zoom", value: zoom },
        background: options.background ?? "white",
        font: {
          fontBuffers: [base64Bytes(INTER_LATIN_400_WOFF2)],
          loadSystemFonts: false,
          defaultFontFamily: FONT_FAMILY,
          sansSerifFamily: FONT_FAMILY,
        },
      });
    } catch (cause) {
      throw new RenderError(`Cannot draw an SVG of ${svg.length} characters: ${String(cause)}`, { cause });
    }
  };
  let resvg = parse(scale);
  try {
    const units = resvg.width * resvg.height;
    if (!(units * scale * scale <= MAX_PLOT_PIXELS)) {
      if (options.scale !== undefined) {
        throw new RenderError(
          `Cannot draw a plot of ${Math.round(units * scale * scale)} pixels: at most ${MAX_PLOT_PIXELS} are drawn, ` +
            "use a smaller scale",
        );
      }
      resvg.free();
      resvg = parse(Math.sqrt(MAX_PLOT_PIXELS / units) * 0.999);
    }
    const image = resvg.render();
    try {
      const rgb = image.width * image.height <= MAX_ENCODED_PIXELS ? opaqueRgb(image.pixels) : undefined;
      // The rasteriser's own encoder takes as long as the drawing.
      if (rgb !== undefined) return encodePng(picture(image.width, image.height, rgb));
      return image.asPng() as Uint8Array<ArrayBuffer>;
    } finally {
      image.free();
    }
  } finally {
    resvg.free();
  }
}

/** RGB out of RGBA; undefined if a pixel is not opaque. */
function opaqueRgb(rgba: Uint8Array): Uint8Array | undefined {
  const rgb = new Uint8Array(rgba.length / 4 * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) {
    if (rgba[i + 3] !== 255) return undefined;
    rgb[o] = rgba[i];
    rgb[o + 1] = rgba[i + 1];
    rgb[o + 2] = rgba[i + 2];
  }
  return rgb;
}
