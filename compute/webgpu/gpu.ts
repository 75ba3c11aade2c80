/**
 * A device with what is made on it: pipelines cached by source, buffers counted and pooled, checked submissions.
 * @module
 */
import { DeviceLimitError } from "../errors.ts";
import type { DeviceFacts } from "./device.ts";
import { PARAMS_STRIDE_BYTES, PARAMS_WGSL } from "./params.ts";

/** Released buffers kept for reuse, at most this many bytes. */
export const MAX_POOL_BYTES: number = 64 * 2 ** 20;

/** See {@linkcode Gpu.stream}. */
const STREAM_PART_BYTES = 8 * 2 ** 20;
const STREAMS = 8;

/** A kernel: its WGSL without the parameter block, and how it uses each storage binding of group 1. */
export interface KernelSource {
  /** Name for messages. */
  readonly name: string;
  /** WGSL; `enable` lines come first. */
  readonly code: string;
  /** Access of bindings 0, 1, …. */
  readonly bindings: readonly ("read" | "write")[];
}

/** A compiled kernel. */
export interface Kernel {
  /** The pipeline. */
  readonly pipeline: GPUComputePipeline;
  /** Layout of group 1. */
  readonly layout: GPUBindGroupLayout;
}

/** What is alive on a device. */
export interface GpuCounts {
  /** Buffers, the pooled ones included. */
  readonly buffers: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Bytes of those that wait for reuse. */
  readonly pooledBytes: number;
  /** Kernels compiled. */
  readonly pipelines: number;
}

/** See the module. Buffers may hold anything when they are handed out. */
export class Gpu {
  /** The device. */
  readonly device: GPUDevice;
  /** What it is. */
  readonly facts: DeviceFacts;
  /** Layout of group 0: the parameter block at a dynamic offset. */
  readonly paramsLayout: GPUBindGroupLayout;
  #lost: string | undefined;
  readonly #kernels = new Map<string, Promise<Kernel>>();
  readonly #sizes = new Map<GPUBuffer, { bytes: number; usage: number }>();
  readonly #pool: GPUBuffer[] = [];
  #pooledBytes = 0;
  #checks: Promise<void>[] = [];

  /** Takes over a fresh device. */
  constructor(device: GPUDevice, facts: DeviceFacts) {
    this.device = device;
    this.facts = facts;
    device.lost.then((info) => {
      this.#lost = info.message || info.reason || "no reason given";
    });
    this.paramsLayout = device.createBindGroupLayout({
      entries: [{
        binding: 0,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: PARAMS_STRIDE_BYTES },
      }],
    });
  }

  /** Why the device was lost; undefined while it is there. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Gives the loss of the device a moment to be reported: an operation's own failure may come first. */
  async waitForLoss(): Promise<boolean> {
    for (let i = 0; i < 20 && this.#lost === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    return this.#lost !== undefined;
  }

  /** Counts of what is alive. */
  get counts(): GpuCounts {
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += size.bytes;
    return { buffers: this.#sizes.size, bytes, pooledBytes: this.#pooledBytes, pipelines: this.#kernels.size };
  }

  /** A kernel, compiled once per source. */
  kernel(source: KernelSource): Promise<Kernel> {
    const found = this.#kernels.get(source.code);
    if (found !== undefined) return found;
    const made = this.#compile(source);
    this.#kernels.set(source.code, made);
    return made;
  }

  async #compile({ name, code, bindings }: KernelSource): Promise<Kernel> {
    const layout = this.device.createBindGroupLayout({
      label: name,
      entries: bindings.map((access, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: access === "read" ? "read-only-storage" : "storage" },
      })),
    });
    const enables = code.split("\n").filter((line) => line.startsWith("enable ")).join("\n");
    const rest = code.split("\n").filter((line) => !line.startsWith("enable ")).join("\n");
    const module = this.device.createShaderModule({ label: name, code: `${enables}\n${PARAMS_WGSL}${rest}` });
    try {
      const pipeline = await this.device.createComputePipelineAsync({
        label: name,
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [this.paramsLayout, layout] }),
        compute: { module, entryPoint: "main" },
      });
      return { pipeline, layout };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const first = messages.find(({ type }) => type === "error")?.message.split("\n").map((line) => line.trim())
        .filter(Boolean).slice(0, 4).join(" | ");
      throw new Error(`Cannot compile ${name}: ${first ?? (cause as Error).message}`, { cause });
    }
  }

  /** Binds buffers to a kernel's group 1. */
  bind(kernel: Kernel, buffers: readonly GPUBuffer[]): GPUBindGroup {
    return this.device.createBindGroup({
      layout: kernel.layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /** Binds a buffer of parameter blocks to group 0. */
  bindParams(buffer: GPUBuffer): GPUBindGroup {
    const resource = { buffer, offset: 0, size: PARAMS_STRIDE_BYTES };
    return this.device.createBindGroup({ layout: this.paramsLayout, entries: [{ binding: 0, resource }] });
  }

  /**
   * A buffer of at least `bytes` (rounded up to 16), from the pool or new.
   *
   * @throws {DeviceLimitError} If it is larger than the device allows.
   */
  acquire(label: string, bytes: number, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const index = this.#pool.findIndex((b) => {
      const have = this.#sizes.get(b)!;
      return have.usage === usage && have.bytes === size;
    });
    if (index >= 0) {
      this.#pooledBytes -= size;
      return this.#pool.splice(index, 1)[0];
    }
    const available = this.facts.maxBufferBytes;
    if (size > available) {
      throw new DeviceLimitError(
        `Found a need for a buffer of ${size} bytes (${label}), expected at most ${available}`,
        {
          limit: "maxBufferSize",
          requested: size,
          available,
        },
      );
    }
    this.#push();
    const buffer = this.device.createBuffer({ label, size, usage });
    this.#pop(`allocating ${size} bytes for ${label}`, size);
    this.#sizes.set(buffer, { bytes: size, usage });
    return buffer;
  }

  /** A new or reused storage buffer that can be copied from and to. */
  storage(label: string, bytes: number): GPUBuffer {
    return this.acquire(label, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  }

  /** Gives a buffer back: to the pool, or to the device when the pool is full. Idempotent. */
  release(buffer: GPUBuffer): void {
    const size = this.#sizes.get(buffer);
    if (size === undefined || this.#pool.includes(buffer)) return;
    if (this.#lost === undefined && this.#pooledBytes + size.bytes <= MAX_POOL_BYTES) {
      this.#pool.push(buffer);
      this.#pooledBytes += size.bytes;
      return;
    }
    this.#sizes.delete(buffer);
    buffer.destroy();
  }

  /** Records and submits commands inside error scopes; {@linkcode check} reports what they caught. */
  submit(label: string, record: (encoder: GPUCommandEncoder) => void): void {
    this.#push();
    const encoder = this.device.createCommandEncoder({ label });
    record(encoder);
    this.device.queue.submit([encoder.finish()]);
    this.#pop(label, 0);
  }

  /**
   * Waits for the error scopes so far.
   *
   * @throws {DeviceLimitError} If memory ran out.
   * @throws {Error} If the device refused a command, which is a bug.
   */
  async check(): Promise<void> {
    const checks = this.#checks;
    this.#checks = [];
    await Promise.all(checks);
  }

  /** Copies bytes of a buffer to the host. */
  async read(buffer: GPUBuffer, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    const size = Math.ceil(bytes / 4) * 4;
    let copy!: ArrayBuffer;
    await this.#withStaging(size, async (staging) => {
      await this.#copyOut(buffer, { byteOffset, size, staging }, (part) => copy = part.slice(0, bytes));
      await this.check();
    });
    return copy;
  }

  /**
   * Copies bytes of a buffer to the host in parts, some of them under way at a time.
   *
   * Parts are small because a runtime may hand out a copy of what is mapped (Deno does), and memory for a large one is slow to
   * come by; several are under way because a mapping is reported some 10 ms late there.
   *
   * @param bytes From the beginning; a multiple of 4.
   * @param take Gets each part, in any order, and where in the range it lies; the part is gone when it returns.
   * @param partBytes Bytes of a part, a multiple of 4.
   */
  async stream(
    buffer: GPUBuffer,
    bytes: number,
    take: (part: ArrayBuffer, offset: number) => void,
    partBytes: number = STREAM_PART_BYTES,
  ): Promise<void> {
    let next = 0;
    const lane = (): Promise<void> =>
      this.#withStaging(partBytes, async (staging) => {
        while (next < bytes) {
          const byteOffset = next;
          const size = Math.min(partBytes, bytes - byteOffset);
          next += size;
          await this.#copyOut(buffer, { byteOffset, size, staging }, (part) => take(part, byteOffset));
        }
      });
    const parts = Math.min(STREAMS, Math.ceil(bytes / partBytes));
    const lanes = await Promise.allSettled(Array.from({ length: parts }, lane));
    const errors = lanes.flatMap((lane) => lane.status === "rejected" ? [lane.reason] : []);
    // Whoever looked at the error scopes first knows why.
    if (errors.length > 0) throw errors.find((error) => error instanceof DeviceLimitError) ?? errors[0];
    await this.check();
  }

  /** Lends a buffer that can be mapped. Where that fails, the error scopes know why, and the buffer is not used again. */
  async #withStaging(bytes: number, body: (staging: GPUBuffer) => Promise<void>): Promise<void> {
    const staging = this.acquire("read-back", bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    try {
      await body(staging);
    } catch (error) {
      this.#sizes.delete(staging);
      staging.destroy();
      await this.check();
      throw error;
    }
    this.release(staging);
  }

  async #copyOut(
    buffer: GPUBuffer,
    { byteOffset, size, staging }: { byteOffset: number; size: number; staging: GPUBuffer },
    take: (part: ArrayBuffer) => void,
  ): Promise<void> {
    this.submit("read-back", (encoder) => encoder.copyBufferToBuffer(buffer, byteOffset, staging, 0, size));
    await staging.mapAsync(GPUMapMode.READ, 0, size);
    try {
      take(staging.getMappedRange(0, size));
    } finally {
      staging.unmap();
    }
  }

  /** Destroys the device and everything on it. Idempotent. */
  destroy(): void {
    for (const buffer of this.#sizes.keys()) buffer.destroy();
    this.#sizes.clear();
    this.#pool.length = 0;
    this.#pooledBytes = 0;
    this.#kernels.clear();
    this.device.destroy();
  }

  #push(): void {
    this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
  }

  #pop(label: string, bytes: number): void {
    const validation = this.device.popErrorScope();
    const memory = this.device.popErrorScope();
    const check = Promise.all([validation, memory]).then(([refused, exhausted]) => {
      if (exhausted !== null) {
        throw new DeviceLimitError(`Found the device out of memory when ${label}: ${exhausted.message}`, {
          limit: "device memory",
          requested: bytes,
          available: 0,
        });
      }
      if (refused !== null) throw new Error(`Cannot run ${label} on the device: ${refused.message}`);
    });
    check.catch(() => {}); // Reported by check(), not as an unhandled rejection.
    this.#checks.push(check);
  }
}
