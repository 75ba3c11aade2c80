import assert from "node:assert/strict";
import { decodePicture } from "../../render/decode_picture.ts";
import { main } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallDemo, stopAt } from "./_jobs.ts";

const isAbort = (error: unknown): boolean => (error as Error).name === "AbortError";

/** When each picture was written. */
function written(directory: string): Map<string, number> {
  const times = new Map<string, number>();
  for (const { name: latent } of Deno.readDirSync(`${directory}/sort_by_patch/neurons`)) {
    for (const { name } of Deno.readDirSync(`${directory}/sort_by_patch/neurons/${latent}`)) {
      if (!name.endsWith(".png")) continue;
      const path = `${directory}/sort_by_patch/neurons/${latent}/${name}`;
      times.set(`${latent}/${name}`, Deno.statSync(path).mtime!.getTime());
    }
  }
  return times;
}

Deno.test({
  name: "main() stopped while drawing goes on at the first missing picture and ends in the same bytes",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await main(smallDemo(`${directory}/whole`));
      const pieces = `${directory}/pieces`;
      await main(smallDemo(pieces));
      const neurons = `${pieces}/sort_by_patch/neurons`;
      const [first, second] = [...Deno.readDirSync(neurons)].map(({ name }) => name).sort();
      // As a kill leaves it: some pictures are missing, one of them half way, with its label or without.
      Deno.removeSync(`${neurons}/${first}/0.png`);
      Deno.removeSync(`${neurons}/${first}/1.txt`);
      Deno.writeTextFileSync(`${neurons}/${second}/.2.png.${crypto.randomUUID()}.tmp`, "unfinished");
      Deno.removeSync(`${neurons}/${second}/metadata.json`);
      const before = written(pieces);
      const lines: string[] = [];
      await main(smallDemo(pieces, { resume: true }), { log: (line) => void lines.push(line) });
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole`));
      const after = written(pieces);
      const redrawn = [...after].filter(([name, time]) => before.get(name) !== time).map(([name]) => name);
      assert.deepEqual(redrawn.sort(), [`${first}/0.png`, `${first}/1.png`]);
      // Other settings: the pictures that are there are somebody else's.
      lines.length = 0;
      const larger = smallDemo(pieces, { resume: true, gridScale: 0.5, nLatents: 2 });
      await main(larger, { log: (line) => void lines.push(line) });
      assert.ok(
        lines.some((line) => line.includes("drawn from other artifacts or with other settings")),
        lines.join("\n"),
      );
      assert.equal(new Set([...written(pieces).keys()].map((name) => name.split("/")[0])).size, 2);
    }),
});

Deno.test({
  name: "main() stopped in its first drawing can be resumed; stopped while it redraws, it redraws all",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await main(smallDemo(`${directory}/whole`));
      const pieces = `${directory}/pieces`;
      for (const resume of [false, true]) {
        await assert.rejects(main(smallDemo(pieces, { resume }), stopAt("render", 4)), isAbort);
      }
      await main(smallDemo(pieces, { resume: true }));
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole`));
      await assert.rejects(main(smallDemo(pieces), stopAt("render", 4)), isAbort);
      const lines: string[] = [];
      await main(smallDemo(pieces, { resume: true }), { log: (line) => void lines.push(line) });
      assert.ok(lines.some((line) => line.includes("was replacing older ones")), lines.join("\n"));
      assert.deepEqual(await contents(pieces), await contents(`${directory}/whole`));
    }),
});

Deno.test({
  name:
    "a picture that is replaced by rubbish or goes away while others are drawn becomes a placeholder, also after --resume",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const root = `${directory}/images`;
      for (const { name } of Deno.readDirSync("fixtures/demo/emoji/images")) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
        for (const { name: file } of Deno.readDirSync(`fixtures/demo/emoji/images/${name}`)) {
          await Deno.copyFile(`fixtures/demo/emoji/images/${name}/${file}`, `${root}/${name}/${file}`);
        }
      }
      const job = smallDemo(`${directory}/out`, { resume: true, images: { kind: "image-folder", root } });
      let [harmed, isGone] = [0, false];
      const progress = ({ stage, done }: { stage: string; done: number }): void => {
        if (stage !== "render" || done > 0 || harmed > 0) return;
        for (const { name: kind } of Deno.readDirSync(root)) {
          for (const { name } of Deno.readDirSync(`${root}/${kind}`)) {
            isGone = !isGone;
            if (isGone) Deno.removeSync(`${root}/${kind}/${name}`);
            else Deno.writeTextFileSync(`${root}/${kind}/${name}`, "no picture any more");
            harmed++;
          }
        }
      };
      const lines: string[] = [];
      await main(job, { progress, log: (line) => void lines.push(line) });
      assert.ok(
        lines.some((line) => line.includes("could not be read and are shown as placeholders")),
        lines.join("\n"),
      );
      const before = await contents(`${directory}/out`);
      await Deno.remove(`${directory}/out/sort_by_patch/index.html`);
      // The pictures cannot be listed any more, so they come back: what was drawn is kept as it is.
      for (const { name } of Deno.readDirSync("fixtures/demo/emoji/images")) {
        for (const { name: file } of Deno.readDirSync(`fixtures/demo/emoji/images/${name}`)) {
          await Deno.copyFile(`fixtures/demo/emoji/images/${name}/${file}`, `${root}/${name}/${file}`);
        }
      }
      await main(job);
      assert.deepEqual(await contents(`${directory}/out`), before);
    }),
});

/** Endings of the files of the first latent, each once. */
function endings(directory: string): string[] {
  const neurons = `${directory}/sort_by_patch/neurons`;
  const [latent] = [...Deno.readDirSync(neurons)].map(({ name }) => name).sort();
  const names = [...Deno.readDirSync(`${neurons}/${latent}`)].map(({ name }) => name.slice(name.lastIndexOf(".") + 1));
  return [...new Set(names)].sort();
}

Deno.test({
  name: "main() with another --render keeps the artifacts, draws all in that format and leaves no other",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const first = await main(smallDemo(directory));
      assert.deepEqual(endings(directory), ["json", "png", "txt"]);
      const [jpeg, again] = [await main(smallDemo(directory, { render: "jpeg", resume: true })), written(directory)];
      assert.deepEqual(endings(directory), ["jpg", "json", "txt"]);
      assert.equal(again.size, 0);
      assert.deepEqual([jpeg.reused, jpeg.pictures], [true, first.pictures]);
      for (const { name: latent } of Deno.readDirSync(`${directory}/sort_by_patch/neurons`)) {
        const file = Deno.readFileSync(`${directory}/sort_by_patch/neurons/${latent}/0.jpg`);
        const { width, height } = await decodePicture(file);
        assert.deepEqual([width, height], [56, 56]);
      }
      Deno.removeSync(
        `${directory}/sort_by_patch/neurons/${
          [...Deno.readDirSync(`${directory}/sort_by_patch/neurons`)][0].name
        }/0.jpg`,
      );
      const whole = await contents(directory);
      await main(smallDemo(directory, { render: "jpeg", resume: true }));
      assert.equal((await contents(directory)).size, whole.size + 1);
      const none = await main(smallDemo(directory, { render: "viewer-only" }));
      const stored = [...Deno.readDirSync(`${directory}/sort_by_patch/viewer/pictures/000`)].length;
      assert.deepEqual([none.reused, none.latents, none.pictures], [true, first.latents, stored]);
      assert.deepEqual([...Deno.readDirSync(`${directory}/sort_by_patch/neurons`)], []);
      assert.ok(Deno.statSync(`${directory}/sort_by_patch/index.html`).isFile);
      await main(smallDemo(directory, { resume: true }));
      assert.deepEqual(endings(directory), ["json", "png", "txt"]);
    }),
});
