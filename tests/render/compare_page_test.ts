import { match, ok, strictEqual, throws } from "node:assert/strict";
import { type ComparedLatent, comparePage } from "../../render/compare_page.ts";

const permissions = "none";
const side = (latent: number, src = `a/neurons/${latent}/0.jpg`): ComparedLatent => ({
  latent,
  facts: [["log10 rate", "-2.00"]],
  pictures: [{ src, alt: `"><script>alert(1)</script>` }],
});

Deno.test({
  name: "comparePage() shows pairs and what correlates next, escapes text, and lets in no script",
  permissions,
  fn(): void {
    const html = comparePage({
      title: "<b>runs</b>",
      summary: [["First run", "sae & co"]],
      pairs: [
        { a: side(5), b: side(7), correlation: 0.98765, next: [[8, 0.5]] },
        { a: side(6), b: undefined, correlation: NaN, next: [] },
      ],
    });
    ok(!/<script/i.test(html), "markup in text must not be markup");
    match(html, /5 and 7: 0\.988/);
    match(html, /8 \(0\.500\)/);
    match(html, /6: nothing correlates/);
    match(html, /sae &amp; co/);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1];
    ok(
      !policy.includes("script-src") && policy.startsWith("default-src &#39;none&#39;") ||
        policy.startsWith("default-src 'none'"),
    );
    strictEqual(/ on[a-z]+=| style=/.test(html), false);
    const styled = /<style>([^]*?)<\/style>/.exec(html)![1];
    ok(styled.length > 1000);
  },
});

Deno.test({
  name: "comparePage() names the hash of the style that it holds, and refuses pictures from elsewhere",
  permissions,
  async fn(): Promise<void> {
    const html = comparePage({ title: "t", summary: [], pairs: [] });
    const style = new TextEncoder().encode(/<style>([^]*?)<\/style>/.exec(html)![1]);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", style)).toBase64();
    ok(html.includes(`sha256-${hash}`));
    for (const src of ["https://example.org/a.jpg", "/etc/a.jpg", "data:image/png,x"]) {
      throws(
        () =>
          comparePage({ title: "", summary: [], pairs: [{ a: side(1, src), b: undefined, correlation: 1, next: [] }] }),
        RangeError,
      );
    }
  },
});
