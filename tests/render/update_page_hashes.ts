/**
 * Writes the hashes of the page's style and script into `render/_page_assets.ts` after either was edited.
 *
 * Run: `deno run --allow-read=render --allow-write=render tests/render/update_page_hashes.ts`
 * @module
 */
import { PAGE_SCRIPT, PAGE_STYLE } from "../../render/_page_assets.ts";

/** base64 of the SHA-256 of `text` in UTF-8, as in a content security policy. */
export async function sha256Base64(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toBase64();
}

if (import.meta.main) {
  const path = new URL("../../render/_page_assets.ts", import.meta.url);
  const source = await Deno.readTextFile(path);
  const style = await sha256Base64(PAGE_STYLE);
  const script = await sha256Base64(PAGE_SCRIPT);
  await Deno.writeTextFile(
    path,
    source
      .replace(/(PAGE_STYLE_SHA256 = ")[^"]*/, (_, start: string) => start + style)
      .replace(/(PAGE_SCRIPT_SHA256 = ")[^"]*/, (_, start: string) => start + script),
  );
}
