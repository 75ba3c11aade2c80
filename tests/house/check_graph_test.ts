import assert from "node:assert/strict";
import { graphErrors } from "./check_graph.ts";

Deno.test({
  name: "graphErrors() names wrong arrows, loose packages and packages named twice",
  permissions: "none",
  fn(): void {
    const root = "file:///p/";
    const dependency = (specifier: string, resolved?: string): { specifier: string; code: { specifier: string } } => ({
      specifier,
      code: { specifier: resolved ?? specifier },
    });
    const modules = [
      {
        kind: "esm",
        specifier: `${root}compute/a.ts`,
        dependencies: [dependency("../io/b.ts", `${root}io/b.ts`), dependency("node:fs")],
      },
      {
        kind: "esm",
        specifier: `${root}io/b.ts`,
        dependencies: [dependency("npm:a@1.0.0"), dependency("npm:b@^1.0.0")],
      },
      { kind: "esm", specifier: `${root}render/c.ts`, dependencies: [dependency("npm:a@1.0.0/x.js")] },
      { kind: "esm", specifier: "https://example.com/d.ts" },
    ];
    assert.deepEqual(graphErrors({ roots: [], modules }, root), [
      "compute/a.ts (compute) imports io/b.ts (io)",
      "compute/a.ts: node:fs",
      "io/b.ts: npm:b@^1.0.0 is not npm:name@x.y.z",
      "a is named in io/b.ts and in render/c.ts",
      "https://example.com/d.ts is outside the project",
    ]);
    assert.deepEqual(graphErrors({ roots: [], modules: [modules[1]!] }, root).length, 1);
  },
});
