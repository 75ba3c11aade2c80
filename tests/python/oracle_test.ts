import { match, strictEqual } from "node:assert/strict";
import { parseConfig, type VisualsConfigInput } from "../../config.ts";
import { dumpActivations } from "../../visuals.ts";
import { path, TMP, withFolder } from "../golden/_cases.ts";
import { ignore, PYTHON, python } from "./_python.ts";

const ROOT = new URL("../../", import.meta.url);
const SCRIPT = path(new URL("oracle.py", import.meta.url));
const SEEDS = { reference: 60, wasm: 60, webgpu: 12 } as const;
const [FROM, TO] = [0, 60];

Deno.test({
  name:
    "random jobs leave what a dense f64 implementation in numpy computes: every layout, row, ranking and activation",
  ignore,
  permissions: { read: [ROOT], write: [TMP], run: [PYTHON] },
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const root = path(folder).replace(/\/$/, "");
      strictEqual((await python([SCRIPT, "make", `${FROM}`, `${TO}`, root])).error, undefined);
      for (const [device, count] of Object.entries(SEEDS)) {
        for (let seed = FROM; seed < FROM + count; seed++) {
          const args = JSON.parse(await Deno.readTextFile(`${root}/${seed}/args.json`)) as VisualsConfigInput;
          await dumpActivations(
            parseConfig({ ...args, device, dumpTo: `${root}/${seed}/${device}` } as VisualsConfigInput),
          );
        }
        const { stdout, error } = await python([SCRIPT, "check", `${FROM}`, `${FROM + count}`, root, device]);
        strictEqual(error, undefined, `${device}\n${stdout}`);
        strictEqual(stdout.trim().split("\n").length, count);
        match(stdout, /exact/);
      }
    }),
});
