import assert from "node:assert/strict";
import { dumpActivations, main, renderArtifacts } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallDemo, stopAt } from "./_jobs.ts";

/** When each stored picture was written. */
function stored(directory: string): Map<string, number> {
  const root = `${directory}/sort_by_patch/viewer/pictures/000`;
  return new Map(
    [...Deno.readDirSync(root)].map(({ name }) => [name, Deno.statSync(`${root}/${name}`).mtime!.getTime()]),
  );
}

/** The viewer's files by name, with a digest. */
async function viewerOf(directory: string): Promise<[string, string][]> {
  const all = await contents(directory);
  return [...all].filter(([path]) => /\/(?:index\.html$|viewer\/)/.test(path));
}

/** What a data script hands over. */
function handed(path: string): unknown {
  const found: unknown[] = [];
  new Function("saevViewer", Deno.readTextFileSync(path))((...parts: unknown[]) => found.push(parts[2]));
  return found[0];
}

Deno.test({
  name: "main() writes the viewer: its pictures are the data set's files, its table has every latent",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const reports: string[] = [];
      await main(smallDemo(directory), {
        progress: ({ stage, done, total }) => reports.push(`${stage} ${done}/${total}`),
      });
      const out = `${directory}/sort_by_patch`;
      const table = handed(`${out}/viewer/latents.js`) as { dSae: number; columns: { key: string; values: string }[] };
      assert.equal(table.dSae, 768);
      assert.deepEqual(table.columns.map(({ key }) => key), ["p99"]);
      assert.equal(atob(table.columns[0].values).length, 768 * 4);
      const page = handed(`${out}/viewer/latents/0000.js`) as {
        latents: { latent: number }[];
        pictures: [image: number, label: number, name: string][];
      };
      const neurons = [...Deno.readDirSync(`${out}/neurons`)].map(({ name }) => Number(name));
      assert.deepEqual(page.latents.map(({ latent }) => latent).sort(), neurons.sort());
      assert.deepEqual(
        [...stored(directory).keys()].sort(),
        page.pictures.map(([image]) => `${image}`.padStart(6, "0") + ".jpg").sort(),
      );
      for (const [image, , name] of page.pictures) {
        const kept = Deno.readFileSync(`${out}/viewer/pictures/000/${`${image}`.padStart(6, "0")}.jpg`);
        assert.deepEqual(kept, Deno.readFileSync(`fixtures/demo/emoji/images/${name}`), name);
      }
      const state = JSON.parse(Deno.readTextFileSync(`${out}/viewer/state.json`));
      assert.deepEqual([state.pages, state.of, state.done], [1, 1, true]);
      const n = page.pictures.length;
      assert.deepEqual(reports.filter((line) => line.startsWith("viewer")).at(-1), `viewer ${n}/${n}`);
    }),
});

Deno.test({
  name: "main() stopped while the viewer is written goes on with the pictures it has and ends in the same bytes",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await main(smallDemo(`${directory}/whole`));
      const pieces = `${directory}/pieces`;
      // Eighteen reports: one ahead of the first picture, then a picture each; sixteen are made at a time.
      await assert.rejects(main(smallDemo(pieces, { topK: 8 }), stopAt("viewer", 18)), { name: "AbortError" });
      await assert.rejects(main(smallDemo(pieces, { topK: 8, resume: true }), stopAt("viewer", 18)), {
        name: "AbortError",
      });
      const state = JSON.parse(Deno.readTextFileSync(`${pieces}/sort_by_patch/viewer/state.json`));
      assert.deepEqual([state.pages, state.done], [0, false]);
      const before = stored(pieces);
      assert.ok(before.size >= 16, `${before.size}`);
      await main(smallDemo(pieces, { topK: 8, resume: true }));
      const after = stored(pieces);
      for (const [name, time] of before) assert.equal(after.get(name), time, name);
      await main(smallDemo(`${directory}/whole8`, { topK: 8 }));
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole8`));
      // A picture that went away is made again; without --resume all are.
      const [first] = after.keys();
      Deno.removeSync(`${pieces}/sort_by_patch/viewer/pictures/000/${first}`);
      await main(smallDemo(pieces, { topK: 8, resume: true }));
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole8`));
      Deno.writeTextFileSync(`${pieces}/sort_by_patch/viewer/pictures/000/${first}`, "somebody's mistake");
      await main(smallDemo(pieces, { topK: 8 }));
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole8`));
    }),
});

Deno.test({
  name: "renderArtifacts() in parts stores pictures once and ends in the files of one render",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const whole = smallDemo(`${directory}/whole`);
      await main(whole);
      const config = smallDemo(`${directory}/parts`);
      await dumpActivations(config);
      for (const part of ["0/2", "1/2"]) await renderArtifacts({ ...config, part });
      const folders = [0, 1].map((i) => `${directory}/parts/sort_by_patch/parts/render-${i}-of-2/viewer/pictures/000`);
      assert.ok(folders.every((folder) => [...Deno.readDirSync(folder)].length > 0));
      let asked = 0;
      await renderArtifacts(config, { progress: ({ stage, done }) => void (stage === "viewer" && (asked = done)) });
      assert.ok(asked > 0);
      assert.deepEqual(await contents(`${directory}/parts`), await contents(`${directory}/whole`));
    }),
});

Deno.test({
  name: "main() takes away what an earlier viewer showed and this one does not, and nothing else",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const few = `${directory}/few`;
      await main(smallDemo(few, { nLatents: 40, topK: 8 }));
      const out = `${few}/sort_by_patch/viewer`;
      assert.ok(Deno.statSync(`${out}/latents/0001.js`).isFile);
      const many = stored(few).size;
      Deno.writeTextFileSync(`${out}/pictures/000/notes.txt`, "mine");
      Deno.writeTextFileSync(`${out}/latents/mine.js`, "mine");
      let stale = true;
      await main(smallDemo(few, { nLatents: 2, topK: 8, resume: true }), {
        // Before the first picture: a browser must not take the old files for the new table's.
        progress: ({ stage, done }) => {
          if (stage === "viewer" && done === 0) stale = [...Deno.readDirSync(`${out}/latents`)].length > 1;
        },
      });
      assert.equal(stale, false);
      assert.ok(stored(few).size < many);
      Deno.removeSync(`${out}/pictures/000/notes.txt`);
      Deno.removeSync(`${out}/latents/mine.js`);
      await main(smallDemo(`${directory}/alone`, { nLatents: 2, topK: 8 }));
      assert.deepEqual(await viewerOf(few), await viewerOf(`${directory}/alone`));
    }),
});
