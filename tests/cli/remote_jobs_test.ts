import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { describeFailure } from "../../cli/exit_codes.ts";
import type { Jobs } from "../../cli/jobs.ts";
import { remoteJobs, serveJobs } from "../../cli/remote_jobs.ts";
import { CheckpointError } from "../../compute/errors.ts";
import { parseConfig } from "../../config.ts";
import { PLAN } from "./_fake.ts";

const permissions = "none";
const never = (): Promise<never> => new Promise<never>(() => {});

/** Work at the other end of a message channel. */
function wired(jobs: Partial<Jobs>, died: Promise<never> = never()): { jobs: Jobs; closed: () => number } {
  let closed = 0;
  return {
    closed: () => closed,
    jobs: remoteJobs(() => {
      const { port1, port2 } = new MessageChannel();
      const missing = (): Promise<never> => Promise.reject(new Error("not asked for"));
      const split = {
        dumpPart: missing,
        measureSample: missing,
        mergeParts: missing,
        renderArtifacts: missing,
        exportArtifacts: missing,
        studyArtifacts: missing,
        compareRuns: missing,
      };
      const recording = { recordActivations: missing, planRecording: missing };
      const none = { ...split, ...recording, checkInputs: missing, inspectPath: missing };
      serveJobs(
        port2,
        () => Promise.resolve({ main: missing, dumpActivations: missing, planJob: missing, ...none, ...jobs }),
      );
      return { wire: port1, died, close: () => (closed++, port1.close(), port2.close()) };
    }),
  };
}

Deno.test({
  name: "remoteJobs() passes the configuration there, and log, progress and the report back",
  permissions,
  async fn(): Promise<void> {
    const config = parseConfig({ topK: 3, grid: [2, 3] });
    const { jobs, closed } = wired({
      main: (given, hooks) => {
        deepStrictEqual(given, config);
        hooks?.log?.("a line", "warn");
        for (let done = 0; done <= 1000; done++) {
          hooks?.progress?.({ stage: "encode", done, total: 1000, unit: "rows" });
        }
        return Promise.resolve({ rows: 1000 });
      },
      planJob: () => Promise.resolve(PLAN),
    });
    const lines: unknown[] = [];
    const reports: number[] = [];
    const report = await jobs.main(config, {
      log: (line, level) => void lines.push([line, level]),
      progress: ({ done }) => void reports.push(done),
    });
    deepStrictEqual(report, { rows: 1000 });
    deepStrictEqual(lines, [["a line", "warn"]]);
    deepStrictEqual([reports[0], reports.at(-1)], [0, 1000]);
    strictEqual(reports.length < 100, true, `${reports.length} reports: not every one may cross`);
    deepStrictEqual(await jobs.planJob(config), PLAN);
    strictEqual(closed(), 2);
  },
});

Deno.test({
  name: "remoteJobs() keeps what an error says and is, so that the exit status stays the same",
  permissions,
  async fn(): Promise<void> {
    const facts = { path: "a.pt", key: "W_enc", found: "", expected: "" };
    const errors = [
      new CheckpointError("No W_enc", facts),
      Object.assign(new Error("No space left on device"), { code: "ENOSPC" }),
      new DOMException("Stopped", "AbortError"),
      new TypeError("x is undefined", { cause: new RangeError("deep") }),
    ];
    for (const error of errors) {
      const { jobs, closed } = wired({ dumpActivations: () => Promise.reject(error) });
      const received = await jobs.dumpActivations(parseConfig()).catch((error) => error);
      deepStrictEqual(describeFailure(received), describeFailure(error));
      strictEqual(closed(), 1);
    }
  },
});

Deno.test({
  name: "remoteJobs() passes an abort on, also one that came before",
  permissions,
  async fn(): Promise<void> {
    const { jobs } = wired({
      main: (_config, hooks) =>
        new Promise((_, reject) => hooks?.signal?.addEventListener("abort", () => reject(hooks.signal?.reason))),
    });
    const controller = new AbortController();
    const running = jobs.main(parseConfig(), { signal: controller.signal });
    controller.abort();
    await rejects(running, { name: "AbortError" });
    await rejects(jobs.main(parseConfig(), { signal: controller.signal }), { name: "AbortError" });
  },
});

Deno.test({
  name: "remoteJobs() fails when the far end dies",
  permissions,
  async fn(): Promise<void> {
    const { jobs, closed } = wired({ main: never }, Promise.reject(new Error("worker died")));
    await rejects(jobs.main(parseConfig()), { message: "worker died" });
    strictEqual(closed(), 1);
  },
});

Deno.test({
  name: "remoteJobs() marks a refusal, as the program's own permissions are not what was lacking",
  permissions,
  async fn(): Promise<void> {
    const refusal = new Deno.errors.NotCapable(
      'Requires read access to "/blobs/1", run again with the --allow-read flag',
    );
    const { jobs } = wired({ main: () => Promise.reject(refusal) });
    deepStrictEqual(describeFailure(await jobs.main(parseConfig()).catch((error) => error)), {
      code: 2,
      message: 'Requires read access to "/blobs/1", which no setting names, as it may lie behind a symlink; ' +
        "add it to the command that --dry-run prints",
    });
  },
});
