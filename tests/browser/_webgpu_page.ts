/** What the WebGPU test's page runs: the kernel cases and the pass cases, one line of outcome each. */
import { chooseBackend } from "../../compute/choose_backend.ts";
import { requestDevice } from "../../compute/webgpu/device.ts";
import { Gpu } from "../../compute/webgpu/gpu.ts";
import { EVERYTHING, kernelCases } from "../compute/webgpu/_kernel_cases.ts";
import { checkPass, PASS_CASES } from "../compute/webgpu/_pass_cases.ts";

/** Posted to the test. */
interface Outcome {
  adapter: string;
  software: boolean;
  passed: string[];
  failed: string[];
}

const outcome: Outcome = { adapter: "none", software: false, passed: [], failed: [] };

async function attempt(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    outcome.passed.push(name);
  } catch (error) {
    outcome.failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

async function runAll(): Promise<void> {
  const { device, facts } = await requestDevice({ allowSoftware: true, limits: "default", half: false });
  outcome.adapter = facts.adapter;
  outcome.software = facts.software;
  const gpu = new Gpu(device, facts);
  for (const { name, half = false, run } of kernelCases(EVERYTHING)) {
    if (!half) await attempt(name, () => run(gpu));
  }
  gpu.destroy();
  const { backend } = await chooseBackend("webgpu");
  for (const pass of PASS_CASES) await attempt(pass.name, () => checkPass(backend, pass));
  await backend.close();
}

await attempt("all cases ran", runAll);
await fetch("/result", { method: "POST", body: JSON.stringify(outcome) });
