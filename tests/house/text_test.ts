import assert from "node:assert/strict";
import { isGenerated, projectFiles, readProject, resolvePath, ROOT } from "./_files.ts";

const READ: Deno.PermissionOptions = { read: [ROOT] };
const isText = (path: string): boolean => /\.(?:ts|js|mjs|json|md|wgsl|wat|txt|sh|py)$|^\.ci\//.test(path);

/** Text files written by hand. */
const texts = (): { path: string; text: string }[] =>
  projectFiles().filter(isText).map((path) => ({ path, text: readProject(path) }))
    .filter(({ path, text }) => !isGenerated(path, text));

Deno.test({
  name: "no file names a path that exists on one machine only",
  permissions: READ,
  fn(): void {
    const local = new RegExp(`(?<![\\w.$}/-])/(?:${["work", "tmp", "root"].join("|")})/`);
    const found = texts().flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, i) => local.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])
    );
    assert.deepEqual(found, []);
  },
});

Deno.test({
  name: "nothing is left to do: no such marks in the sources",
  permissions: READ,
  fn(): void {
    const marks = new RegExp(
      `\\b(?:${["TO", "FIX"].map((word) => word + (word === "TO" ? "DO" : "ME")).join("|")}|X{3})\\b`,
    );
    assert.deepEqual(texts().filter(({ text }) => marks.test(text)).map(({ path }) => path), []);
  },
});

Deno.test({
  name: "relative links in the documents name files that exist",
  permissions: { read: [ROOT] },
  fn(): void {
    const broken: string[] = [];
    for (const { path, text } of texts().filter(({ path }) => path.endsWith(".md"))) {
      for (const [, link] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)) {
        if (/^[a-z]+:/.test(link!)) continue;
        try {
          Deno.statSync(new URL(resolvePath(path, link!), ROOT));
        } catch {
          broken.push(`${path}: ${link}`);
        }
      }
    }
    assert.deepEqual(broken, []);
  },
});

Deno.test({
  name: "every task in deno.json carries explicit permissions and none of the broad ones",
  permissions: READ,
  fn(): void {
    const { tasks } = JSON.parse(readProject("deno.json")) as { tasks: Record<string, string | { command?: string }> };
    const broad =
      /(?:^|\s)(?:-A|--allow-all|--allow-ffi|--allow-sys|--allow-hrtime|--allow-(?:run|env|net|import)(?![=\w]))/;
    const errors: string[] = [];
    for (const [name, task] of Object.entries(tasks)) {
      const command = typeof task === "string" ? task : task.command ?? "";
      if (broad.test(command)) errors.push(`${name}: ${broad.exec(command)![0]}`);
      for (const part of command.split(/&&|\|/)) {
        if (/\bdeno (?:run|test|bench)\b/.test(part) && !part.includes("--no-prompt")) {
          errors.push(`${name}: no --no-prompt`);
        }
      }
      // Only what takes its paths from a person's arguments may read and write anywhere.
      const anywhere = /--allow-(?:read|write)(?![=\w])/.test(command);
      const jobs = [
        "visuals",
        "dump",
        "dump:local",
        "measure",
        "merge",
        "render",
        "export",
        "study",
        "compare",
        "activations",
        "inspect",
        "preflight",
      ];
      const takesPaths = [...jobs, "submit", "serve"];
      // Browsers and other tools are looked for where they are.
      const looksForTools = name.startsWith("test:") || name === "docs:images";
      if (anywhere && !takesPaths.includes(name) && !looksForTools) {
        errors.push(`${name}: reads or writes anywhere`);
      }
    }
    assert.deepEqual(errors, []);
  },
});
