/**
 * SVG to PNG on a thread of its own, while pictures are drawn on others.
 * @module
 */
import { RenderError } from "../compute/errors.ts";
import { svgToPng } from "./svg_to_png.ts";

type Reply = { readonly png: Uint8Array<ArrayBuffer> } | { readonly error: string };

/**
 * Rasterises an SVG as {@linkcode svgToPng} does, in a worker; in the calling thread where there are none.
 *
 * @param svg A whole SVG document with `width` and `height`.
 * @param options `permissions` of the worker in Deno: `inherit` unless told; `none` needs Deno to be run with
 *   `--unstable-worker-options` or the same in its `deno.json`. The worker uses none.
 * @returns A PNG file's bytes.
 * @throws {RenderError} If `svg` cannot be parsed.
 *
 * @example
 * ```ts
 * import { svgToPngApart } from "./svg_to_png_apart.ts";
 * const png = await svgToPngApart('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>');
 * console.assert(png[1] === 0x50);
 * ```
 */
export async function svgToPngApart(
  svg: string,
  { permissions = "inherit" }: { readonly permissions?: "none" | "inherit" } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof Worker !== "function") return await svgToPng(svg);
  // With no permission at all a worker from a URL could not load its modules.
  const narrowed = permissions === "none" ? { deno: { permissions: { import: "inherit" } } } : {};
  const options = { type: "module", ...narrowed } as { type: "module" };
  const worker = new Worker(new URL("./plot_worker.ts", import.meta.url), options);
  try {
    const reply = await new Promise<Reply | undefined>((resolve) => {
      worker.onmessage = ({ data }): void => resolve(data);
      // It may not have been allowed to start; what it would have done can be done here.
      worker.onerror = (event): void => {
        event.preventDefault();
        resolve(undefined);
      };
      worker.postMessage(svg);
    });
    if (reply === undefined) return await svgToPng(svg);
    if ("error" in reply) throw new RenderError(reply.error);
    return reply.png;
  } finally {
    worker.terminate();
  }
}
