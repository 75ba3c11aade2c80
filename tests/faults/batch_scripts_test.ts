import assert from "node:assert/strict";
import { type BatchScript, batchScripts } from "../../cli/batch_scripts.ts";
import { configWords } from "../../cli/config_words.ts";
import { leastPrivilegeWords } from "../../cli/dry_run.ts";
import { parseConfig, type VisualsConfig } from "../../config.ts";
import { inTemporary, run } from "./_process.ts";

/** What a shell, Slurm or Deno's flags might take for something else. */
const HOSTILE = [
  ...'a b|a  b|a\tb|it\'s|"quoted"|$(touch owned)|`touch owned`|${HOME}|$HOME|;touch owned|&&touch owned|>owned'.split(
    "|",
  ),
  ..."*|?|[a]|{a,b}|~|~root|!!|#no|a#b|%j|%A_%a|100%|a,b|,|=|-|-x|--flag|é\u202e|\\|\\n|a\\b".split("|"),
  ..."|\nrm -rf|line\nbreak|\r|\x1b[2J|'\\''|'; touch owned; '|\"; touch owned; \"|$'\\n'".split("|").slice(1),
];

const MODULE = "file:///opt/saev/cli.ts";

/** A job all of whose paths hold a hostile name. */
function hostileConfig(name: string): VisualsConfig {
  return parseConfig({
    ckpt: `/in/${name}/sae.pt`,
    data: { shardRoot: `shards ${name}` },
    images: { kind: "image-folder", root: `/pictures/${name}` },
    dumpTo: `/out/${name}`,
    slurm: { array: 3, renderArray: 2 },
  });
}

function scriptsFor(name: string): { scripts: BatchScript[]; words: (command: string) => string[] } {
  const config = hostileConfig(name);
  const grants = { read: ["/opt/saev", config.ckpt, config.data.shardRoot], write: [config.dumpTo] };
  const scripts = batchScripts({
    config,
    grants: () => grants,
    moduleUrl: MODULE,
    // A directive with a control character or, in a log's path, a backslash is refused: tested below.
    workingDirectory: `/home/${name.replaceAll(/[\p{Cc}]/gu, "")}`,
    scriptDirectory: `/out/${name.replaceAll(/[\p{Cc}\\]/gu, "")}/slurm`,
  });
  const words = (command: string): string[] => [
    ...leastPrivilegeWords(grants, { moduleUrl: MODULE, command, words: [] }),
    ...configWords(config),
  ];
  return { scripts, words };
}

Deno.test("batch scripts hand every hostile path to the program as it is, and run nothing else", async () => {
  await inTemporary(async (directory) => {
    await Deno.mkdir(`${directory}/bin`);
    const say = '#!/bin/sh\nprintf "%s\\0" "$0" "$@"';
    await Deno.writeTextFile(`${directory}/bin/deno`, say, { mode: 0o755 });
    await Deno.writeTextFile(`${directory}/bin/sbatch`, `${say} >>"$0.log"; echo 7`, { mode: 0o755 });
    let ran = 0;
    for (const name of HOSTILE) {
      const { scripts, words } = scriptsFor(name);
      // One shell for all scripts of a name; what a script prints ends with an empty word.
      const paths = await Promise.all(scripts.map(async ({ text }, i) => {
        await Deno.writeTextFile(`${directory}/${i}.sh`, text);
        return `${directory}/${i}.sh`;
      }));
      const all = 'cd "$1" && PATH="$1/bin:$PATH" SLURM_ARRAY_TASK_ID=1; export PATH SLURM_ARRAY_TASK_ID; shift; ' +
        'for script; do bash "$script" 3,7-9; printf "\\0end\\0"; done';
      const { code, stdout, stderr } = await run("bash", ["-c", all, "bash", directory, ...paths]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "", JSON.stringify(name));
      const printed = stdout.split("\0end\0");
      for (const [i, { step, path }] of scripts.entries()) {
        const found = printed[i]!.split("\0");
        if (step === undefined) {
          const calls = (await Deno.readTextFile(`${directory}/bin/sbatch.log`)).split(`${directory}/bin/sbatch\0`);
          const at = path.replace(/again\.sh$/, "");
          assert.deepEqual(calls.map((call) => call.split("\0").at(-2)), [
            undefined,
            ...["dump", "merge", "render", "page"].map((again) => `${at}${again}.sh`),
          ]);
          assert.equal(calls[1]!.split("\0")[1], "--array=3,7-9");
          await Deno.remove(`${directory}/bin/sbatch.log`);
          continue;
        }
        const expected = words(step === "page" ? "render" : step);
        assert.equal(found[0], `${directory}/bin/deno`);
        assert.deepEqual(found.slice(1, expected.length), expected.slice(1), `${step} of ${JSON.stringify(name)}`);
        ran++;
      }
      assert.deepEqual(
        [...Deno.readDirSync(directory)].map((entry) => entry.name).filter((file) => !/^(?:bin|\d\.sh)$/.test(file)),
        [],
        `${JSON.stringify(name)} ran something`,
      );
    }
    assert.ok(ran >= HOSTILE.length * 5, String(ran));
  });
});

Deno.test("no line of a batch script before its command is anything but a comment, whatever the paths are", () => {
  const [refused, taken]: string[][] = [[], []];
  for (const name of HOSTILE) {
    const facts = {
      config: hostileConfig("plain"),
      grants: () => ({ read: [], write: [] }),
      moduleUrl: MODULE,
      workingDirectory: "/home/u",
      scriptDirectory: "/out/slurm",
    };
    for (const where of ["workingDirectory", "scriptDirectory"] as const) {
      try {
        for (const { step, text } of batchScripts({ ...facts, [where]: `/x/${name}/y` })) {
          if (step === undefined) continue;
          const [head] = text.split("\nexec deno run ");
          for (const line of head!.split("\n")) assert.match(line, /^(?:#.*)?$/, JSON.stringify(name));
          const output = /^#SBATCH --output=(.*)$/m.exec(head!)![1]!;
          // Slurm reads `%%` as one; any other `%` but ours at the end would be replaced.
          assert.doesNotMatch(
            output.replace(/%A_%a|%j/g, (own, at) => at > output.length - 14 ? "" : own).replaceAll("%%", ""),
            /%/,
          );
        }
        taken.push(name);
      } catch (error) {
        assert.equal((error as Error).name, "ConfigError", String(error));
        assert.match((error as Error).message, /^Cannot write a batch script with /);
        // deno-lint-ignore no-control-regex -- what is looked for
        assert.match(name, where === "scriptDirectory" ? /[\x00-\x1f\x7f\\]/ : /[\x00-\x1f\x7f]/);
        refused.push(name);
      }
    }
  }
  assert.ok(refused.length >= 8 && taken.length > 60, `${refused.length} refused, ${taken.length} taken`);
});
