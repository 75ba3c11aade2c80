/** What is loaded before work begins: every package in between is time that every job pays. */
import assert from "node:assert/strict";
import type { Info } from "../house/check_graph.ts";
import { ROOT, runDeno } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], run: ["deno"] };

/** Modules of the project, relative to its root, and packages, that come with `entry`; `dynamic`: those loaded on demand as well. */
async function loadedBy(entry: string, { dynamic = false } = {}): Promise<Set<string>> {
  const { code, stdout, stderr } = await runDeno(["info", "--json", entry]);
  assert.equal(code, 0, stderr);
  const { modules } = JSON.parse(stdout) as Info;
  const graph = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const waiting = [new URL(entry, ROOT).href];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const name = next.startsWith(ROOT.href) ? next.slice(ROOT.href.length) : next;
    if (loaded.has(name)) continue;
    loaded.add(name);
    for (const { specifier, code, isDynamic } of graph.get(next)?.dependencies ?? []) {
      // A type leaves nothing behind.
      if (code === undefined || (isDynamic && !dynamic)) continue;
      if (specifier.startsWith("npm:")) loaded.add(specifier.match(/^npm:(@?[^@]+)/)![1]);
      else waiting.push(code.specifier!);
    }
  }
  return loaded;
}

const among = (loaded: ReadonlySet<string>, names: readonly string[]): string[] =>
  names.filter((name) => loaded.has(name));

Deno.test({
  name: "a job's worker computes without having loaded the schema, or what writes or draws",
  permissions: PERMISSIONS,
  async fn(): Promise<void> {
    for (const entry of ["cli/job_worker.ts", "visuals/dump_activations.ts", "visuals/dump_part.ts"]) {
      const loaded = await loadedBy(entry);
      assert.ok(loaded.has(entry) && loaded.size > 3, `${entry}: only ${[...loaded]}`);
      assert.deepEqual(
        among(loaded, [
          "zod",
          "hyparquet-writer",
          "config.ts",
          "config/schema.ts",
          "io/write_artifacts.ts",
          "visuals.ts",
        ]),
        [],
        entry,
      );
      assert.deepEqual([...loaded].filter((name) => name.startsWith("render/")), [], entry);
    }
    // What it loads later does hold them, so the names are right.
    const later = await loadedBy("cli/job_worker.ts", { dynamic: true });
    const names = ["hyparquet-writer", "io/write_artifacts.ts", "visuals.ts"];
    assert.deepEqual(among(later, names), names);
    const schema = ["zod", "config.ts", "config/schema.ts"];
    assert.deepEqual(among(await loadedBy("cli.ts"), schema), schema);
  },
});

Deno.test({
  name: "the worker that writes loads no package and no room but io and what compute says of tensors",
  permissions: PERMISSIONS,
  async fn(): Promise<void> {
    const loaded = await loadedBy("io/write_worker.ts", { dynamic: true });
    assert.ok(loaded.has("io/write_torch.ts"));
    const strange = [...loaded].filter((name) =>
      !/^(?:io\/|node:|compute\/(?:tensor|errors|printable)\.ts$)/.test(name)
    );
    assert.deepEqual(strange, []);
  },
});

Deno.test({
  name: "the command line loads what serves and what draws only for the commands that do",
  permissions: PERMISSIONS,
  async fn(): Promise<void> {
    const names = ["io/serve_directory.ts", "visuals.ts", "hyparquet-writer", "cli/job_worker.ts"];
    assert.deepEqual(among(await loadedBy("cli.ts"), names), []);
    assert.ok((await loadedBy("cli.ts", { dynamic: true })).has("io/serve_directory.ts"));
  },
});
