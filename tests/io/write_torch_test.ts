import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type Tensor, tensor } from "../../compute/tensor.ts";
import { memorySource } from "../../io/byte_source.ts";
import { safeLoad } from "../../io/safe_load.ts";
import { openTensor, readTorch } from "../../io/torch_file.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { streamTorch, type TorchOutput, writeTorch } from "../../io/write_torch.ts";
import { zipDirectory } from "../../io/zip_directory.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["tests/tmp"], write: ["tests/tmp"] };

/** What `streamTorch` writes, in memory. */
async function inMemory(value: TorchOutput | Record<string, TorchOutput>, zip64From?: number): Promise<Uint8Array> {
  const out = new Uint8Array(8 << 20);
  let position = 0;
  await streamTorch(
    {
      get position() {
        return position;
      },
      write(bytes): Promise<void> {
        out.set(bytes, position);
        position += bytes.length;
        return Promise.resolve();
      },
      patch: (offset, bytes) => out.set(bytes, offset),
    },
    value,
    { zip64From },
  );
  return out.slice(0, position);
}

const arrays: [string, TorchOutput, string][] = [
  ["Float32Array", tensor(Float32Array.of(1.5, -0, NaN, Infinity), [2, 2]), "float32"],
  ["Float64Array", tensor(Float64Array.of(Math.PI, -1), [2]), "float64"],
  ["Int32Array", tensor(Int32Array.of(-(2 ** 31), 7), [2, 1]), "int32"],
  ["Int16Array", tensor(Int16Array.of(-5), [1]), "int16"],
  ["Int8Array", tensor(Int8Array.of(-128), []), "int8"],
  ["Uint8Array", tensor(Uint8Array.of(255, 0, 3), [3]), "uint8"],
  ["BigInt64Array", tensor(BigInt64Array.of(-(2n ** 63n), 5n), [2]), "int64"],
  ["empty Float32Array", tensor(new Float32Array(0), [0, 5]), "float32"],
];
for (const [name, value, dtype] of arrays) {
  Deno.test({
    name: `writeTorch() and safeLoad() give a ${name} back bit by bit`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        await writeTorch(`${directory}/a.pt`, value);
        const back = await safeLoad(`${directory}/a.pt`) as TorchTensor;
        strictEqual(back.dtype, dtype);
        deepStrictEqual(back.shape, value.shape);
        deepStrictEqual(back.data, (value as Tensor).data);
      }),
  });
}

Deno.test({
  name: "writeTorch() writes Uint32Array as int64, across conversion pieces",
  permissions: "none",
  fn: async () => {
    const data = Uint32Array.from({ length: (1 << 18) + 3 }, (_, i) => i * 16411);
    const back = await readTorch(memorySource("u32", await inMemory(tensor(data, [data.length])))) as TorchTensor;
    strictEqual(back.dtype, "int64");
    ok(data.every((value, i) => BigInt(value) === (back.data as BigInt64Array)[i]));
  },
});

Deno.test({
  name: "writeTorch() writes views on shared memory and dictionaries, with storages at multiples of 64",
  permissions: "none",
  fn: async () => {
    const shared = new Float32Array(new SharedArrayBuffer(400), 40, 6);
    shared.set([1, 2, 3, 4, 5, 6]);
    const values = { w: tensor(shared, [2, 3]), data: tensor(Int16Array.of(1, 2, 3), [3]) };
    const bytes = await inMemory(values);
    const back = await readTorch(memorySource("shared", bytes)) as Map<string, TorchTensor>;
    deepStrictEqual([...back.keys()], ["w", "data"]);
    deepStrictEqual([...back.get("w")!.data as Float32Array], [1, 2, 3, 4, 5, 6]);
    deepStrictEqual(back.get("data")!.data, values.data.data);
    for (const { name, headerOffset } of (await zipDirectory(memorySource("shared", bytes))).values()) {
      const view = new DataView(bytes.buffer, headerOffset);
      const start = headerOffset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
      strictEqual(start % 64, 0, name);
    }
  },
});

Deno.test({
  name: "writeTorch()'s ZIP64 fields are read back",
  permissions: "none",
  fn: async () => {
    const value = tensor(Float32Array.from({ length: 1000 }, (_, i) => i), [10, 100]);
    const bytes = await inMemory(value, 100);
    const back = await readTorch(memorySource("zip64", bytes)) as Tensor;
    deepStrictEqual(back.data, value.data);
  },
});

Deno.test({
  name: "openTensor() reads only the rows asked for",
  permissions: "none",
  fn: async () => {
    const value = tensor(Float32Array.from({ length: 60 }, (_, i) => i), [5, 4, 3]);
    const source = memorySource("lazy", await inMemory(value));
    const reads: number[] = [];
    const lazy = await openTensor({
      ...source,
      readInto: (into, offset) => (reads.push(into.length), source.readInto(into, offset)),
    });
    reads.length = 0;
    const part = await lazy.readRows(2, 4);
    deepStrictEqual(part.shape, [2, 4, 3]);
    deepStrictEqual(part.data, value.data.slice(24, 48));
    ok(Math.max(...reads) === 2 * 12 * 4, `read ${reads}`);
    await rejects(lazy.readRows(4, 6), RangeError);
  },
});

Deno.test({
  name: "writeTorch() refuses a shape that does not fit, before it touches the disk",
  permissions: "none",
  fn: async () => {
    await rejects(writeTorch("never", { data: new Float32Array(3), shape: [2, 2] }), TypeError);
  },
});
