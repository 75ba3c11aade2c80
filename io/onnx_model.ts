/**
 * An ONNX model on disk as a function of typed arrays.
 * @module
 */
import { BackendUnavailableError, DatasetError } from "../compute/errors.ts";
import { externalLocations } from "./_onnx_external.ts";
import { createSession, type RuntimeSession, type ValueMetadata } from "./_onnxruntime.js";
import { memorySource } from "./byte_source.ts";
import { fileSize, realPath, sha256 } from "./open_file.ts";

/** WebAssembly addresses 4 GiB, and weights are held beside what is computed. */
const MAX_MODEL_BYTES = 3 * 2 ** 30;

/** An input or output: name, element type, and axes; an axis of any length is a name. */
export interface OnnxValue {
  /** Its name in the graph. */
  readonly name: string;
  /** `float32`, `float16`, `int64` …; `sequence` for what is no tensor. */
  readonly type: string;
  /** Its axes: a length, or the name of one that varies. */
  readonly shape: readonly (number | string)[];
}

/** What the model computes with. */
export interface OnnxOptions {
  /** The runtime's provider: its kernels in WebAssembly, or in WebGPU. */
  readonly provider: "wasm" | "webgpu";
  /** Threads of the WebAssembly kernels, ≥ 1; the first model of a process decides for all. */
  readonly threads: number;
}

/** A loaded model; close it when done. */
export interface OnnxModel {
  /** The file. */
  readonly path: string;
  /** SHA-256 of the file, then of the files of weights beside it, in hexadecimal. */
  readonly sha256: readonly string[];
  /** What it takes. */
  readonly inputs: readonly OnnxValue[];
  /** What it gives. */
  readonly outputs: readonly OnnxValue[];
  /** Version of the runtime. */
  readonly runtime: string;
  /**
   * Runs the model on one input.
   *
   * @param input Name, values and shape; values are rounded to f16 if that is what the model takes.
   * @param outputs Names of the outputs to compute; others may be left out.
   * @returns Values as f32 and shape, by name.
   * @throws {DatasetError} If the model refuses the input.
   */
  run(
    input: { readonly name: string; readonly data: Float32Array; readonly shape: readonly number[] },
    outputs: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>>;
  /** Frees its memory. Idempotent. */
  close(): Promise<void>;
}

/**
 * Loads a model, and weights that lie in files beside it.
 *
 * Reads those files and nothing else: the runtime's code and WebAssembly come from the module cache by import.
 *
 * @throws {DatasetError} If there is no such file, it is no ONNX model, or names weights outside of its own directory.
 * @throws {BackendUnavailableError} If the runtime cannot run it.
 *
 * @example
 * ```ts
 * import { openOnnxModel } from "./onnx_model.ts";
 * const model = await openOnnxModel("fixtures/demo/vit.onnx", { provider: "wasm", threads: 1 });
 * console.assert(model.inputs[0].name === "pixel_values" && model.outputs[0].shape.join() === "batch,6,65,96");
 * await model.close();
 * ```
 */
export async function openOnnxModel(path: string, { provider, threads }: OnnxOptions): Promise<OnnxModel> {
  const bytes = await readModel(path);
  const external = await readExternal(path, bytes);
  const hashes = await Promise.all(
    [bytes, ...external.map(({ data }) => data)].map((b) => sha256(memorySource(path, b))),
  );
  let created: Awaited<ReturnType<typeof createSession>>;
  try {
    created = await createSession(bytes, { provider, threads, externalData: external, freeDimensions: {} });
  } catch (cause) {
    const said = oneLine(cause);
    if (/protobuf|INVALID_PROTOBUF|ModelProto|No graph was found/i.test(said)) {
      throw new DatasetError(`Cannot use the model ${path}: it is no ONNX model (${said})`, { path }, { cause });
    }
    throw new BackendUnavailableError(`onnxruntime ${provider}`, `it cannot run ${path}: ${said}`, { cause });
  }
  return new LoadedModel(path, hashes, created);
}

class LoadedModel implements OnnxModel {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly runtime = "onnxruntime-web 1.30.0";
  readonly #session: RuntimeSession;
  readonly #Tensor: Awaited<ReturnType<typeof createSession>>["Tensor"];
  #closed = false;

  constructor(
    readonly path: string,
    readonly sha256: readonly string[],
    { session, Tensor }: Awaited<ReturnType<typeof createSession>>,
  ) {
    this.#session = session;
    this.#Tensor = Tensor;
    this.inputs = session.inputMetadata.map(toValue);
    this.outputs = session.outputMetadata.map(toValue);
  }

  async run(
    { name, data, shape }: { readonly name: string; readonly data: Float32Array; readonly shape: readonly number[] },
    outputs: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>> {
    const isHalf = this.inputs.find((input) => input.name === name)?.type === "float16";
    const tensor = new this.#Tensor(isHalf ? "float16" : "float32", isHalf ? new Float16Array(data) : data, shape);
    let found: Awaited<ReturnType<RuntimeSession["run"]>>;
    try {
      found = await this.#session.run({ [name]: tensor }, outputs);
    } catch (cause) {
      throw new DatasetError(
        `The model ${this.path} refuses an input of shape [${shape.join(", ")}]: ${oneLine(cause)}`,
        { path: this.path },
        { cause },
      );
    }
    return new Map(outputs.map((output) => {
      const { data: values, dims } = found[output];
      return [output, {
        data: values instanceof Float32Array ? values : Float32Array.from(values as never),
        shape: dims,
      }];
    }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#session.release();
  }
}

async function readModel(path: string): Promise<Uint8Array> {
  const size = await fileSize(path);
  if (size === undefined) {
    throw new DatasetError(`Cannot find the model ${path}: give an ONNX file with --model`, { path });
  }
  if (size > MAX_MODEL_BYTES) {
    throw new DatasetError(`Cannot use the model ${path}: it holds ${size} bytes, at most ${MAX_MODEL_BYTES} fit`, {
      path,
    });
  }
  return await Deno.readFile(path);
}

/** Weights beside the model: a plain name, in its own directory, wherever links lead. */
async function readExternal(path: string, model: Uint8Array): Promise<{ path: string; data: Uint8Array }[]> {
  let locations: string[];
  try {
    locations = externalLocations(model);
  } catch (cause) {
    throw new DatasetError(`Cannot use the model ${path}: it is no ONNX model (${oneLine(cause)})`, { path }, {
      cause,
    });
  }
  const directory = directoryOf(path);
  const files: { path: string; data: Uint8Array }[] = [];
  let total = model.length;
  for (const location of locations) {
    const file = `${directory}/${location}`;
    if (!/^[^/\\]+$/.test(location) || /^\.+$/.test(location)) {
      throw new DatasetError(
        `Cannot use the model ${path}: it names weights at ${
          JSON.stringify(location)
        }, and a file beside it was expected`,
        { path },
      );
    }
    const size = await fileSize(file);
    if (size === undefined) {
      throw new DatasetError(`Cannot find ${file}, which holds weights of the model ${path}: put it beside the model`, {
        path: file,
      });
    }
    // Both may be links, as in a cache of downloads, but they lead to one place.
    if (directoryOf(await realPath(file)) !== directoryOf(await realPath(path))) {
      throw new DatasetError(
        `Cannot follow the link ${file}: it leads away from the model; copy the file beside ${path}`,
        {
          path: file,
        },
      );
    }
    total += size;
    if (total > MAX_MODEL_BYTES) {
      throw new DatasetError(`Cannot use the model ${path}: with ${file} it passes ${MAX_MODEL_BYTES} bytes`, { path });
    }
    files.push({ path: location, data: await Deno.readFile(file) });
  }
  return files;
}

function directoryOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".";
}

function toValue({ name, isTensor, type, shape }: ValueMetadata): OnnxValue {
  return isTensor ? { name, type: type!, shape: [...shape!] } : { name, type: "sequence", shape: [] };
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
}
