/** Why there is no device: every reason, told by adapters that are made up, and by the one at hand. */
import assert from "node:assert/strict";
import { chooseBackend } from "../../../compute/choose_backend.ts";
import { BackendUnavailableError } from "../../../compute/errors.ts";
import { type DeviceRequest, requestDevice } from "../../../compute/webgpu/device.ts";
import { createWebgpuBackend } from "../../../compute/webgpu/mod.ts";
import { gpuTest, hasHalf, openBackend } from "./_adapter.ts";

/** What a made-up adapter is like. */
interface Made {
  info?: Record<string, unknown>;
  features?: string[];
  refuses?: boolean;
  fallback?: boolean;
}

/** A `navigator.gpu` with one adapter, or none; `asked` gets the descriptors of devices. */
function madeUp(made: Made | null, asked: GPUDeviceDescriptor[] = []): Pick<GPU, "requestAdapter"> {
  const limits = { maxBufferSize: 2 ** 35, maxStorageBufferBindingSize: 2 ** 31 - 1 };
  const adapter = made && {
    info: { vendor: "acme", architecture: "", device: "0", description: "A 100", ...made.info },
    features: new Set(made.features ?? []),
    limits,
    isFallbackAdapter: made.fallback,
    requestDevice: (descriptor: GPUDeviceDescriptor): Promise<unknown> => {
      asked.push(descriptor);
      return made.refuses ? Promise.reject(new Error("it is taken")) : Promise.resolve({ limits });
    },
  };
  return { requestAdapter: () => Promise.resolve(adapter as unknown as GPUAdapter) };
}

const PLAIN: DeviceRequest = { allowSoftware: false, limits: "max", half: false };

async function refused(reason: RegExp, gpu: Pick<GPU, "requestAdapter"> | null, request = PLAIN): Promise<void> {
  await assert.rejects(requestDevice(request, gpu), (error) => {
    assert(error instanceof BackendUnavailableError);
    assert.equal(error.backend, "webgpu");
    assert.match(error.reason, reason);
    return true;
  });
}

Deno.test({
  name: "requestDevice() tells why there is no device",
  permissions: "none",
  async fn(): Promise<void> {
    await refused(/^this runtime has no navigator\.gpu$/, null);
    await refused(/^no adapter was found: install a Vulkan, Metal or Direct3D 12 driver$/, madeUp(null));
    await refused(/^acme A 100 gives no device: it is taken$/, madeUp({ refuses: true }));
    const half = { ...PLAIN, half: true };
    await refused(/^precision f16 needs the feature shader-f16, which acme A 100 lacks$/, madeUp({}), half);
    const software = [
      ...["llvmpipe (LLVM 19.1.7, 256 bits)", "SwiftShader Device", "Microsoft Basic Render Driver", "lavapipe"],
    ];
    for (const description of software) {
      const reason = /^the only adapter, .*, runs on the CPU: ask for it by name to use it$/;
      await refused(reason, madeUp({ info: { description } }));
    }
    await refused(/runs on the CPU/, madeUp({ fallback: true }));
    await refused(/runs on the CPU/, madeUp({ info: { isFallbackAdapter: true } }));
  },
});

Deno.test({
  name: "requestDevice() asks for the adapter's largest buffers, or for none beyond the default, and for what it uses",
  permissions: "none",
  async fn(): Promise<void> {
    const asked: GPUDeviceDescriptor[] = [];
    const gpu = madeUp({ features: ["shader-f16", "subgroups"] }, asked);
    const { facts } = await requestDevice(PLAIN, gpu);
    assert.deepEqual(facts, {
      adapter: "acme A 100",
      software: false,
      // Bindings are whole words.
      maxBindingBytes: 2 ** 31 - 4,
      maxBufferBytes: 2 ** 35,
    });
    await requestDevice({ ...PLAIN, limits: "default" }, gpu);
    await requestDevice({ ...PLAIN, half: true }, gpu);
    const most = { maxBufferSize: 2 ** 35, maxStorageBufferBindingSize: 2 ** 31 - 1 };
    assert.deepEqual(asked, [
      { requiredLimits: most, requiredFeatures: [] },
      { requiredLimits: {}, requiredFeatures: [] },
      { requiredLimits: most, requiredFeatures: ["shader-f16"] },
    ]);
  },
});

gpuTest("a software adapter must be asked for: by name it is taken, auto passes it over and says why", async () => {
  const { backend: named, reason } = await chooseBackend("webgpu");
  assert.equal(reason, "asked for by name");
  const { software, adapter } = named.details;
  await named.close();
  if (software !== true) return;
  await assert.rejects(createWebgpuBackend(), (error) => {
    return error instanceof BackendUnavailableError && error.reason.includes(`${adapter}, runs on the CPU`);
  });
  await assert.rejects(chooseBackend("webgpu", { allowSoftware: false }), BackendUnavailableError);
  const chosen = await chooseBackend("auto");
  await chosen.backend.close();
  assert.notEqual(chosen.backend.name, "webgpu");
  assert.match(chosen.reason, /^webgpu: the only adapter, .* runs on the CPU: ask for it by name to use it; wasm: /);
});

gpuTest("precision f16 is refused where shader-f16 is missing, and given where it is there", async () => {
  if (hasHalf) {
    const backend = await openBackend({ precision: "f16" });
    assert.equal(backend.details.precision, "f16");
    await backend.close();
  } else {
    await assert.rejects(openBackend({ precision: "f16" }), /precision f16 needs the feature shader-f16/);
  }
});
