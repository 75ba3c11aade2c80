import assert from "node:assert/strict";
import {
  Binary,
  Field,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from "npm:apache-arrow@21.2.0";
import { type ColumnSource, parquetWriteBuffer } from "../../../io/write_table.ts";
import { openPictures } from "../../../io/datasets/open_pictures.ts";
import type { PictureSource } from "../../../io/datasets/picture_source.ts";

// Tests write tables into a directory of their own under tests/tmp.
const permissions = { read: ["tests/tmp"], write: ["tests/tmp"] };
const NAMES = ["tench", "goldfish", "great white shark"];
const huggingface = JSON.stringify({ info: { features: { label: { names: NAMES, _type: "ClassLabel" } } } });

/** The bytes standing for picture `i`: long enough to tell rows apart, of different lengths. */
const pictureBytes = (i: number): Uint8Array => Uint8Array.from({ length: 20 + i }, (_, k) => (i * 31 + k) & 255);

function parquet(first: number, rows: number, options: { rowGroupSize?: number; metadata?: boolean } = {}): Uint8Array {
  const indices = Array.from({ length: rows }, (_, k) => first + k);
  const columnData: ColumnSource[] = [
    { name: "image", data: indices.map((i) => ({ bytes: pictureBytes(i), path: `${i}.jpg` })) },
    { name: "label", data: indices.map((i) => BigInt(i % 3)) },
  ];
  const kvMetadata = options.metadata === false ? [] : [{ key: "huggingface", value: huggingface }];
  return new Uint8Array(parquetWriteBuffer({
    columnData,
    kvMetadata,
    rowGroupSize: options.rowGroupSize ?? 4,
    schema: [
      { name: "root", num_children: 2 },
      { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "label", type: "INT64", repetition_type: "REQUIRED" },
    ],
  }));
}

function arrow(first: number, rows: number, options: { kind: "file" | "stream"; batch: number }): Uint8Array {
  const fields = [Field.new("bytes", new Binary(), true), Field.new("path", new Utf8(), true)];
  const image = new Struct(fields as never);
  const schema = new Schema(
    [Field.new("image", image as never, true), Field.new("label", new Int64(), true)],
    new Map([["huggingface", huggingface]]),
  );
  const writer = new RecordBatchStreamWriter();
  for (let start = 0; start < rows; start += options.batch) {
    const indices = Array.from({ length: Math.min(options.batch, rows - start) }, (_, k) => first + start + k);
    const children = [
      vectorFromArray(indices.map(pictureBytes), new Binary()).data[0],
      vectorFromArray(indices.map((i) => `${i}.jpg`), new Utf8()).data[0],
    ];
    const labels = vectorFromArray(indices.map((i) => BigInt(i % 3)), new Int64()).data[0];
    const images = makeData({ type: image, length: indices.length, nullCount: 0, children } as never);
    const columns = makeData({
      type: new Struct(schema.fields),
      length: indices.length,
      nullCount: 0,
      children: [images, labels],
    } as never);
    writer.write(new RecordBatch(schema, columns as never));
  }
  writer.finish();
  const stream = writer.toUint8Array(true);
  if (options.kind === "stream") return stream;
  // A file is a stream between a padded magic and a footer; the footer is not read, so zeros will do.
  const magic = new TextEncoder().encode("ARROW1");
  const file = new Uint8Array(8 + stream.length + 32 + magic.length);
  file.set(magic);
  file.set(stream, 8);
  file.set(magic, file.length - magic.length);
  return file;
}

/** Writes files below a fresh directory and opens it. */
async function withTables(
  files: Record<string, Uint8Array | string>,
  split: string,
  check: (source: PictureSource) => Promise<void>,
): Promise<void> {
  await withRoot(files, async (root) => {
    const source = await openPictures({ kind: "imagenet", root, split });
    try {
      await check(source);
    } finally {
      source.close();
    }
  });
}

async function withRoot(
  files: Record<string, Uint8Array | string>,
  check: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ dir: "tests/tmp", prefix: "imagenet-" });
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      if (typeof content === "string") await Deno.writeTextFile(`${root}/${path}`, content);
      else await Deno.writeFile(`${root}/${path}`, content);
    }
    await check(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Every row, out of order, is the picture and the label that was written. */
async function checkRows(source: PictureSource, length: number, names: readonly string[] = NAMES): Promise<void> {
  assert.equal(source.length, length);
  const order = Array.from({ length }, (_, i) => (i * 7 + 3) % length);
  assert.equal(new Set(order).size, length);
  for (const i of order) {
    const bytes = await source.bytes(i);
    assert.deepEqual(bytes, pictureBytes(i), source.name(i));
    // The bytes are the caller's own: spoiling them spoils no later reading.
    bytes.fill(0);
    assert.deepEqual(await source.bytes(i), pictureBytes(i), source.name(i));
    assert.equal(source.label(i), names[i % 3]);
  }
}

Deno.test({
  name: "`openPictures()` reads Parquet shards of the split in order, from root/data",
  permissions,
  fn: async () => {
    const files = {
      "data/validation-00000-of-00001.parquet": parquet(100, 3),
      "data/train-00001-of-00002.parquet": parquet(6, 5),
      "data/train-00000-of-00002.parquet": parquet(0, 6),
      "README.md": "not a table",
    };
    await withTables(files, "train", async (source) => {
      await checkRows(source, 11);
      assert.equal(source.name(7), "data/train-00001-of-00002.parquet#1");
    });
    await withTables(files, "validation", async (source) => {
      assert.equal(source.length, 3);
      assert.deepEqual(await source.bytes(2), pictureBytes(102));
    });
  },
});

for (const kind of ["file", "stream"] as const) {
  Deno.test({
    name: `\`openPictures()\` reads Arrow tables in the ${kind} format, batch by batch`,
    permissions,
    fn: async () => {
      const files = {
        "train/data-00000-of-00002.arrow": arrow(0, 7, { kind, batch: 3 }),
        "train/data-00001-of-00002.arrow": arrow(7, 4, { kind, batch: 4 }),
        "train/cache-1234.arrow": arrow(50, 4, { kind, batch: 4 }),
      };
      await withTables(files, "train", async (source) => await checkRows(source, 11));
    },
  });
}

Deno.test({
  name: "`openPictures()` takes class names from dataset_info.json, and else the numbers",
  permissions,
  fn: async () => {
    const info = JSON.stringify({ features: { label: { names: ["a", "b", "c"], _type: "ClassLabel" } } });
    const table = parquet(0, 5, { metadata: false });
    await withTables(
      { "train/x.parquet": table, "train/dataset_info.json": info },
      "train",
      async (source) => await checkRows(source, 5, ["a", "b", "c"]),
    );
    await withTables(
      { "train.parquet": table },
      "train",
      async (source) => await checkRows(source, 5, ["0", "1", "2"]),
    );
  },
});

Deno.test({
  name: "`openPictures()` reads tables named as in the Hugging Face cache",
  permissions,
  fn: async () => {
    const files = {
      "imagenet-1k-train-00000-of-00001.arrow": arrow(0, 5, { kind: "stream", batch: 2 }),
      "imagenet-1k-validation.arrow": arrow(9, 2, { kind: "stream", batch: 2 }),
    };
    await withTables(files, "train", async (source) => await checkRows(source, 5));
  },
});

Deno.test({
  name: "`openPictures()` names the table that is damaged, the missing split and the missing column",
  permissions,
  fn: async () => {
    const good = parquet(0, 5);
    const stream = arrow(0, 5, { kind: "stream", batch: 2 });
    const noLabel = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "image", data: ["x"] }] }));
    const cases: [Record<string, Uint8Array>, RegExp][] = [
      [{ "train.parquet": good.subarray(0, good.length - 9) }, /Cannot read the Parquet file .*train\.parquet: /],
      [
        { "train.arrow": stream.subarray(0, stream.length - 60) },
        /Cannot read the Arrow file .*train\.arrow: it is cut off/,
      ],
      [{ "train.arrow": new Uint8Array(64).fill(7) }, /Cannot read the Arrow file .*no message starts at byte 0/],
      [{ "train.parquet": noLabel }, /has no column "label", its columns are image/],
      [{ "test.parquet": good }, /Cannot find tables of the split "train" .* found test\.parquet/],
      [{}, /found no \.parquet or \.arrow file/],
    ];
    for (const [files, message] of cases) {
      await withRoot(files, async (root) => {
        await assert.rejects(openPictures({ kind: "imagenet", root, split: "train" }), (error: Error) => {
          assert.equal(error.name, "DatasetError");
          assert.match(error.message, message);
          return true;
        });
      });
    }
  },
});

Deno.test({
  name: "`openPictures()` refuses a row that holds no bytes, and an index out of range",
  permissions,
  fn: async () => {
    const table = new Uint8Array(parquetWriteBuffer({
      columnData: [
        { name: "image", data: [{ bytes: null, path: "/elsewhere/1.jpg" }] },
        { name: "label", data: [1n] },
      ],
      schema: [
        { name: "root", num_children: 2 },
        { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
        { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
        { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
        { name: "label", type: "INT64", repetition_type: "REQUIRED" },
      ],
    }));
    await withTables({ "train.parquet": table }, "train", async (source) => {
      await assert.rejects(
        source.bytes(0),
        /Cannot read picture train\.parquet#0: its row holds no bytes, only the path/,
      );
      assert.throws(() => source.label(1), RangeError);
      await assert.rejects(source.bytes(-1), RangeError);
    });
  },
});
