import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { TorchFileError, UnsafePickleError } from "../../compute/errors.ts";
import { tensor } from "../../compute/tensor.ts";
import { memorySource } from "../../io/byte_source.ts";
import { safeLoad } from "../../io/safe_load.ts";
import { readTorch, type TorchValue } from "../../io/torch_file.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { writeTorch } from "../../io/write_torch.ts";
import { inTemporary } from "./_temporary.ts";

const folder = "fixtures/golden/torch-files";
const expected: Record<string, unknown> = JSON.parse(Deno.readTextFileSync(`${folder}/expected.json`));
const permissions = { read: ["fixtures"] };

/** The value in the form expected.json has it. */
function plain(value: TorchValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (value !== null && typeof value === "object" && "dtype" in value) {
    return { dtype: value.dtype, shape: [...value.shape], values: Array.from(value.data as ArrayLike<number>, Number) };
  }
  return value;
}

for (const [name, content] of Object.entries(expected)) {
  Deno.test({
    name: `safeLoad() reads ${name}.pt as Python does`,
    permissions,
    fn: async () => deepStrictEqual(plain(await safeLoad(`${folder}/${name}.pt`)), content),
  });
}

const refused: Record<string, [new (...args: never[]) => Error, RegExp]> = {
  cut_pickle: [TorchFileError, /ends in the middle of a name/],
  global_eval: [UnsafePickleError, /__builtin__\.eval/],
  not_a_zip: [TorchFileError, /no zip directory was found in its 110 bytes/],
  reduce_os_system: [UnsafePickleError, /posix\.system/],
  short_storage: [TorchFileError, /storage 0 holds 40 bytes, and 96 were expected/],
  truncated: [TorchFileError, /truncated/],
};
for (const [name, [type, message]] of Object.entries(refused)) {
  Deno.test({
    name: `safeLoad() refuses hostile/${name}.pt`,
    permissions,
    fn: async () => {
      await rejects(safeLoad(`${folder}/hostile/${name}.pt`), (error: Error) => {
        ok(error instanceof type, error.name);
        ok(message.test(error.message), error.message);
        ok(error.message.includes(`${name}.pt`));
        return true;
      });
    },
  });
}

Deno.test({
  name: "safeLoad() names the file that is not there",
  permissions,
  fn: async () => {
    await rejects(safeLoad(`${folder}/none.pt`), (error: Error) => error instanceof TorchFileError);
  },
});

Deno.test({
  name: "readTorch() refuses a file cut at any byte, and never hangs or crashes",
  permissions,
  fn: async () => {
    for (const name of ["state_dict", "legacy_format"]) {
      const bytes = Deno.readFileSync(`${folder}/${name}.pt`);
      for (let length = 0; length < bytes.length; length++) {
        await rejects(
          readTorch(memorySource("cut.pt", bytes.subarray(0, length))),
          (error: Error) => error instanceof TorchFileError,
          `${name} cut at ${length}`,
        );
      }
    }
  },
});

Deno.test({
  name: "readTorch() answers any single flipped byte with a value or a typed error",
  permissions,
  fn: async () => {
    const bytes = Deno.readFileSync(`${folder}/nested.pt`);
    let refusals = 0;
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const copy = bytes.slice();
        copy[i] ^= flip;
        try {
          await readTorch(memorySource("flipped.pt", copy));
        } catch (error) {
          refusals++;
          ok(error instanceof TorchFileError || error instanceof UnsafePickleError, `byte ${i}: ${error}`);
        }
      }
    }
    ok(refusals > 100);
  },
});

Deno.test({
  name: "readTorch() refuses a claim far larger than the file before allocating",
  permissions,
  fn: async () => {
    // The old format has no checksums or offsets, so its pickle can be made longer: shape [2^31 - 1, 6], strides [0, 1].
    const legacyText = String.fromCharCode(...Deno.readFileSync(`${folder}/legacy_format.pt`));
    const shape = legacyText.indexOf("K\x04K\x06\x86");
    const strides = legacyText.indexOf("K\x06K\x01\x86");
    const grown = Uint8Array.from(
      legacyText.slice(0, shape) + "J\xff\xff\xff\x7fK\x06\x86" + legacyText.slice(shape + 5, strides) +
        "K\x00K\x01\x86" +
        legacyText.slice(strides + 5),
      (character) => character.charCodeAt(0),
    );
    await rejects(readTorch(memorySource("grown.pt", grown)), /its tensors take 51539607528 bytes/);
  },
});

Deno.test({
  name: "readTorch() widens every half and bfloat16 exactly",
  permissions,
  fn: async () => {
    for (const [name, bits] of [["f16", 0x3555], ["bf16", 0x3eab]] as const) {
      const bytes = Deno.readFileSync(`${folder}/${name}.pt`);
      const value = await readTorch(memorySource(name, bytes)) as { data: Float32Array };
      strictEqual(value.data[1], 1);
      // The elements 0, 1, 2 … are found by their bytes; the first is replaced by a fraction.
      const one = name === "f16" ? [0, 0, 0x00, 0x3c, 0x00, 0x40] : [0, 0, 0x80, 0x3f, 0x00, 0x40];
      const at = bytes.findIndex((_, i) => one.every((byte, j) => bytes[i + j] === byte));
      new DataView(bytes.buffer).setUint16(at, bits, true);
      const changed = await readTorch(memorySource(name, bytes)) as { data: Float32Array };
      strictEqual(changed.data[0], name === "f16" ? (1024 + 0x155) * 2 ** (13 - 25) : 0xab * 2 ** (125 - 127 - 7));
    }
  },
});

Deno.test({
  name: "readTorch() leaves out the elements of what is not wanted, and says so when they are asked for",
  permissions: { read: ["fixtures"] },
  fn: async () => {
    const path = "fixtures/golden/patch/sae.pt";
    const bytes = await Deno.readFile(path);
    // The checkpoint's first line is not the torch file's.
    const source = memorySource(path, bytes.subarray(bytes.indexOf(10) + 1));
    const all = await readTorch(source);
    const some = await readTorch(source, { wanted: (key) => key !== "W_dec" });
    ok(all instanceof Map && some instanceof Map);
    const tensor = (value: typeof all, key: string): TorchTensor => value.get(key) as TorchTensor;
    deepStrictEqual([...some.keys()], [...all.keys()]);
    for (const key of ["W_enc", "b_enc", "b_dec"]) deepStrictEqual(tensor(some, key), tensor(all, key));
    deepStrictEqual(tensor(some, "W_dec").shape, tensor(all, "W_dec").shape);
    throws(() => tensor(some, "W_dec").data, /W_dec were not read/);
  },
});

Deno.test({
  name: "readTorch() misses what a file does not hold also where nobody wants it",
  permissions: { read: ["tests/tmp"], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      const path = `${directory}/dictionary.pt`;
      await writeTorch(path, { a: tensor(new Float32Array(3), [3]), b: tensor(new Float32Array(7 * 41), [7, 41]) });
      const bytes = Deno.readFileSync(path);
      const wanted = (key: string): boolean => key === "a";
      ok(await readTorch(memorySource(path, bytes), { wanted }) instanceof Map);
      // The pickle says how many elements b's storage has, 287 in four bytes: one more than there are.
      const at = bytes.findIndex((byte, i) => byte === 0x4a && bytes[i + 1] === 0x1f && bytes[i + 2] === 1);
      bytes[at + 1] += 1;
      await rejects(
        readTorch(memorySource(path, bytes), { wanted }),
        /storage 1 holds 1148 bytes, and 1152 were expected/,
      );
    }),
});
