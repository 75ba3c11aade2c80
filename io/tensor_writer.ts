/**
 * Writes tensors in another thread, see `write_worker.ts`.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import type { Tensor } from "../compute/tensor.ts";
import type { TorchOutput } from "./write_torch.ts";

/** What is asked of the other thread: the tensor's memory is shared, not sent. */
export interface WriteRequest {
  /** Path of the file. */
  readonly path: string;
  /** What goes into it. */
  readonly tensor: Tensor;
}

/** `true`, or what went wrong there. */
export type WriteReply = true | { readonly name: string; readonly message: string };

/** The worker, as far as it is used. */
export interface WriterThread {
  /** Sends a structured clone. */
  postMessage(message: unknown): void;
  /** Called with what the other end sent. */
  onmessage: ((event: MessageEvent) => void) | null;
  /** Called when the other end died. */
  onerror: ((event: ErrorEvent) => void) | null;
  /** Ends it. */
  terminate(): void;
}

/** Writes tensors that lie in shared memory while its caller does something else. */
export interface TensorWriter {
  /**
   * As `writeTorch`: the file is there, whole and durable, when it resolves. The memory must not change meanwhile.
   *
   * Where the other thread could not be started or died, the file is written in this one.
   *
   * @throws {ArtifactError} If the file cannot be written.
   */
  write(path: string, tensor: Tensor): Promise<void>;
  /** Ends the thread; what it has not written yet is written by this one. */
  [Symbol.dispose](): void;
}

/** Whether a tensor can be handed over: what lies in memory of one thread only would have to be copied. */
export function isShared(output: TorchOutput): output is Tensor {
  return "data" in output && output.data.buffer instanceof SharedArrayBuffer;
}

/**
 * Makes a writer of a worker that runs `write_worker.ts`.
 *
 * @example
 * ```ts
 * import { tensor } from "../compute/tensor.ts";
 * import { openTensorWriter } from "./tensor_writer.ts";
 * using writer = openTensorWriter(new Worker(new URL("./write_worker.ts", import.meta.url), { type: "module" }));
 * const shared = new Float32Array(new SharedArrayBuffer(16));
 * await writer.write("tests/tmp/shared.pt", tensor(shared, [4]));
 * await Deno.remove("tests/tmp/shared.pt");
 * ```
 */
export function openTensorWriter(thread: WriterThread): TensorWriter {
  // Answers come in the order of the requests.
  const waiting: ((reply: WriteReply | undefined) => void)[] = [];
  let isGone = false;
  const end = (): void => {
    isGone = true;
    for (const answered of waiting.splice(0)) answered(undefined);
  };
  thread.onmessage = ({ data }: MessageEvent<WriteReply>): void => waiting.shift()?.(data);
  thread.onerror = (event): void => {
    event.preventDefault();
    end();
  };
  return {
    async write(path, tensor): Promise<void> {
      const reply = isGone ? undefined : await new Promise<WriteReply | undefined>((resolve) => {
        waiting.push(resolve);
        thread.postMessage({ path, tensor } satisfies WriteRequest);
      });
      if (reply === undefined) {
        const { writeTorch } = await import("./write_torch.ts");
        return await writeTorch(path, tensor);
      }
      if (reply === true) return;
      if (reply.name === "ArtifactError") throw new ArtifactError(reply.message, { path });
      throw Object.assign(new Error(reply.message), { name: reply.name });
    },
    [Symbol.dispose](): void {
      thread.terminate();
      end();
    },
  };
}
