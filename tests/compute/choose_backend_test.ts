import assert from "node:assert/strict";
import type { Backend, BackendName } from "../../compute/backend.ts";
import { type BackendLoaders, chooseBackend } from "../../compute/choose_backend.ts";
import { BackendUnavailableError, DeviceLostError } from "../../compute/errors.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";

function fake(name: BackendName, details: Record<string, unknown> = {}, closed: string[] = []): Backend {
  return {
    ...createReferenceBackend(),
    name,
    details,
    close: () => {
      closed.push(name);
      return Promise.resolve();
    },
  };
}

const working: BackendLoaders = {
  webgpu: () => Promise.resolve(fake("webgpu", { software: false })),
  wasm: () => Promise.resolve(fake("wasm")),
  reference: () => Promise.resolve(fake("reference")),
};

function failing(error: Error): () => Promise<Backend> {
  return () => Promise.reject(error);
}

Deno.test({
  name: "`chooseBackend()` takes by name what is asked for, and says so",
  permissions: "none",
  async fn(): Promise<void> {
    for (const name of ["webgpu", "wasm", "reference"] as const) {
      const { backend, reason } = await chooseBackend(name, {}, working);
      assert.deepEqual([backend.name, reason], [name, "asked for by name"]);
    }
  },
});

Deno.test({
  name: "`chooseBackend()` never replaces a backend asked for by name",
  permissions: "none",
  async fn(): Promise<void> {
    const error = new BackendUnavailableError("webgpu", "no adapter");
    const loaders = { ...working, webgpu: failing(error), wasm: failing(error) };
    for (const name of ["webgpu", "wasm"] as const) {
      await assert.rejects(chooseBackend(name, {}, loaders), (thrown) => thrown === error);
    }
  },
});

Deno.test({
  name: "`chooseBackend()` allows a software adapter by name and not for auto",
  permissions: "none",
  async fn(): Promise<void> {
    const asked: boolean[] = [];
    const loaders: BackendLoaders = {
      ...working,
      webgpu: ({ allowSoftware }) => {
        asked.push(allowSoftware);
        return working.webgpu({ allowSoftware });
      },
    };
    await chooseBackend("webgpu", {}, loaders);
    await chooseBackend("webgpu", { allowSoftware: false }, loaders);
    const { backend, reason } = await chooseBackend("auto", {}, loaders);
    assert.deepEqual(asked, [true, false, false]);
    assert.deepEqual([backend.name, reason], ["webgpu", "webgpu: there is a GPU"]);
  },
});

Deno.test({
  name: "`chooseBackend()` with auto joins why it fell back",
  permissions: "none",
  async fn(): Promise<void> {
    const noGpu = failing(new BackendUnavailableError("webgpu", "no adapter"));
    const one = await chooseBackend("auto", {}, { ...working, webgpu: noGpu });
    assert.deepEqual(
      [one.backend.name, one.reason],
      ["wasm", "webgpu: no adapter; wasm: the fastest that runs here"],
    );
    const wasm = failing(new BackendUnavailableError("wasm", "no shared memory"));
    const two = await chooseBackend("auto", {}, { ...working, webgpu: failing(new DeviceLostError("Lost it")), wasm });
    assert.deepEqual(
      [two.backend.name, two.reason],
      ["reference", "webgpu: Lost it; wasm: no shared memory; reference: always runs"],
    );
  },
});

Deno.test({
  name: "`chooseBackend()` with auto passes over a software adapter and closes it",
  permissions: "none",
  async fn(): Promise<void> {
    const closed: string[] = [];
    const webgpu = (): Promise<Backend> => Promise.resolve(fake("webgpu", { software: true }, closed));
    const { backend, reason } = await chooseBackend("auto", {}, { ...working, webgpu });
    assert.equal(backend.name, "wasm");
    assert(reason.startsWith("webgpu: there is only a software adapter; "));
    assert.deepEqual(closed, ["webgpu"]);
  },
});

Deno.test({
  name: "`chooseBackend()` lets bugs through and refuses unknown names",
  permissions: "none",
  async fn(): Promise<void> {
    const bug = new TypeError("x is undefined");
    await assert.rejects(chooseBackend("auto", {}, { ...working, webgpu: failing(bug) }), (thrown) => thrown === bug);
    await assert.rejects(chooseBackend("cuda" as BackendName, {}, working), RangeError);
  },
});
