import assert from "node:assert/strict";
import { compareCodePoints } from "../../../io/datasets/_walk_files.ts";
import { openPictures, type PicturesSpec } from "../../../io/datasets/open_pictures.ts";
import type { PictureSource } from "../../../io/datasets/picture_source.ts";
import { inTemporary } from "../_temporary.ts";

// Data sets are written into a directory of their own.
const permissions = { read: ["."], write: ["tests/tmp"] };

async function withRoot(files: Record<string, string>, check: (root: string) => Promise<void>): Promise<void> {
  await inTemporary(async (root) => {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, content);
    }
    await check(root);
  });
}

const namesOf = (source: PictureSource): string[] => Array.from({ length: source.length }, (_, i) => source.name(i));
const labelsOf = (source: PictureSource): string[] => Array.from({ length: source.length }, (_, i) => source.label(i));

async function assertRefused(spec: PicturesSpec, message: RegExp): Promise<void> {
  await assert.rejects(openPictures(spec), (error: Error) => {
    assert.equal(error.name, "DatasetError");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test({
  name: "`openPictures()` lists an image folder as torchvision does",
  permissions,
  fn: async () => {
    const files = {
      "b/10.jpg": "b10",
      "b/9.JPG": "b9",
      "b/deep-er/1.png": "deep-er",
      "b/deep/z.webp": "deep",
      "b/deep/a/1.tiff": "deep/a",
      "b/notes.txt": "",
      "Zebra/é.jpeg": "é",
      "Zebra/f.PpM": "f",
      "a/\u{1F600}.jpg": "astral",
      "a/\uFB01.jpg": "ligature",
      "empty/readme.md": "",
      "top.jpg": "not in a class",
    };
    await withRoot(files, async (root) => {
      const source = await openPictures({ kind: "image-folder", root: `${root}/` });
      // Python sorts by code point: capitals first, and U+FB01 before U+1F600 though its UTF-16 unit is larger.
      // Directories sort by whole path: "b/deep" < "b/deep-er" < "b/deep/a", since "-" < "/".
      assert.deepEqual(namesOf(source), [
        "Zebra/f.PpM",
        "Zebra/é.jpeg",
        "a/\uFB01.jpg",
        "a/\u{1F600}.jpg",
        "b/10.jpg",
        "b/9.JPG",
        "b/deep/z.webp",
        "b/deep-er/1.png",
        "b/deep/a/1.tiff",
      ]);
      assert.deepEqual(labelsOf(source), ["Zebra", "Zebra", "a", "a", "b", "b", "b", "b", "b"]);
      assert.equal(new TextDecoder().decode(await source.bytes(7)), "deep-er");
      assert.throws(() => source.name(9), RangeError);
      await Deno.remove(`${root}/b/10.jpg`);
      await assert.rejects(source.bytes(4), { name: "PictureError", path: `${root}/b/10.jpg` });
      assert.throws(() => source.label(0.5), RangeError);
      source.close();
      source.close();
    });
  },
});

Deno.test({
  name:
    "`openPictures()` follows links to pictures, passes over dangling ones, and refuses a circle or one that leads out",
  permissions,
  fn: async () => {
    // Links need unlimited permissions to make, so these are kept with the tests.
    const links = "tests/io/datasets/links";
    const source = await openPictures({ kind: "image-folder", root: `${links}/root` });
    assert.deepEqual(namesOf(source), ["a/1.jpg", "a/2.jpg", "b/x.jpg", "store/x.jpg"]);
    assert.equal(new TextDecoder().decode(await source.bytes(1)), "x\n");
    await assertRefused({ kind: "image-folder", root: `${links}/circle` }, /the link leads back to/);
    for (const [root, link] of [["outside", "outside/a/2.jpg"], ["outside_directory", "outside_directory/a"]]) {
      const expected = new RegExp(`the link .*/${link}: it leads to .*/circle/a.*, outside of .*/${root};`);
      await assertRefused({ kind: "image-folder", root: `${links}/${root}` }, expected);
    }
  },
});

Deno.test({
  name: "`openPictures()` says when the root or the pictures are missing",
  permissions,
  fn: async () => {
    await withRoot({ "a/readme.txt": "" }, async (root) => {
      await assertRefused({ kind: "image-folder", root: `${root}/none` }, /there is no directory .*none$/);
      await assertRefused({ kind: "image-folder", root }, /Cannot find pictures in .* expected files such as/);
      await assertRefused({ kind: "imagenet", root: `${root}/none` }, /there is no directory/);
      await assert.rejects(openPictures({ kind: "coco" as "ade20k", root }), /Cannot open pictures of kind "coco"/);
    });
  },
});

Deno.test({
  name: "`openPictures()` joins ADE20K labels by name, whatever the list's order",
  permissions,
  fn: async () => {
    const files = {
      "images/training/ADE_train_00000002.jpg": "2",
      "images/training/ADE_train_00000001.jpg": "1",
      "images/training/ADE_train_00000003.jpg": "3",
      "images/validation/ADE_val_00000001.jpg": "v",
      "annotations/training/ADE_train_00000001.png": "",
      "sceneCategories.txt":
        "ADE_val_00000001 misc\nADE_train_00000002 street\n\nADE_train_00000001 airport_terminal\nADE_train_00000009 attic\n",
    };
    await withRoot(files, async (root) => {
      const training = await openPictures({ kind: "ade20k", root });
      assert.deepEqual(labelsOf(training), ["airport_terminal", "street", "unknown"]);
      assert.equal(training.name(1), "images/training/ADE_train_00000002.jpg");
      assert.equal(new TextDecoder().decode(await training.bytes(1)), "2");
      assert.deepEqual(labelsOf(await openPictures({ kind: "ade20k", root, split: "validation" })), ["misc"]);
      await assertRefused({ kind: "ade20k", root, split: "test" }, /the test split .*expected training or validation/);
      await Deno.writeTextFile(`${root}/sceneCategories.txt`, "ADE_train_00000001 x\nlonely\n");
      await assertRefused({ kind: "ade20k", root }, /Cannot read line 2 of .*sceneCategories\.txt: found "lonely"/);
      await Deno.remove(`${root}/sceneCategories.txt`);
      await assertRefused({ kind: "ade20k", root }, /there is no file .*sceneCategories\.txt/);
    });
  },
});

Deno.test({
  name: "`compareCodePoints()` sorts as Python does, also past U+D7FF",
  permissions: "none",
  fn: () => {
    const sorted = [
      "",
      "A",
      "Z",
      "a",
      "ab",
      "\u00e9",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{1F600}",
      "\u{10FFFF}",
    ];
    const mixed = sorted.toSorted((a, b) => (a.codePointAt(0) ?? 0) * 7919 % 13 - (b.codePointAt(0) ?? 0) * 7919 % 13);
    assert.deepEqual(mixed.sort(compareCodePoints), sorted);
  },
});
