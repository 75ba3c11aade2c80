import assert from "node:assert/strict";
import { path, ROOT, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = {
  read: [ROOT],
  write: [new URL("../tmp/", import.meta.url)],
  run: ["deno"],
  net: ["127.0.0.1"],
};

/** Serves a folder as a user does and runs `body` with its address. */
async function withServe(folder: string, body: (url: string, port: number) => Promise<void>): Promise<string> {
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      `--allow-read=${folder}`,
      "--allow-net=127.0.0.1",
      "cli.ts",
      "serve",
      folder,
      "--port",
      "0",
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  try {
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1]);
    assert.ok(port > 0, text);
    await body(`http://127.0.0.1:${port}/`, port);
  } finally {
    child.kill("SIGTERM");
    await reader.cancel();
    await child.stderr.cancel();
    assert.equal((await child.status).code, 0);
  }
  return text;
}

/** One request, byte by byte: `fetch` would tidy up its path. */
async function raw(port: number, head: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${head}\r\nConnection: close\r\n\r\n`));
  const text = await new Response(connection.readable).text();
  return text;
}

Deno.test({
  name: "serve: files with their types, and nothing past the directory by paths, links, hosts or methods",
  permissions: PERMISSIONS,
  fn: () =>
    withFolder(async (base) => {
      const root = path(base) + "site";
      await Deno.mkdir(`${root}/viewer`, { recursive: true });
      await Deno.writeTextFile(`${root}/index.html`, "<!doctype html>page");
      await Deno.writeTextFile(`${root}/viewer/latents.js`, "1");
      await Deno.writeTextFile(`${root}/viewer/x.exe`, "MZ");
      await Deno.writeTextFile(path(base) + "secret.txt", "key");
      // `ln` rather than Deno.symlink, which needs to write anywhere.
      const links = { "inside.html": "index.html", "leak.txt": "../secret.txt", up: "..", loop: "loop" };
      for (const [name, to] of Object.entries(links)) {
        const made = await new Deno.Command("deno", {
          args: ["eval", `Deno.symlinkSync(${JSON.stringify(to)}, ${JSON.stringify(`${root}/${name}`)})`],
        }).output();
        assert.ok(made.success);
      }
      await withServe(root, async (url, port) => {
        const get = async (name: string): Promise<[number, string, string]> => {
          const response = await fetch(url + name);
          return [response.status, response.headers.get("content-type") ?? "", await response.text()];
        };
        assert.deepEqual(await get(""), [200, "text/html; charset=utf-8", "<!doctype html>page"]);
        assert.deepEqual(await get("inside.html"), [200, "text/html; charset=utf-8", "<!doctype html>page"]);
        assert.deepEqual(await get("viewer/latents.js?v=2"), [200, "text/javascript; charset=utf-8", "1"]);
        assert.equal((await get("viewer/x.exe"))[1], "application/octet-stream");
        for (const name of ["leak.txt", "up/secret.txt", "loop", "viewer/", "none", "..%2fsecret.txt"]) {
          assert.equal((await get(name))[0], 404, name);
        }
        const host = `Host: 127.0.0.1:${port}`;
        for (const target of ["/../secret.txt", "/viewer/../../secret.txt", "//secret.txt", "/%2e%2e/secret.txt"]) {
          const answer = await raw(port, `GET ${target} HTTP/1.1\r\n${host}`);
          assert.ok(/^HTTP\/1\.1 40[04]/.test(answer) && !answer.includes("key"), answer);
        }
        assert.match(await raw(port, "GET / HTTP/1.1\r\nHost: evil.example"), /^HTTP\/1\.1 403/);
        assert.match(await raw(port, `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 0`), /^HTTP\/1\.1 405/);
        const head = await fetch(url, { method: "HEAD" });
        assert.equal(head.headers.get("content-length"), "19");
        assert.equal(head.headers.get("x-content-type-options"), "nosniff");
        assert.equal(head.headers.get("x-frame-options"), "DENY");
        assert.equal(await head.text(), "");
      });
    }),
});
