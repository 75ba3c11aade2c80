/** A command line with nothing behind it: text is collected, work is faked. */
import { type CliEnvironment, runCli } from "../../cli/run_cli.ts";
import type { JobPlan, Jobs } from "../../cli/jobs.ts";
import type { VisualsConfig } from "../../config.ts";

/** What one run said and did. */
export interface FakeRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Configuration that the work was started with, if it was. */
  readonly config: VisualsConfig | undefined;
}

export const PLAN: JobPlan = {
  directory: "data/sort_by_patch",
  shards: 1,
  reads: [{ path: "sae.pt", bytes: 595_000 }, { path: "shards/acts000000.bin", bytes: 2_496_000 }],
  rows: 15_360,
  images: 240,
  dVit: 96,
  dSae: 768,
  flops: 2_264_924_160,
  bytesRead: 3_091_000,
  artifactBytes: 10_485_760,
  memoryBytes: 67_108_864,
  writes: ["data/sort_by_patch/manifest.json"],
  draws: ["data/sort_by_patch/index.html"],
  examples: { images: 240, path: "data/sort_by_patch/examples.safetensors" },
  studies: [],
  exports: [],
  isComputed: false,
  backend: { name: "wasm", reason: "no WebGPU adapter" },
  pictures: 96,
};

/** Runs words; `jobs` replaces what the fakes do, `files` are the config files that exist. */
export async function run(
  words: readonly string[],
  options: {
    readonly jobs?: Partial<Jobs>;
    readonly files?: Readonly<Record<string, Record<string, unknown>>>;
    readonly env?: Partial<CliEnvironment>;
  } = {},
): Promise<FakeRun> {
  let out = "";
  let err = "";
  let seen: VisualsConfig | undefined;
  const jobs: Jobs = {
    main: (config, hooks) => {
      seen = config;
      return options.jobs?.main?.(config, hooks) ?? Promise.resolve({});
    },
    dumpActivations: (config, hooks) => {
      seen = config;
      return options.jobs?.dumpActivations?.(config, hooks) ?? Promise.resolve({});
    },
    ...others(options.jobs, (config) => seen = config),
    planJob: (config) => {
      seen = config;
      return options.jobs?.planJob?.(config) ?? Promise.resolve(PLAN);
    },
    planRecording: (config) => {
      seen = config;
      return options.jobs?.planRecording?.(config) ?? Promise.reject(new Error("Nothing to record"));
    },
    checkInputs: (config, hooks) => {
      seen = config;
      return options.jobs?.checkInputs?.(config, hooks) ?? Promise.reject(new Error("Nothing to check"));
    },
    compareRuns: (request, hooks) => options.jobs?.compareRuns?.(request, hooks) ?? Promise.resolve({}),
    inspectPath: (request) => options.jobs?.inspectPath?.(request) ?? Promise.reject(new Error("Nothing to look at")),
  };
  const code = await runCli({
    words,
    moduleUrl: "file:///opt/saev/cli.ts",
    version: "1.2.3",
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    columns: undefined,
    color: false,
    now: () => 0,
    signal: new AbortController().signal,
    readFile: (path) => Promise.resolve(options.files?.[path] ?? {}),
    realPath: (path) => Promise.resolve(path),
    loadJobs: () => Promise.resolve(jobs),
    variable: () => undefined,
    writeText: () => Promise.resolve(),
    sbatch: () => Promise.reject(new Error("No scheduler here")),
    runDeno: () => Promise.reject(new Error("No program to run")),
    ...options.env,
  });
  return { code, out, err, config: seen };
}

/** Jobs that take a configuration and report what they did, beside the first two. */
const OTHERS = [
  "dumpPart",
  "exportArtifacts",
  "measureSample",
  "mergeParts",
  "recordActivations",
  "renderArtifacts",
  "studyArtifacts",
] as const;

/** Those that no test has given do nothing. */
function others(
  given: Partial<Jobs> | undefined,
  saw: (config: VisualsConfig) => void,
): Pick<Jobs, typeof OTHERS[number]> {
  const fakes = OTHERS.map((name): [string, Jobs["main"]] => [name, (config, hooks) => {
    saw(config);
    return given?.[name]?.(config, hooks) ?? Promise.resolve({});
  }]);
  return Object.fromEntries(fakes) as Pick<Jobs, typeof OTHERS[number]>;
}
