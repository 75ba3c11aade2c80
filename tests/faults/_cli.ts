/**
 * The command line as a person starts it, on the golden fixtures.
 * @module
 */
import { type Running, start } from "./_process.ts";

const GOLDEN = "fixtures/golden/patch";
const DENO = [
  "run",
  "--no-prompt",
  "--no-check",
  "--quiet",
  "--allow-read",
  "--allow-write",
  "--unstable-worker-options",
];

/** Words of a job in the project's root; `more` is added at the end. */
export function dumpWords(dumpTo: string, more: readonly string[] = []): string[] {
  const inputs = ["--ckpt", `${GOLDEN}/sae.pt`, "--data.shard-root", `${GOLDEN}/shards`];
  return [...DENO, "cli.ts", "dump", ...inputs, "--dump-to", dumpTo, ...more];
}

/** A job of some seconds: the plain loops, one image a batch, every activation of all latents kept. */
export function slowWords(dumpTo: string, more: readonly string[] = []): string[] {
  const demo = "fixtures/demo/emoji";
  const inputs = ["--ckpt", `${demo}/sae.pt`, "--data.shard-root", `${demo}/shards`];
  const slow = ["--device", "reference", "--topk-batch-size", "1", "--data.no-scale-mean", "--data.no-scale-norm"];
  return [...DENO, "cli.ts", "dump", ...inputs, ...slow, "--top-k", "8", "--dump-to", dumpTo, ...more];
}

/** Starts `deno` under limits that a shell sets first. */
export function startLimited(limits: string, words: readonly string[]): Running {
  return start("bash", ["-c", `${limits} && exec "$@"`, "bash", "deno", ...words]);
}
