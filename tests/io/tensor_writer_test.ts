import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { type Tensor, tensor } from "../../compute/tensor.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { safeLoad } from "../../io/safe_load.ts";
import { isShared, openTensorWriter, type WriteReply, type WriterThread } from "../../io/tensor_writer.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { type ArtifactSet, writeArtifacts } from "../../io/write_artifacts.ts";
import { writeTorch } from "../../io/write_torch.ts";
import { facts, img, patch, setOf } from "./_artifact_set.ts";
import { inTemporary } from "./_temporary.ts";

// A worker's modules are loaded with a read check.
const permissions = { read: ["."], write: ["tests/tmp"] };

/** A tensor in shared memory: 0, by, 2·by, … */
function shared(length: number, by: number): Tensor {
  const data = new Float32Array(new SharedArrayBuffer(length * 4));
  for (let i = 0; i < length; i++) data[i] = i * by;
  return tensor(data, [length]);
}

const startWriter = (url: string | URL = new URL("../../io/write_worker.ts", import.meta.url)): Worker =>
  new Worker(url, { type: "module" });

const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

const namesIn = (directory: string): string[] => [...Deno.readDirSync(directory)].map(({ name }) => name).sort();

/** A thread that answers what it is told, or not at all; it writes down what it was asked. */
class FakeThread implements WriterThread {
  readonly asked: string[] = [];
  terminated = 0;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #onAsked: (thread: FakeThread) => void;

  constructor(onAsked: (thread: FakeThread) => void = () => {}) {
    this.#onAsked = onAsked;
  }

  postMessage(message: unknown): void {
    this.asked.push((message as { path: string }).path);
    this.#onAsked(this);
  }

  answer(reply: WriteReply): void {
    this.onmessage?.(new MessageEvent("message", { data: reply }));
  }

  die(): void {
    const event = new ErrorEvent("error", { message: "out of memory", cancelable: true });
    this.onerror?.(event);
    ok(event.defaultPrevented, "an error that nobody prevents ends the process");
  }

  terminate(): void {
    this.terminated++;
  }
}

Deno.test({
  name: "openTensorWriter() writes the bytes that writeTorch() writes, of several files in order",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      using writer = openTensorWriter(startWriter());
      const tensors = [shared(3, 0.5), shared(3_000_000, 1), { ...shared(12, -1), shape: [3, 4] }, shared(0, 1)];
      const done: number[] = [];
      await Promise.all(tensors.map(async (value, i) => {
        await writer.write(`${directory}/${i}.pt`, value);
        // Whole when it resolves, whatever comes after it.
        deepStrictEqual(
          await safeLoad(`${directory}/${i}.pt`).then((back) => (back as TorchTensor).shape),
          value.shape,
        );
        done.push(i);
      }));
      deepStrictEqual(done.toSorted(), [0, 1, 2, 3]);
      for (const [i, value] of tensors.entries()) {
        await writeTorch(`${directory}/expected`, value);
        strictEqual(
          Deno.readFileSync(`${directory}/${i}.pt`).toHex() === Deno.readFileSync(`${directory}/expected`).toHex(),
          true,
          `file ${i} differs`,
        );
      }
      deepStrictEqual(namesIn(directory), ["0.pt", "1.pt", "2.pt", "3.pt", "expected"]);
    }),
});

Deno.test({
  name: "openTensorWriter() gives each answer to its own request, in the order of the requests",
  permissions: "none",
  fn: async () => {
    const thread = new FakeThread();
    using writer = openTensorWriter(thread);
    const heard: string[] = [];
    const asked = ["a", "b", "c"].map((path) =>
      writer.write(path, shared(1, 1)).then(
        () => void heard.push(`${path} written`),
        (error: Error) => void heard.push(`${path} ${error.name} ${(error as ArtifactError).path ?? ""}`),
      )
    );
    deepStrictEqual(thread.asked, ["a", "b", "c"]);
    thread.answer(true);
    thread.answer({ name: "ArtifactError", message: "Cannot write b" });
    thread.answer({ name: "NotCapable", message: "Requires write access" });
    await Promise.all(asked);
    deepStrictEqual(heard, ["a written", "b ArtifactError b", "c NotCapable "]);
  },
});

Deno.test({
  name: "openTensorWriter() passes on what went wrong there as ArtifactError with the path, and goes on with the next",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      using writer = openTensorWriter(startWriter());
      Deno.mkdirSync(`${directory}/taken.pt/full`, { recursive: true });
      const [failing, next] = [`${directory}/taken.pt`, `${directory}/next.pt`].map((path) =>
        writer.write(path, shared(5, 1))
      );
      await rejects(failing, (error: Error) => {
        ok(error instanceof ArtifactError, String(error));
        strictEqual(error.path, `${directory}/taken.pt`);
        ok(error.message.startsWith(`Cannot write ${directory}/taken.pt: `), error.message);
        return true;
      });
      await next;
      deepStrictEqual(namesIn(directory), ["next.pt", "taken.pt"]);
    }),
});

for (
  const [what, url] of [
    ["cannot be loaded", "data:text/javascript,this is no code"],
    ["dies before it is asked", dataUrl("throw new Error('gone')")],
    ["dies while it answers", dataUrl("onmessage = () => { throw new Error('gone') }")],
    ["names a module that is not there", new URL("no_such_worker.ts", import.meta.url).href],
  ] as const
) {
  Deno.test({
    name: `openTensorWriter() with a thread that ${what} writes the files here`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        using writer = openTensorWriter(startWriter(url));
        const value = shared(7, 2);
        await Promise.all(["a", "b"].map((name) => writer.write(`${directory}/${name}.pt`, value)));
        // And what is asked once it is known to be gone.
        await writer.write(`${directory}/c.pt`, value);
        await writeTorch(`${directory}/expected`, value);
        const expected = Deno.readFileSync(`${directory}/expected`).toHex();
        for (const name of ["a", "b", "c"]) strictEqual(Deno.readFileSync(`${directory}/${name}.pt`).toHex(), expected);
        deepStrictEqual(namesIn(directory), ["a.pt", "b.pt", "c.pt", "expected"]);
      }),
  });
}

Deno.test({
  name: "openTensorWriter() that is disposed of ends its thread and writes here what it had not written",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const thread = new FakeThread();
      const writer = openTensorWriter(thread);
      const first = writer.write(`${directory}/first.pt`, shared(3, 1));
      const second = writer.write(`${directory}/second.pt`, shared(3, 1));
      thread.answer(true);
      await first;
      writer[Symbol.dispose]();
      strictEqual(thread.terminated, 1);
      await second;
      // An answer that was on its way belongs to nobody.
      thread.answer({ name: "ArtifactError", message: "too late" });
      await writer.write(`${directory}/third.pt`, shared(3, 1));
      deepStrictEqual(thread.asked, [`${directory}/first.pt`, `${directory}/second.pt`]);
      deepStrictEqual(namesIn(directory), ["second.pt", "third.pt"]);
    }),
});

Deno.test({
  name: "openTensorWriter() hears of what cannot be written here either",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      Deno.mkdirSync(`${directory}/taken.pt/full`, { recursive: true });
      using writer = openTensorWriter(new FakeThread((thread) => thread.die()));
      await rejects(writer.write(`${directory}/taken.pt`, shared(3, 1)), ArtifactError);
      deepStrictEqual(namesIn(directory), ["taken.pt"]);
    }),
});

Deno.test({
  name: "isShared() takes views on shared memory only, and nothing that is streamed",
  permissions: "none",
  fn: () => {
    strictEqual(isShared(shared(4, 1)), true);
    strictEqual(isShared(tensor(new Float32Array(4), [4])), false);
    strictEqual(
      isShared({ shape: [4], pieces: (): AsyncIterable<Float32Array> => ReadableStream.from<Float32Array>([]) }),
      false,
    );
  },
});

/** The same artifacts in memory that another thread can read, as a backend's state is. */
function sharedSet(percentile = 99): ArtifactSet {
  const share = ({ data, shape }: Tensor<Float32Array>): Tensor<Float32Array> => {
    const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
    copy.set(data);
    return tensor(copy, shape);
  };
  const [topValues, rankValues] = [share(patch.topValues), share(patch.rankValues)];
  const [distributions, percentiles] = [share(patch.distributions), share(patch.percentiles)];
  return { ...setOf(patch, percentile), result: { ...patch, topValues, rankValues, distributions, percentiles } };
}

/** What lies in a directory, by name, in hexadecimal. */
function filesIn(directory: string): Map<string, string> {
  return new Map(namesIn(directory).map((name) => [name, Deno.readFileSync(`${directory}/${name}`).toHex()]));
}

Deno.test({
  name: "writeArtifacts() with a writer gives the same bytes as without, and hands over nothing but heatmaps",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(`${directory}/here`, sharedSet(), facts);
      using writer = openTensorWriter(startWriter());
      const asked: string[] = [];
      const watched: typeof writer = {
        write: (path, value) => (asked.push(path), writer.write(path, value)),
        [Symbol.dispose]: () => {},
      };
      await writeArtifacts(`${directory}/there`, { ...sharedSet(), writer: watched }, facts);
      deepStrictEqual(asked.map((path) => path.split("/").at(-1)), ["top_values.pt"]);
      deepStrictEqual(filesIn(`${directory}/there`), filesIn(`${directory}/here`));
      // Memory of one thread cannot be handed over.
      await writeArtifacts(`${directory}/own`, { ...setOf(patch), writer: watched }, facts);
      await writeArtifacts(`${directory}/img`, { ...setOf(img), writer: watched }, facts);
      strictEqual(asked.length, 1);
      deepStrictEqual(filesIn(`${directory}/own`), filesIn(`${directory}/here`));
    }),
});

Deno.test({
  name: "writeArtifacts() with a writer whose thread dies at work gives the same bytes, and leaves nothing else",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(`${directory}/here`, sharedSet(), facts);
      // Killed in the middle of a file, whose beginning it leaves under a temporary name.
      const thread = new FakeThread((thread) => {
        const half = thread.asked[0].replace("top_values.pt", `.top_values.pt.${crypto.randomUUID()}.tmp`);
        Deno.writeTextFileSync(half, "half");
        queueMicrotask(() => thread.die());
      });
      using writer = openTensorWriter(thread);
      await writeArtifacts(`${directory}/there`, { ...sharedSet(), writer }, facts);
      deepStrictEqual(filesIn(`${directory}/there`), filesIn(`${directory}/here`));
    }),
});

Deno.test({
  name: "writeArtifacts() with a writer that fails, first or last, leaves the old artifacts and no staging directory",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, sharedSet(95), facts);
      const before = filesIn(directory);
      const reply = { name: "ArtifactError", message: "Cannot write top_values.pt: no space left" };
      const threads = [
        new FakeThread((thread) => thread.answer(reply)),
        // Long after everything else is written.
        new FakeThread((thread) => void setTimeout(() => thread.answer(reply), 200)),
      ];
      for (const thread of threads) {
        using writer = openTensorWriter(thread);
        await rejects(writeArtifacts(directory, { ...sharedSet(99), writer }, facts), (error: Error) => {
          ok(error instanceof ArtifactError && /no space left/.test(error.message), String(error));
          return true;
        });
        strictEqual(thread.asked.length, 1);
        deepStrictEqual(filesIn(directory), before);
        deepStrictEqual((await readManifest(directory))?.config, facts.config);
      }
    }),
});

Deno.test({
  name: "writeArtifacts() that fails here clears up only once the writer is done with its file",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      let isWritten = false;
      const writer = {
        async write(path: string, value: Tensor): Promise<void> {
          await new Promise((resolve) => setTimeout(resolve, 200));
          // Would make the directory anew if that were gone.
          await writeTorch(path, value);
          isWritten = true;
        },
        [Symbol.dispose]: () => {},
      };
      const set = { ...sharedSet(), sketch: () => ({ bad: tensor(new Float32Array(3), [4]) }), writer };
      await rejects(writeArtifacts(directory, set, facts), TypeError);
      strictEqual(isWritten, true);
      deepStrictEqual(namesIn(directory), []);
    }),
});
