/** Pictures on their way into a model, against what Pillow and numpy make of them. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { ConfigError } from "../../compute/errors.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { parsePreprocessor } from "../../render/parse_preprocessor.ts";
import type { Picture } from "../../render/picture.ts";
import { picture } from "../../render/picture.ts";
import { fillTensor, layOutForModel, patchLabels, type PictureTransform } from "../../render/picture_transform.ts";
import { resize, type ResizeFilter } from "../../render/resize.ts";

const permissions = { read: ["fixtures"] };
const EXPECTED = JSON.parse(await Deno.readTextFile("fixtures/recording/expected.json"));

const decoded = new Map<string, Picture>();
async function source(name: string): Promise<Picture> {
  const made = decoded.get(name) ?? await decodePicture(await Deno.readFile(`fixtures/${name}`), { name });
  decoded.set(name, made);
  return made;
}

async function digest(data: Uint8Array | Float32Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data as BufferSource)).toHex();
}

function prepared(from: Picture, transform: PictureTransform): Float32Array {
  const laid = layOutForModel(from, transform);
  const into = new Float32Array(3 * laid.width * laid.height);
  fillTensor(laid, transform, into);
  return into;
}

Deno.test({
  name: "resize() gives Pillow's bytes for every filter",
  permissions,
  fn: async () => {
    const filters = new Set<string>();
    for (const { source: name, width, height, filter, sha256 } of EXPECTED.resized) {
      const made = resize(await source(name), { width, height, filter: filter as ResizeFilter });
      strictEqual(await digest(made.data), sha256, `${name} to ${width} x ${height} by ${filter}`);
      filters.add(filter);
    }
    strictEqual(filters.size, 6);
  },
});

Deno.test({
  name: "parsePreprocessor() and fillTensor() give the bits that image processors give",
  permissions,
  fn: async () => {
    for (const { name, source: from, config, shape, sha256 } of EXPECTED.prepared) {
      const { transform, notes } = parsePreprocessor(config, "preprocessor_config.json");
      deepStrictEqual(notes, []);
      const made = prepared(await source(from), transform);
      strictEqual(made.length, shape[0] * shape[1] * shape[2], name);
      strictEqual(await digest(made), sha256, `${name} of ${from}`);
    }
  },
});

Deno.test({
  name: "layOutForModel() crops as torchvision does when told so",
  permissions,
  fn: async () => {
    const transform: PictureTransform = {
      resize: { shortest: 57 },
      filter: "bicubic",
      crop: { width: 50, height: 50 },
      cropRounding: "even",
      rescale: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    };
    for (const { source: from, sha256 } of EXPECTED.torchvision) {
      strictEqual(await digest(prepared(await source(from), transform)), sha256, from);
    }
    throws(() => layOutForModel(picture(9, 9), { ...transform, resize: undefined }), /crop 50 x 50 out of 9 x 9/);
  },
});

const VIT = {
  image_processor_type: "ViTImageProcessor",
  size: { height: 8, width: 8 },
  image_mean: [0, 0, 0],
  image_std: [1, 1, 1],
};
const REFUSED: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["an unknown field", { rescale_offset: true }, /its field rescale_offset is not known here/],
  ["padding", { do_pad: true }, /do_pad is true, and false or null was expected/],
  ["channels last", { data_format: "channels_last" }, /data_format is "channels_last"/],
  ["an unknown filter", { resample: 9 }, /resample is 9/],
  ["a filter nobody knows", { image_processor_type: "NewImageProcessor" }, /resample is/],
  ["a size of other kinds", { size: { longest_edge: 5 } }, /size is/],
  ["both sizes", { size: { shortest_edge: 5, height: 5, width: 5 } }, /size is/],
  ["no crop size", { do_center_crop: true }, /crop_size is/],
  ["two means", { image_mean: [0, 0] }, /image_mean is/],
  ["a deviation of 0", { image_std: [1, 0, 1] }, /image_std is/],
  ["ConvNeXt's share elsewhere", { crop_pct: 0.9 }, /crop_pct is/],
  ["a word for a switch", { do_resize: "yes" }, /do_resize is/],
];
for (const [what, more, message] of REFUSED) {
  Deno.test({
    name: `parsePreprocessor() refuses ${what} by name`,
    permissions: "none",
    fn: () =>
      throws(() => parsePreprocessor({ ...VIT, ...more }, "p.json"), (error: Error) => {
        ok(error instanceof ConfigError && message.test(error.message), error.message);
        return true;
      }),
  });
}

Deno.test({
  name: "parsePreprocessor() says that fast processors resize otherwise",
  permissions: "none",
  fn: () => {
    const { notes } = parsePreprocessor({ ...VIT, image_processor_type: "ViTImageProcessorFast" }, "p.json");
    ok(/names ViTImageProcessorFast, which resizes with torchvision/.test(notes[0]), notes[0]);
  },
});

Deno.test({
  name: "patchLabels() takes the majority, the smaller label of equals, and refuses colours",
  permissions: "none",
  fn: () => {
    const labels = [[7, 7, 1, 2], [7, 3, 2, 1], [5, 5, 255, 255], [5, 9, 255, 0]];
    const gray = picture(4, 4, Uint8Array.from(labels.flat().flatMap((v) => [v, v, v])));
    deepStrictEqual([...patchLabels(gray, { rows: 2, cols: 2 })], [7, 1, 5, 255]);
    throws(() => patchLabels(picture(1, 1, new Uint8Array([1, 2, 3])), { rows: 1, cols: 1 }), /must be gray/);
  },
});
