import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };
/** What builds kernels and the page, and what runs in a page or as a worker. */
const NOT_IMPORTED = /^render\/viewer\/main\.ts$|_worker\.ts$/;

function modules(directory: string): string[] {
  return [...Deno.readDirSync(new URL(directory, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? modules(`${directory}${name}/`) : /(?<!\.d)\.ts$/.test(name) ? [`${directory}${name}`] : []
  ).filter((name) => !NOT_IMPORTED.test(name)).sort();
}

Deno.test({
  name: "every module of the program loads without any permission, asks for nothing and says nothing",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const names = ["compute/", "config/", "io/", "render/", "visuals/", "cli/"].flatMap(modules)
        .concat("mod.ts", "config.ts", "visuals.ts", "cli.ts");
      assert.ok(names.length > 200, String(names.length));
      const main = `${path(folder)}main.ts`;
      // Two modules may not export the same name by a star, so each is imported for itself.
      const lines = names.map((name, i) => `import * as m${i} from ${JSON.stringify(new URL(name, ROOT).href)};`);
      const loaded = `[${names.map((_, i) => `m${i}`).join(",")}].filter(Boolean).length`;
      await Deno.writeTextFile(main, `${lines.join("\n")}\nif (${loaded} !== ${names.length}) throw new Error();\n`);
      const finished = await runDeno(["run", "--no-prompt", "--no-check", main]);
      assert.deepEqual(finished, { code: 0, stdout: "", stderr: "" });
    }),
});
