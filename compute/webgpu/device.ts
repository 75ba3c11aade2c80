/**
 * Getting a device from `navigator.gpu`, and knowing what it is.
 * @module
 */
import { BackendUnavailableError } from "../errors.ts";

/** What to ask for. */
export interface DeviceRequest {
  /** Whether an adapter that runs on the CPU will do. */
  readonly allowSoftware: boolean;
  /** The adapter's largest buffers, or WebGPU's default limits. */
  readonly limits: "default" | "max";
  /** Whether shaders store 16-bit floats. */
  readonly half: boolean;
}

/** What was given: JSON values for the manifest. */
export interface DeviceFacts {
  /** Vendor, architecture, device and description as the adapter tells them, empty ones left out. */
  readonly adapter: string;
  /** Whether it runs on the CPU. */
  readonly software: boolean;
  /** Largest storage binding in bytes, a multiple of 4. */
  readonly maxBindingBytes: number;
  /** Largest buffer in bytes. */
  readonly maxBufferBytes: number;
}

const SOFTWARE = /llvmpipe|lavapipe|softpipe|swiftshader|software|basic render|warp/i;

/**
 * Requests a device.
 *
 * @param request What to ask for.
 * @param gpu Whom to ask; tests put in their own.
 * @throws {BackendUnavailableError} If there is no WebGPU, no adapter, only a software adapter where none is allowed, or a
 * feature is missing. The message says which.
 */
export async function requestDevice(
  request: DeviceRequest,
  gpu: Pick<GPU, "requestAdapter"> | null | undefined = globalThis.navigator?.gpu,
): Promise<{ device: GPUDevice; facts: DeviceFacts }> {
  if (!gpu) throw new BackendUnavailableError("webgpu", "this runtime has no navigator.gpu");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new BackendUnavailableError("webgpu", "no adapter was found: install a Vulkan, Metal or Direct3D 12 driver");
  }
  const { vendor, architecture, device: deviceName, description } = adapter.info;
  const name = [vendor, architecture, deviceName, description].filter((part) => part && part !== "0").join(" ");
  const software = SOFTWARE.test(name) || isFallback(adapter);
  if (software && !request.allowSoftware) {
    throw new BackendUnavailableError(
      "webgpu",
      `the only adapter, ${name}, runs on the CPU: ask for it by name to use it`,
    );
  }
  if (request.half && !adapter.features.has("shader-f16")) {
    throw new BackendUnavailableError("webgpu", `precision f16 needs the feature shader-f16, which ${name} lacks`);
  }
  const requiredLimits: Record<string, number> = {};
  if (request.limits === "max") {
    requiredLimits.maxBufferSize = adapter.limits.maxBufferSize;
    requiredLimits.maxStorageBufferBindingSize = adapter.limits.maxStorageBufferBindingSize;
  }
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredLimits, requiredFeatures: request.half ? ["shader-f16"] : [] });
  } catch (cause) {
    throw new BackendUnavailableError("webgpu", `${name} gives no device: ${(cause as Error).message}`, { cause });
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const facts = {
    adapter: name,
    software,
    maxBindingBytes: Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 4) * 4,
    maxBufferBytes: maxBufferSize,
  };
  return { device, facts };
}

/** Where the flag lies has moved between versions of the specification. */
function isFallback(adapter: GPUAdapter): boolean {
  const flags = [adapter, adapter.info] as { isFallbackAdapter?: boolean }[];
  return flags.some((owner) => owner.isFallbackAdapter === true);
}
