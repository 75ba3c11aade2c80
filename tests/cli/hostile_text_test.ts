import { ok, strictEqual } from "node:assert/strict";
import type { CheckReport, Inspection } from "../../cli/jobs.ts";
import { PLAN, run } from "./_fake.ts";

/** Clears the screen, sets the title, ends the line, turns the text around. */
const HOSTILE = "a\x1b[2J\x1b]0;owned\x07b\r\ndone: 0\x9b2J\u202eexe.gpj";

/** Whatever was printed, only our own line ends are in it. */
function assertPlain(text: string): void {
  // deno-lint-ignore no-control-regex -- what is looked for
  strictEqual(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), false, JSON.stringify(text));
  ok(!/^done: 0/m.test(text), text);
  ok(text.includes("\\x1b[2J"), text);
}

const shards = {
  what: "shards",
  root: HOSTILE,
  layout: "current",
  model: HOSTILE,
  images: 5,
  patches: 2,
  clsToken: true,
  layers: [-1],
  dVit: 3,
  files: 2,
  bytes: 132,
  warnings: [HOSTILE],
  problems: [],
} as unknown as Inspection;

const pictures = { what: "pictures", root: "x", kind: "image-folder", count: 2, labels: 1, first: [HOSTILE] };

Deno.test({
  name: "names and texts of others' files are printed as escapes: inspect, check, log lines, plans and errors",
  permissions: "none",
  async fn(): Promise<void> {
    for (const found of [shards, pictures as unknown as Inspection]) {
      const { out, err } = await run(["inspect", "x"], { jobs: { inspectPath: () => Promise.resolve(found) } });
      assertPlain(out);
      if (err !== "") assertPlain(err);
    }
    const way = { layer: 4, scaleMean: false, scaleNorm: false, preBias: true, inputNorm: false };
    const tried = { ...way, explainedVariance: 0.925, meanL0: 28.3 };
    const report = {
      checkpoint: {
        path: "sae.pt",
        kind: HOSTILE,
        activation: "ReLU",
        convention: "",
        trainedOn: HOSTILE,
        dVit: 9,
        dSae: 7,
      },
      shards: { root: HOSTILE, layout: "current", images: 6, patches: 4, clsToken: true, layers: [4], dVit: 9 },
      sample: { images: 6, rows: 24, nonFiniteRows: 0 },
      found: tried,
      silentLatents: 3,
      tried: [tried],
      backend: { name: "wasm", reason: "no GPU" },
      warnings: [HOSTILE],
      problems: [],
    } as unknown as CheckReport;
    const checked = await run(["check", "--ckpt", "x"], { jobs: { checkInputs: () => Promise.resolve(report) } });
    assertPlain(checked.out);
    assertPlain(checked.err);
    for (const level of ["info", "warn"] as const) {
      const { err } = await run(["dump"], {
        jobs: {
          dumpActivations: (_, hooks) => {
            hooks?.log?.(HOSTILE, level);
            return Promise.resolve({});
          },
        },
      });
      assertPlain(err);
    }
    const reads = [{ path: HOSTILE, bytes: 1 }];
    const planned = await run(["dump", "--dry-run"], { jobs: { planJob: () => Promise.resolve({ ...PLAN, reads }) } });
    assertPlain(planned.out);
    for (const name of ["NotFound", "DatasetError", "TypeError", "NotCapable"]) {
      const error = Object.assign(new Error(`No such file: readfile '${HOSTILE}'`), { name });
      error.stack = `${name}: ${error.message}\n    at x.ts:1`;
      const { err } = await run(["dump"], { jobs: { dumpActivations: () => Promise.reject(error) } });
      // The lines of a stack are lines.
      assertPlain(name === "TypeError" ? err.replace("\ndone: 0", "\\n") : err);
    }
  },
});
