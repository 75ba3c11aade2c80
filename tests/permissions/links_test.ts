import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

// Making links takes full read and write permission, so another process makes them.
const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };

async function link(pairs: readonly (readonly [target: string, link: string])[]): Promise<void> {
  const code = `for (const [target, link] of ${JSON.stringify(pairs)}) Deno.symlinkSync(target, link);`;
  const { code: status, stderr } = await runDeno(["eval", "--no-config", code]);
  assert.equal(status, 0, stderr);
}

/** Opens shards or pictures in a process that may read everything: only our own check stands in the way. */
async function open(kind: "shards" | "image-folder" | "ade20k" | "imagenet", root: string): Promise<string> {
  const [file, call] = kind === "shards"
    ? ["io/open_shards.ts", `openShards(${JSON.stringify(root)})`]
    : ["io/datasets/open_pictures.ts", `openPictures({ kind: "${kind}", root: ${JSON.stringify(root)} })`];
  const name = call.slice(0, call.indexOf("("));
  const code = `const { ${name} } = await import(${JSON.stringify(new URL(file, ROOT).href)});
    try { await ${call}; console.log("opened") } catch (error) { console.log(error.name + ": " + error.message) }`;
  const folder = new URL(`open-${crypto.randomUUID()}.ts`, TMP);
  await Deno.writeTextFile(folder, code);
  try {
    const { stdout, stderr } = await runDeno(["run", "--no-prompt", "--no-check", "--allow-read", path(folder)]);
    assert.equal(stderr, "");
    return stdout.trim();
  } finally {
    await Deno.remove(folder);
  }
}

async function copyShards(to: URL): Promise<void> {
  const from = new URL("fixtures/fuzz/seeds/shards/current/", ROOT);
  await Deno.mkdir(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) await Deno.copyFile(new URL(name, from), new URL(name, to));
}

Deno.test({
  name: "a shard root may be a link, but a shard or its metadata may not lead out of it",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const at = (name: string): string => path(new URL(name, folder));
      await copyShards(new URL("real/", folder));
      await link([[at("real"), at("linked")]]);
      assert.equal(await open("shards", at("linked")), "opened");
      await Deno.mkdir(at("elsewhere"));
      for (const name of ["acts000001.bin", "metadata.json", "shards.json"]) {
        await Deno.rename(at(`real/${name}`), at(`elsewhere/${name}`));
        await link([[at(`elsewhere/${name}`), at(`real/${name}`)]]);
        const message = await open("shards", at("real"));
        assert.ok(message.startsWith("ShardFormatError: Cannot follow the link "), message);
        assert.ok(message.includes(at(`real/${name}`)) && message.includes(at(`elsewhere/${name}`)), message);
        await Deno.remove(at(`real/${name}`));
        await Deno.rename(at(`elsewhere/${name}`), at(`real/${name}`));
      }
      assert.equal(await open("shards", at("real")), "opened");
      // A link within the root is a file of the root.
      await Deno.rename(at("real/acts000001.bin"), at("real/second.bin"));
      await link([["second.bin", at("real/acts000001.bin")]]);
      assert.equal(await open("shards", at("real")), "opened");
    }),
});

Deno.test({
  name: "a picture root may be a link, but no picture, class, table or scene list may lead out of it",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const at = (name: string): string => path(new URL(name, folder));
      for (const name of ["root/a", "outside/b", "scenes/images", "tables"]) {
        await Deno.mkdir(at(name), { recursive: true });
      }
      for (const name of ["root/a/1.jpg", "outside/b/2.jpg", "outside/sceneCategories.txt"]) {
        await Deno.writeTextFile(at(name), "1 x");
      }
      await Deno.copyFile(
        new URL("fixtures/fuzz/seeds/tables/snappy.parquet", ROOT),
        new URL("outside/train-00000-of-00001.parquet", folder),
      );
      await link([[at("root"), at("linked")]]);
      assert.equal(await open("image-folder", at("linked")), "opened");
      const refused = async (
        kind: Parameters<typeof open>[0],
        root: string,
        name: string,
        target: string,
      ): Promise<void> => {
        await link([[at(target), at(`${root}/${name}`)]]);
        const message = await open(kind, at(root));
        assert.ok(message.startsWith("DatasetError: Cannot follow the link "), message);
        assert.ok(message.includes(at(`${root}/${name}`)) && message.includes(at(target)), message);
        await Deno.remove(at(`${root}/${name}`));
      };
      await refused("image-folder", "root", "a/2.jpg", "outside/b/2.jpg");
      await refused("image-folder", "root", "b", "outside/b");
      await refused("imagenet", "tables", "train-00000-of-00001.parquet", "outside/train-00000-of-00001.parquet");
      await refused("imagenet", "tables", "train", "outside");
      await Deno.mkdir(at("scenes/images/training"));
      await refused("ade20k", "scenes", "sceneCategories.txt", "outside/sceneCategories.txt");
      await Deno.remove(at("scenes/images/training"));
      await Deno.copyFile(at("outside/sceneCategories.txt"), at("scenes/sceneCategories.txt"));
      await refused("ade20k", "scenes", "images/training", "outside/b");
    }),
});
