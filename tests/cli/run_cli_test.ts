import { strictEqual } from "node:assert/strict";
import type { JobHooks } from "../../visuals/hooks.ts";
import type { JobSummary } from "../../cli/jobs.ts";
import { run } from "./_fake.ts";

const permissions = "none";

const SUMMARY: JobSummary = {
  outputs: ["data/demo/sort_by_patch/index.html"],
  rows: 15_360,
  skippedRows: 2,
  latents: 12,
  pictures: 96,
  seconds: 1.234,
  backend: { name: "wasm", reason: "no WebGPU adapter" },
};

function work(summary: JobSummary): (config: unknown, hooks?: Partial<JobHooks>) => Promise<JobSummary> {
  return (_config, hooks) => {
    hooks?.log?.("reading shards");
    hooks?.progress?.({ stage: "encode", done: 15_360, total: 15_360, unit: "rows" });
    hooks?.log?.("one picture is damaged", "warn");
    return Promise.resolve(summary);
  };
}

Deno.test({
  name: "runCli() prints progress to stderr and the summary to stdout",
  permissions,
  async fn(): Promise<void> {
    const { code, out, err } = await run(["visuals", "--seed", "1"], { jobs: { main: work(SUMMARY) } });
    strictEqual(code, 0);
    strictEqual(err, "reading shards\nwarning: one picture is damaged\nencode: 15,360 rows\n");
    strictEqual(
      out,
      `Encoded 15,360 rows in 1.23 s in all
Skipped 2 rows that hold NaN or an infinity
Backend: wasm (no WebGPU adapter)
Showed 12 latents in 96 pictures
Results: data/demo/sort_by_patch/index.html
`,
    );
  },
});

Deno.test({
  name: "runCli() says when artifacts were used again, and where the time went",
  permissions,
  async fn(): Promise<void> {
    const jobs = {
      dumpActivations: work({ ...SUMMARY, reused: true, latents: undefined, skippedRows: 0, profile: { read: 0.5 } }),
    };
    const first = "Used the artifacts that were there, as they fit the request (1.23 s in all)\n";
    const last = "Results: data/demo/sort_by_patch/index.html\n";
    strictEqual((await run(["dump"], { jobs })).out, first + last);
    const profile = "  read                     0.50 s\n";
    strictEqual((await run(["dump", "--profile"], { jobs })).out, first + profile + last);
  },
});

Deno.test({
  name: "`--quiet` leaves only warnings",
  permissions,
  async fn(): Promise<void> {
    const { out, err } = await run(["visuals", "--quiet"], { jobs: { main: work(SUMMARY) } });
    strictEqual(out, "");
    strictEqual(err, "warning: one picture is damaged\n");
  },
});

Deno.test({
  name: "runCli() colours only when asked to",
  permissions,
  async fn(): Promise<void> {
    const { err } = await run(["visuals", "--quiet"], { jobs: { main: work(SUMMARY) }, env: { color: true } });
    strictEqual(err, "\x1b[33mwarning: \x1b[39mone picture is damaged\n");
  },
});

Deno.test({
  name: "runCli() hands the signal to the work, ends the bar and exits with 75 when it stops",
  permissions,
  async fn(): Promise<void> {
    const controller = new AbortController();
    const { code, out, err } = await run(["visuals", "--seed", "1"], {
      jobs: {
        main: (_config, hooks) => {
          hooks?.progress?.({ stage: "encode", done: 10, total: 100, unit: "rows" });
          controller.abort(new DOMException("Stopped by SIGINT", "AbortError"));
          hooks?.signal?.throwIfAborted();
          return Promise.resolve(SUMMARY);
        },
      },
      env: { signal: controller.signal },
    });
    strictEqual(code, 75);
    strictEqual(out, "");
    strictEqual(err, "encode: 10 of 100 rows\nInterrupted; run the same command with --resume to go on\n");
  },
});
