import assert from "node:assert/strict";
import { ConfigError } from "../../compute/errors.ts";
import { servedPath } from "../../io/serve_directory.ts";

const ROOT = new URL("../../", import.meta.url);
const TMP = new URL("../tmp/", import.meta.url);
const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP] };

/** A served folder with a page, beside a secret; links lead to both. */
async function withFolder(body: (root: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(TMP, { recursive: true });
  const base = await Deno.realPath(await Deno.makeTempDir({ dir: decodeURIComponent(TMP.pathname) }));
  try {
    await Deno.mkdir(`${base}/site/viewer`, { recursive: true });
    await Deno.mkdir(`${base}/site-secret`);
    await Deno.writeTextFile(`${base}/site/index.html`, "<!doctype html>");
    await Deno.writeTextFile(`${base}/site/viewer/a b.js`, "1");
    await Deno.writeTextFile(`${base}/site/.env`, "key");
    await Deno.writeTextFile(`${base}/secret.txt`, "key");
    await Deno.writeTextFile(`${base}/site-secret/secret.txt`, "key");
    await body(`${base}/site`);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

Deno.test({
  name: "`servedPath()` finds files, a folder's index and encoded names",
  permissions: PERMISSIONS,
  fn: () =>
    withFolder(async (root) => {
      assert.equal(await servedPath(root, "/"), `${root}/index.html`);
      assert.equal(await servedPath(root, "/index.html"), `${root}/index.html`);
      assert.equal(await servedPath(root, "/viewer/a%20b.js"), `${root}/viewer/a b.js`);
      for (const path of ["/viewer", "/viewer/", "/none.js", "/index.html/x", `/${"a".repeat(5000)}`]) {
        assert.equal(await servedPath(root, path), undefined, path);
      }
    }),
});

Deno.test({
  name: "`servedPath()` never leaves the directory: dots, encodings, absolute paths, neighbours",
  permissions: PERMISSIONS,
  fn: () =>
    withFolder(async (root) => {
      for (
        const path of [
          "/../secret.txt",
          "/viewer/../../secret.txt",
          "/%2e%2e/secret.txt",
          "/%2e%2e%2fsecret.txt",
          "/..%2fsecret.txt",
          "/..%5csecret.txt",
          "/%252e%252e/secret.txt",
          "/viewer/%2e%2e/index.html",
          "//secret.txt",
          `/${root}/index.html`,
          `/%2f${root}/../secret.txt`,
          "/../site-secret/secret.txt",
          "/.env",
          "/%2eenv",
          "/./index.html",
          "/index.html%00.js",
          "/%",
          "/%ff",
          "",
          "index.html",
        ]
      ) assert.equal(await servedPath(root, path), undefined, path);
    }),
});

Deno.test({
  name: "`serveDirectory()` refuses what is no directory before it listens",
  permissions: PERMISSIONS,
  fn: async () => {
    const { serveDirectory } = await import("../../io/serve_directory.ts");
    await assert.rejects(() => serveDirectory("fixtures/none", { port: 0 }), ConfigError);
  },
});
