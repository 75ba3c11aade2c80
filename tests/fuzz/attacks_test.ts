/** Files built to waste time or memory, to run code or to leave their place: each ends in one of our errors, at once. */
import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { crc32 } from "../../render/_crc32.ts";
import { memorySource } from "../../io/byte_source.ts";
import { torchHost } from "../../io/_torch_globals.ts";
import { openTensor, readTorch } from "../../io/torch_file.ts";
import { unpickle } from "../../io/unpickle.ts";
import { parseManifest } from "../../io/manifest.ts";
import { parseMetadata } from "../../io/_shard_metadata.ts";
import { checkArrowMessage } from "../../io/datasets/_check_arrow.ts";
import { readThrift } from "../../io/datasets/_thrift.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { startTimer } from "./_time.ts";
import { zipOf } from "./_zip.ts";

const permissions = "none";
/** Far more than any refusal takes; a machine that is busy with something else may be slow. */
const AT_ONCE_MS = 3000;

const text = (words: string): number[] => [...new TextEncoder().encode(words)];
const u32 = (value: number): number[] => [value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24 & 255];
const global = (module: string, name: string): number[] => [0x63, ...text(`${module}\n${name}\n`)];
const long = (
  value: bigint,
): number[] => [0x8a, 8, ...Array.from({ length: 8 }, (_, i) => Number(value >> BigInt(8 * i) & 255n))];
const unicode = (value: string): number[] => [0x58, ...u32(value.length), ...text(value)];

/** `_rebuild_tensor_v2(storage of `length` floats, 0, shape, stride)`. */
function tensor(length: bigint, shape: readonly bigint[], stride: readonly bigint[]): number[] {
  const tuple = (values: readonly bigint[]): number[] => [0x28, ...values.flatMap(long), 0x74];
  return [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...[0x28, 0x28, ...unicode("storage"), ...global("torch", "FloatStorage"), ...unicode("0"), ...unicode("cpu")],
    ...[...long(length), 0x74, 0x51, ...long(0n), ...tuple(shape), ...tuple(stride), 0x89],
    ...[...global("collections", "OrderedDict"), 0x29, 0x52, 0x74, 0x52],
  ];
}

const pickle = (...parts: readonly number[][]): Uint8Array => Uint8Array.from([0x80, 2, ...parts.flat(), 0x2e]);

async function refused(attack: () => unknown, name: string, message?: RegExp): Promise<void> {
  const elapsed = startTimer();
  await assert.rejects(async () => await attack(), (error: Error) => {
    assert.equal(error.name, name, error.stack);
    if (message !== undefined) assert.match(error.message, message);
    assert.ok(error.message.length <= 1000);
    return true;
  });
  assert.ok(elapsed() < AT_ONCE_MS, `it took ${elapsed()} ms`);
}

const readPickle = (bytes: Uint8Array): unknown => unpickle(bytes, torchHost("a.pt", (ref) => ref));

const PICKLES: readonly (readonly [what: string, error: string, bytes: () => Uint8Array])[] = [
  ["a million empty dictionaries and more", "TorchFileError", () => new Uint8Array(2 << 20).fill(0x7d)],
  ["marks without end", "TorchFileError", () => new Uint8Array(2 << 20).fill(0x28)],
  ["a list that is copied as a size, again and again", "TorchFileError", () => {
    const list = [0x28, ...new Array<number[]>(1 << 16).fill([0x4b, 1]).flat(), 0x74, 0x71, 0, 0x30];
    const copy = [...global("torch", "Size"), 0x68, 0, 0x85, 0x52, 0x30];
    return pickle(list, ...new Array<number[]>(1000).fill(copy), [0x4e]);
  }],
  ["a text that is copied as bytes, again and again", "TorchFileError", () => {
    const copy = [...global("_codecs", "encode"), 0x68, 0, ...unicode("latin1"), 0x86, 0x52, 0x30];
    return pickle([...unicode("x".repeat(1 << 20)), 0x71, 0, 0x30], ...new Array<number[]>(1000).fill(copy), [0x4e]);
  }],
  ["lists of lists as a device's name", "TorchFileError", () => {
    const double = [0x68, 0, 0x68, 0, 0x86, 0x71, 0, 0x30];
    return pickle(
      [...unicode("x"), 0x71, 0, 0x30],
      ...new Array<number[]>(64).fill(double),
      [...global("torch", "device"), 0x68, 0, 0x85, 0x52],
    );
  }],
  ["a global with a name of a megabyte", "UnsafePickleError", () => pickle(global("a".repeat(1 << 20), "\x1b[2Jb"))],
  ["os.system", "UnsafePickleError", () => pickle(global("os", "system"), unicode("id"), [0x85, 0x52])],
  [
    "a shape whose product is not a number",
    "TorchFileError",
    () => pickle(tensor(1n, new Array(30).fill(2n ** 52n).concat(0n), new Array(31).fill(0n))),
  ],
  ["strides past the storage", "TorchFileError", () => pickle(tensor(10n, [2n], [2n ** 40n]))],
  ["a negative offset hidden in 64 bits", "TorchFileError", () => pickle(tensor(2n ** 63n, [1n], [1n]))],
];

for (const [what, error, bytes] of PICKLES) {
  Deno.test({
    name: `a pickle with ${what} is refused at once`,
    permissions,
    fn: () => refused(() => readPickle(bytes()), error),
  });
}

Deno.test({
  name: "a file of a kilobyte that claims 10^12 elements is refused before anything is allocated",
  permissions,
  async fn(): Promise<void> {
    const claims = [
      // In the storage; and by expanding one element.
      tensor(10n ** 12n, [10n ** 12n], [1n]),
      tensor(1n, [10n ** 12n], [0n]),
      tensor(1n, [10n ** 6n, 10n ** 6n], [0n, 0n]),
    ];
    for (const claim of claims) {
      const file = zipOf({
        "a/data.pkl": pickle(claim),
        "a/data/0": new Uint8Array(4),
        "a/version": new Uint8Array(2),
      });
      assert.ok(file.length < 1024);
      await refused(() => readTorch(memorySource("a.pt", file)), "TorchFileError", /elements|bytes/);
      await refused(
        async () => await (await openTensor(memorySource("a.pt", file))).readRows(0, 1),
        "TorchFileError",
        /elements|bytes/,
      );
    }
  },
});

Deno.test({
  name: "shard metadata of hostile JSON is shown, not executed: its own toString, depth without end, numbers past 2^53",
  permissions,
  async fn(): Promise<void> {
    const good = { n_imgs: 1, layers: [0], cls_token: true, n_patches_per_img: 1, d_vit: 1, n_patches_per_shard: 2 };
    const deep = JSON.parse("[".repeat(50_000) + "]".repeat(50_000));
    for (const bad of [{ toString: 1, valueOf: 1 }, deep, 1e300, -1, 2 ** 53, "1", null]) {
      for (const key of ["n_imgs", "layers", "cls_token", "d_vit"]) {
        await refused(() => parseMetadata({ ...good, [key]: bad }, "metadata.json"), "ShardFormatError");
      }
    }
  },
});

Deno.test({
  name: "a manifest names plain files, and its config nests no deeper than ours",
  permissions,
  async fn(): Promise<void> {
    const input = { path: "a", sha256: "b" };
    const good = {
      format: 1,
      config: { data: { layer: -1 } },
      inputs: { checkpoint: input, metadata: input, shards: [{ name: "acts000000.bin", bytes: 4 }] },
      backend: { name: "wasm" },
      files: { "top_values.pt": 4 },
      rows: 1,
      skippedRows: 0,
    };
    assert.equal(parseManifest(good, "manifest.json").rows, 1);
    for (const name of ["../../etc/shadow", "/etc/shadow", "a/b.pt", "..", "", "a\0b"]) {
      await refused(() => parseManifest({ ...good, files: { [name]: 4 } }, "manifest.json"), "ArtifactError", /files/);
    }
    const config = { data: JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) };
    await refused(() => parseManifest({ ...good, config }, "manifest.json"), "ArtifactError", /config/);
    const inputs = { ...good.inputs, shards: [{ name: "x", bytes: -1 }] };
    await refused(() => parseManifest({ ...good, inputs }, "manifest.json"), "ArtifactError", /inputs/);
  },
});

Deno.test({
  name:
    "Parquet's and Arrow's metadata cannot loop: overlong integers, depth, vectors of 2^32, fields within themselves",
  permissions,
  fn(): void {
    assert.throws(() => readThrift(new Uint8Array(1 << 20).fill(0x86), 0), /overlong/);
    assert.throws(() => readThrift(Uint8Array.from([0x16, ...new Array(1 << 20).fill(0xff)]), 0), /overlong/);
    assert.throws(() => readThrift(new Uint8Array(1 << 20).fill(0x1c), 0), /nests too deeply/);
    assert.throws(() => readThrift(Uint8Array.from([0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]), 0), /cut off/);
    // Every offset leads back to a table whose fields are the table itself.
    const words = new Uint8Array(64);
    const view = new DataView(words.buffer);
    assert.throws(() => checkArrowMessage(words.fill(0xff)), /damaged/);
    // vtable at 4: 16 bytes; table at 24 with header type 3 (a batch), whose nodes claim 2^32 − 1 items.
    words.fill(0);
    view.setUint32(0, 24, true);
    [16, 24, 4, 12, 8, 0].forEach((value, i) => view.setUint16(4 + 2 * i, value, true));
    view.setInt32(24, 20, true);
    view.setUint16(4 + 6, 4, true);
    words[24 + 4] = 3;
    view.setUint32(24 + 8, 12, true);
    view.setInt32(44, 40, true);
    view.setUint32(44 + 4, 4, true);
    view.setUint32(52, 1, true);
    assert.throws(() => checkArrowMessage(words), /damaged at byte 56/);
    view.setUint32(52, 0, true);
    checkArrowMessage(words);
  },
});

function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(text(type), 4);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

function png(width: number, height: number, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([16, 6], 8);
  const parts = [
    [0x89, ...text("PNG\r\n\x1a\n")],
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array(0)),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const bmp = (width: number, height: number): Uint8Array => {
  const out = new Uint8Array(64);
  const view = new DataView(out.buffer);
  out.set(text("BM"));
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(28, 24, true);
  return out;
};

const gif = (width: number, height: number): Uint8Array =>
  Uint8Array.from([...text("GIF89a"), width & 255, width >> 8, height & 255, height >> 8, 0, 0, 0]);

/** The first chunk of a lossless WebP with 14 bits a side, in a canvas of its own or not. */
const webp = (width: number, height: number): Uint8Array => {
  const packed = (width - 1) | (height - 1) << 14;
  return Uint8Array.from([
    ...text("RIFF"),
    ...u32(30),
    ...text("WEBPVP8L"),
    ...u32(16),
    0x2f,
    ...u32(packed >>> 0),
    ...new Array(11).fill(0),
  ]);
};

const jpeg = (width: number, height: number): Uint8Array =>
  Uint8Array.from([
    ...[0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3],
    ...[1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0, 0xff, 0xd9],
  ]);

const tiff = (tags: readonly (readonly [tag: number, value: number])[]): Uint8Array => {
  const entries = tags.flatMap(([tag, value]) => [tag & 255, tag >> 8, 4, 0, ...u32(1), ...u32(value)]);
  return Uint8Array.from([
    ...text("II*\0"),
    ...u32(8),
    tags.length,
    0,
    ...entries,
    ...u32(0),
    ...new Array(16).fill(0),
  ]);
};

const SIZES: Readonly<Record<string, (width: number, height: number) => Uint8Array>> = {
  BMP: bmp,
  GIF: gif,
  JPEG: jpeg,
  PNG: (width, height) => png(width, height, deflateSync(new Uint8Array(64))),
  PNM: (width, height) => Uint8Array.from(text(`P6 ${width} ${height} 255\n`)),
  TIFF: (width, height) => tiff([[256, width], [257, height], [262, 2], [277, 3], [273, 8], [279, 8]]),
  WebP: webp,
};

for (const [format, make] of Object.entries(SIZES)) {
  Deno.test({
    name: `a ${format} past maxPixels is refused by its header, before it is decoded`,
    permissions,
    async fn(): Promise<void> {
      const bytes = make(16383, 16383);
      await refused(
        () => decodePicture(bytes, { name: "huge" }),
        "PictureError",
        /16383 x 16383 pixels, more than the limit/,
      );
      await refused(
        () => decodePicture(make(101, 100), { maxPixels: 10_000 }),
        "PictureError",
        /more than the limit of 10000/,
      );
      // Within the limit it is the data that is missing; no memory may be taken for the pixels before that is seen.
      if (!["JPEG", "WebP"].includes(format)) {
        await refused(() => decodePicture(make(13_000, 13_000), { name: "empty" }), "PictureError");
      }
    },
  });
}

Deno.test({
  name:
    "picture bombs end at once: inflating PNG data, GIF extensions, JPEG scans, TIFF tags and tiles that share bytes",
  permissions,
  async fn(): Promise<void> {
    // 256 MiB of zeros in 256 KiB, for a picture of one pixel: what follows the pixel is not inflated.
    const elapsed = startTimer();
    await refused(() => decodePicture(png(1, 1, deflateSync(new Uint8Array(256 << 20)))), "PictureError");
    assert.ok(elapsed() < AT_ONCE_MS);
    const extensions = new Uint8Array(4 << 20).fill(0);
    for (let i = 0; i < extensions.length - 3; i += 3) extensions.set([0x21, 0xfe, 0], i);
    await refused(() => decodePicture(Uint8Array.from([...gif(1, 1), ...extensions])), "PictureError", /no frame/);
    const scans = Uint8Array.from(new Array(1 << 16).fill([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]).flat());
    const progressive = jpeg(8000, 8000);
    progressive[3] = 0xc2;
    await refused(
      () => decodePicture(Uint8Array.from([...progressive.slice(0, 21), ...scans, 0xff, 0xd9])),
      "PictureError",
    );
    const tags = new Array<[number, number]>(60_000).fill([700, 0]);
    const wide = tiff([[256, 1], [257, 1], [262, 1], ...tags]);
    const view = new DataView(wide.buffer);
    for (let i = 3; i < 60_003; i++) {
      view.setUint16(8 + 2 + 12 * i + 2, 1, true);
      view.setUint32(8 + 2 + 12 * i + 4, wide.length, true);
    }
    await refused(() => decodePicture(wide), "PictureError");
    const tiles = tiff([[256, 1], [257, 4_000_000], [262, 1], [258, 8], [259, 5], [322, 8000], [323, 8000], [324, 8], [
      325,
      16,
    ]]);
    await refused(() => decodePicture(tiles), "PictureError");
  },
});
