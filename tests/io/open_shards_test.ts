import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { ConfigError, ShardFormatError } from "../../compute/errors.ts";
import { openShards, resolveLayer } from "../../io/open_shards.ts";
import { type MadeShards, makeShards } from "./_make_shards.ts";

const permissions = { read: ["fixtures", "tests/tmp"], write: ["tests/tmp"] };

async function within(options: Partial<MadeShards>, fn: (root: string) => Promise<void>): Promise<void> {
  const root = await makeShards(options);
  try {
    await fn(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function edit(root: string, change: (metadata: Record<string, unknown>) => void): void {
  const metadata = JSON.parse(Deno.readTextFileSync(`${root}/metadata.json`));
  change(metadata);
  Deno.writeTextFileSync(`${root}/metadata.json`, JSON.stringify(metadata));
}

Deno.test({
  name: "openShards() reads the golden January 2025 shards",
  permissions,
  fn: async () => {
    const shards = await openShards("fixtures/golden/img-cls-sampled/shards");
    strictEqual(shards.layout, "2025-01");
    deepStrictEqual([shards.nImages, shards.patches, shards.tokens, shards.dVit], [300, 4, 5, 24]);
    deepStrictEqual(shards.layers, [-1]);
    deepStrictEqual(shards.files.map((file) => [file.firstImage, file.nImages, file.bytes]), [
      [0, 100, 48000],
      [100, 100, 48000],
      [200, 100, 48000],
    ]);
    strictEqual(shards.metadataSha256.length, 64);
  },
});

Deno.test({
  name: "openShards() reads the demo's current layout, with a short last file",
  permissions,
  fn: async () => {
    const shards = await openShards("fixtures/demo/current-layout/saev/shards/feadabea");
    strictEqual(shards.layout, "current");
    deepStrictEqual([shards.nImages, shards.tokens, shards.dVit, shards.layers.length], [60, 65, 96, 2]);
    deepStrictEqual(shards.files.map((file) => file.nImages), [25, 25, 10]);
  },
});

for (const layout of ["2025-01", "current"] as const) {
  for (const [what, size] of [["one byte short", -1], ["one byte long", 1], ["empty", -1e9]] as const) {
    Deno.test({
      name: `openShards() refuses a ${layout} shard that is ${what}, naming it and both sizes`,
      permissions,
      fn: () =>
        within({ layout }, async (root) => {
          const path = `${root}/acts000001.bin`;
          const before = Deno.statSync(path).size;
          Deno.truncateSync(path, Math.max(0, before + size));
          await rejects(openShards(root), (error: Error) => {
            ok(error instanceof ShardFormatError);
            strictEqual(error.path, path);
            ok(error.message.includes(`${before}`) && error.message.includes(`${Math.max(0, before + size)} bytes`));
            return true;
          });
        }),
    });
  }
  Deno.test({
    name: `openShards() names a missing ${layout} shard`,
    permissions,
    fn: () =>
      within({ layout }, async (root) => {
        Deno.removeSync(`${root}/acts000000.bin`);
        await rejects(openShards(root), /acts000000\.bin: there is no such file/);
      }),
  });
}

Deno.test({
  name: "openShards() takes a full last file in the current layout, and not a short one in the older",
  permissions,
  fn: async () => {
    await within({ layout: "current", padLast: true }, async (root) => {
      const shards = await openShards(root);
      const last = shards.files.at(-1)!;
      ok(last.bytes > last.nImages * shards.tokens * shards.dVit * shards.layers.length * 4);
    });
    await within({ layout: "2025-01", padLast: false }, async (root) => {
      await rejects(openShards(root), ShardFormatError);
    });
  },
});

Deno.test({
  name: "openShards() counts tokens without CLS as its writer did",
  permissions,
  fn: () =>
    within({ layout: "2025-01", clsToken: false }, async (root) => {
      const shards = await openShards(root);
      strictEqual(shards.tokens, shards.patches);
    }),
});

const edits: [string, (metadata: Record<string, unknown>) => void, RegExp][] = [
  ["no images", (m) => m.n_imgs = 0, /n_imgs is 0, and an integer of at least 1/],
  ["a width that is a string", (m) => m.d_vit = "8", /d_vit is "8"/],
  ["no layers", (m) => m.layers = [], /layers is \[\]/],
  ["a layer twice", (m) => m.layers = [1, 1], /names one twice/],
  ["no cls_token", (m) => delete m.cls_token, /cls_token is undefined/],
  ["shards too small for an image", (m) => m.n_patches_per_shard = 3, /holds not one image/],
  ["a file past 2^53 bytes", (m) => m.n_patches_per_shard = 2 ** 52, /passes 2\^53 bytes/],
  ["neither layout's keys", (m) => delete m.n_imgs, /neither n_imgs/],
];
for (const [what, change, message] of edits) {
  Deno.test({
    name: `openShards() refuses metadata with ${what}`,
    permissions,
    fn: () =>
      within({ layout: "2025-01" }, async (root) => {
        edit(root, change);
        await rejects(openShards(root), (error: Error) => {
          ok(error instanceof ShardFormatError && message.test(error.message), error.message);
          return true;
        });
      }),
  });
}

const lists: [string, (list: Record<string, unknown>[]) => unknown, RegExp][] = [
  ["leads out of its directory", (list) => (list[0].name = "../acts.bin", list), /plain file names/],
  ["names a file twice", (list) => (list[1].name = list[0].name, list), /distinct/],
  ["counts too few", (list) => list.slice(1), /hold \d+ images, and metadata.json counts/],
  ["counts more than fit", (list) => (list[0].n_examples = 1e6, list), /n_examples 1000000/],
  ["is not a list", () => ({}), /does not hold a list/],
];
for (const [what, change, message] of lists) {
  Deno.test({
    name: `openShards() refuses a shards.json that ${what}`,
    permissions,
    fn: () =>
      within({ layout: "current" }, async (root) => {
        const list = JSON.parse(Deno.readTextFileSync(`${root}/shards.json`));
        Deno.writeTextFileSync(`${root}/shards.json`, JSON.stringify(change(list)));
        await rejects(openShards(root), message);
      }),
  });
}

Deno.test({
  name: "openShards() refuses another protocol or dtype",
  permissions,
  fn: () =>
    within({ layout: "current" }, async (root) => {
      edit(root, (m) => m.protocol = "3.0");
      await rejects(openShards(root), /protocol is "3.0"/);
      edit(root, (m) => (m.protocol = "2.1", m.dtype = "float16"));
      await rejects(openShards(root), /dtype is "float16"/);
    }),
});

Deno.test({
  name: "resolveLayer() finds a layer by its number and explains what there is",
  permissions: "none",
  fn: () => {
    const shards = { root: "shards", layers: [-3, -2] };
    strictEqual(resolveLayer(shards, -2), 1);
    strictEqual(resolveLayer(shards, "meanpool"), "all");
    throws(
      () => resolveLayer(shards, 5),
      (error: Error) => error instanceof ConfigError && /-3, -2/.test(error.message),
    );
    throws(() => resolveLayer(shards, "all"), ConfigError);
  },
});
