import assert from "node:assert/strict";
import { isGenerated, isModule, projectFiles, readProject, resolvePath, ROOT } from "./_files.ts";
import { arrowError, pinnedPackage, roomOf } from "./_rooms.ts";
import { scanModule, type Scanned } from "./_scan.ts";

const READ: Deno.PermissionOptions = { read: [ROOT] };
const MAX_LINES = 350;

interface Module extends Scanned {
  readonly path: string;
  readonly text: string;
}

let scanned: Module[] | undefined;
/** Every module of the project, scanned once. */
function modules(): Module[] {
  scanned ??= projectFiles().filter(isModule).map((path) => {
    const text = readProject(path);
    return { path, text, ...scanModule(text) };
  });
  return scanned;
}
/** Modules a user runs: everything but the tests. */
const sources = (): Module[] => modules().filter(({ path }) => roomOf(path) !== "tests");

Deno.test({
  name: "every module lies in a room, and arrows between rooms run one way",
  permissions: READ,
  fn(): void {
    const errors: string[] = [];
    for (const { path, imports } of modules()) {
      if (!roomOf(path)) errors.push(`${path} is in no room`);
      for (const { specifier, kind } of imports.filter(({ specifier }) => specifier.startsWith("."))) {
        const target = resolvePath(path, specifier);
        const isAsset = kind === "url" && !isModule(target);
        const error = isAsset ? undefined : arrowError(path, target, kind);
        if (error) errors.push(error);
      }
    }
    assert.deepEqual(errors, []);
  },
});

Deno.test({
  name: "every relative import names a file that exists",
  permissions: READ,
  fn(): void {
    const files = new Set(projectFiles());
    const missing = modules().flatMap(({ path, imports }) =>
      imports.filter(({ specifier, kind }) => specifier.startsWith(".") && kind !== "url")
        .filter(({ specifier }) => !files.has(resolvePath(path, specifier)))
        .map(({ specifier }) => `${path}: ${specifier}`)
    );
    assert.deepEqual(missing, []);
  },
});

Deno.test({
  name: "specifiers are relative, node: built-ins where allowed, or npm: with an exact version",
  permissions: READ,
  fn(): void {
    const errors: string[] = [];
    for (const { path, imports } of modules()) {
      for (const { specifier, kind } of imports) {
        if (specifier.startsWith("./") || specifier.startsWith("../") || (kind === "url" && !specifier.includes(":"))) {
          continue;
        }
        if (specifier.startsWith("node:")) {
          const room = roomOf(path)!;
          if (room.startsWith("compute")) errors.push(`${path}: ${specifier} in compute/`);
          if (room === "render") errors.push(`${path}: ${specifier} in render/`);
        } else if (!pinnedPackage(specifier)) errors.push(`${path}: ${specifier} is not npm:name@x.y.z`);
      }
    }
    assert.deepEqual(errors, []);
  },
});

Deno.test({
  name: "each npm package is named in one file only",
  permissions: READ,
  fn(): void {
    const owners = new Map<string, Set<string>>();
    for (const { path, imports } of sources()) {
      for (const { specifier } of imports) {
        const name = pinnedPackage(specifier);
        if (name) owners.set(name, (owners.get(name) ?? new Set()).add(path));
      }
    }
    const shared = [...owners].filter(([, files]) => files.size > 1).map(([name, files]) => [name, ...files].join(" "));
    assert.deepEqual(shared, []);
  },
});

Deno.test({
  name: "only io/ and the command line name Deno",
  permissions: READ,
  fn(): void {
    const named = sources().filter(({ path, code }) => {
      const room = roomOf(path);
      return room !== "io" && room !== "cli" && /\bDeno\b/.test(code);
    });
    assert.deepEqual(named.map(({ path }) => path), []);
  },
});

Deno.test({
  name: "compute and render reach for nothing outside themselves: no fetch, storage, process or dynamic code",
  permissions: READ,
  fn(): void {
    const forbidden =
      /(?<![.\w])(?:fetch|eval|localStorage|sessionStorage|process|XMLHttpRequest|WebSocket|require)\s*[.(]|\bnew\s+Function\b/;
    const errors = sources().filter(({ path }) => /^(?:compute|render)\//.test(path))
      .flatMap(({ path, code }) => {
        const found = forbidden.exec(code)?.[0];
        return found ? [`${path}: ${found}`] : [];
      });
    assert.deepEqual(errors, []);
  },
});

Deno.test({
  name: "navigator.gpu appears only inside compute/webgpu/",
  permissions: READ,
  fn(): void {
    const named = sources().filter(({ path, code }) =>
      roomOf(path) !== "compute/webgpu" && /\bnavigator\s*\??\.\s*gpu\b/.test(code)
    );
    assert.deepEqual(named.map(({ path }) => path), []);
  },
});

Deno.test({
  name: `no module is longer than ${MAX_LINES} lines, generated ones aside`,
  permissions: READ,
  fn(): void {
    const long = modules().filter(({ path, text }) => !isGenerated(path, text))
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    assert.deepEqual(long, []);
  },
});

Deno.test({
  name: "scanModule() finds imports of every form and ignores those in comments and strings",
  permissions: "none",
  fn(): void {
    const { imports, code } = scanModule([
      `import { a } from "./a.ts"; // import "./no.ts"`,
      `import type { B } from './b.ts';`,
      `export * from "./c.ts";`,
      `import "./d.ts";`,
      'const e = await import("./e.ts"), r = /["\'/]import/g, t = `${f(`import "./no.ts"`)} Deno`;',
      `new Worker(new URL("./g.ts", import.meta.url), {});`,
      `/* import "./no.ts" */ const s = "import './no.ts'"; Deno.exit();`,
      `import source h from "./h.wasm";`,
      `export type { I } from "./i.ts"; const from = 1 / 2 / 3;`,
    ].join("\n"));
    assert.deepEqual(imports.map(({ specifier, kind }) => `${kind} ${specifier}`), [
      "static ./a.ts",
      "type ./b.ts",
      "static ./c.ts",
      "static ./h.wasm",
      "type ./i.ts",
      "static ./d.ts",
      "dynamic ./e.ts",
      "url ./g.ts",
    ]);
    assert.equal(code.split("Deno").length - 1, 1);
    assert.equal(code.split("\n").length, 9);
  },
});

Deno.test({
  name: "arrowError() refuses each wrong direction",
  permissions: "none",
  fn(): void {
    const wrong: [string, string][] = [
      ["compute/a.ts", "io/b.ts"],
      ["compute/wasm/a.ts", "compute/webgpu/b.ts"],
      ["compute/reference/a.ts", "compute/wasm/b.ts"],
      ["compute/a.ts", "compute/wasm/mod.ts"],
      ["io/a.ts", "render/b.ts"],
      ["render/a.ts", "io/b.ts"],
      ["render/a.ts", "compute/webgpu/mod.ts"],
      ["cli.ts", "render/a.ts"],
      ["visuals.ts", "cli.ts"],
      ["mod.ts", "tests/a.ts"],
      ["elsewhere/a.ts", "io/a.ts"],
    ];
    for (const [from, to] of wrong) assert.ok(arrowError(from, to, "static"), `${from} -> ${to}`);
    assert.equal(arrowError("compute/a.ts", "compute/wasm/mod.ts", "dynamic"), undefined);
    assert.equal(arrowError("io/a.ts", "compute/b.ts", "static"), undefined);
    assert.equal(pinnedPackage("npm:@a/b@1.2.3/c.js"), "@a/b");
    for (const loose of ["npm:a", "npm:a@1", "npm:a@^1.2.3", "jsr:@std/path@1.0.0", "zod"]) {
      assert.equal(pinnedPackage(loose), undefined);
    }
  },
});
