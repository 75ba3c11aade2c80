/**
 * Devices for the tests of this folder; where there is no adapter at all, tests say so and pass over.
 * @module
 */
import { BackendUnavailableError } from "../../../compute/errors.ts";
import { requestDevice } from "../../../compute/webgpu/device.ts";
import { Gpu } from "../../../compute/webgpu/gpu.ts";
import { createWebgpuBackend, type WebgpuBackend, type WebgpuOptions } from "../../../compute/webgpu/mod.ts";

/** Why there is no WebGPU here; undefined where there is. */
export const missing: string | undefined = await (async () => {
  try {
    const { device } = await requestDevice({ allowSoftware: true, limits: "default", half: false });
    device.destroy();
    return undefined;
  } catch (error) {
    if (error instanceof BackendUnavailableError) return error.reason;
    throw error;
  }
})();

/** Whether shaders can store 16-bit floats here. */
export const hasHalf: boolean = missing === undefined &&
  ((await navigator.gpu.requestAdapter())?.features.has("shader-f16") ?? false);

/** A test that needs a device: passed over, with the reason in its name, where there is none. */
export function gpuTest(
  name: string,
  fn: () => Promise<void>,
  permissions: Deno.PermissionOptions = "none",
): void {
  Deno.test({
    name: missing === undefined ? name : `${name} (ignored: ${missing})`,
    ignore: missing !== undefined,
    permissions,
    fn,
  });
}

/** A bare device. */
export async function openGpu(half = false): Promise<Gpu> {
  const { device, facts } = await requestDevice({ allowSoftware: true, limits: "default", half });
  return new Gpu(device, facts);
}

/** A backend that takes what there is. */
export function openBackend(options: WebgpuOptions = {}): Promise<WebgpuBackend> {
  return createWebgpuBackend({ allowSoftware: true, ...options });
}
