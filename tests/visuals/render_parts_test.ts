import { deepStrictEqual, match, ok } from "node:assert/strict";
import { dumpActivations, main, renderArtifacts } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallDemo } from "./_jobs.ts";

const PARTS = 3;

/** Pictures and when they were drawn. */
function written(directory: string): string[] {
  return [...Deno.readDirSync(`${directory}/neurons`)].flatMap(({ name: latent }) =>
    [...Deno.readDirSync(`${directory}/neurons/${latent}`)].filter(({ name }) => name.endsWith(".png")).map((
      { name },
    ) => `${latent}/${name} ${Deno.statSync(`${directory}/neurons/${latent}/${name}`).mtime!.getTime()}`)
  ).sort();
}

Deno.test({
  name: "renderArtifacts() of every part, then of all, leaves the files of one render, and draws nothing twice",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await main(smallDemo(`${directory}/one`));
      const config = smallDemo(`${directory}/split`);
      await dumpActivations(config);
      let [latents, pictures] = [0, 0];
      for (const index of [2, 0, 1]) {
        const summary = await renderArtifacts({ ...config, part: `${index}/${PARTS}` });
        deepStrictEqual(summary.outputs, [`${directory}/split/sort_by_patch/parts/render-${index}-of-${PARTS}`]);
        latents += summary.latents!;
        pictures += summary.pictures!;
      }
      const lines: string[] = [];
      const drawn = Array.from({ length: PARTS }, (_, i) =>
        written(`${directory}/split/sort_by_patch/parts/render-${i}-of-${PARTS}`));
      const whole = await renderArtifacts(config, {
        log: (line) =>
          void lines.push(line),
      });
      deepStrictEqual(written(`${directory}/split/sort_by_patch`), drawn.flat().sort());
      deepStrictEqual([latents, pictures], [whole.latents, whole.pictures]);
      match(lines.join("\n"), new RegExp(`Took over the pictures of ${PARTS} parts`));
      const [one, split] = [await contents(`${directory}/one`), await contents(`${directory}/split`)];
      ok([...one.keys()].filter((name) => name.endsWith(".png")).length > 5, "hardly anything to compare");
      deepStrictEqual(split, one);
    }),
});
