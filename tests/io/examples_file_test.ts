import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { addImage, examplesOf, intervalExamples, intervalOf } from "../../compute/interval_examples.ts";
import { EXAMPLES_NAME, readExamples, writeExamples } from "../../io/examples_file.ts";
import { openFile } from "../../io/open_file.ts";
import { readSafetensors } from "../../io/safetensors.ts";
import { inTemporary } from "./_temporary.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };
const FACTS = { request: "asked", sampled: 30, images: 90, intervals: 8, patches: 4 };
const LATENTS = [7, 2, 5];
const ARTIFACTS = { dSae: 9, patches: 4 };

function found(patches: number): ReturnType<typeof intervalExamples> {
  const examples = intervalExamples(new Float32Array([1, 0, 2]), { seed: 3, patches });
  for (let image = 0; image < 30; image++) {
    addImage(
      examples,
      image,
      Float32Array.from({ length: 3 * Math.max(1, patches) }, (_, i) => ((image * 7 + i * 5) % 11 - 4) / 7),
    );
  }
  return examples;
}

const write = (directory: string, examples = found(4), facts = FACTS): Promise<void> =>
  writeExamples(`${directory}/${EXAMPLES_NAME}`, { ...facts, latents: LATENTS, of: (at) => examplesOf(examples, at) });

Deno.test({
  name: "readExamples() gives back what writeExamples() wrote, with heatmaps and without",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      strictEqual(await readExamples(directory, ARTIFACTS), undefined);
      for (const patches of [4, 0]) {
        const examples = found(patches);
        await write(directory, examples, { ...FACTS, patches });
        const { of, latents, ...facts } = (await readExamples(directory, { dSae: 9, patches }))!;
        deepStrictEqual([latents, facts], [LATENTS, { ...FACTS, patches }]);
        LATENTS.forEach((latent, at) => deepStrictEqual(of(latent), examplesOf(examples, at)));
        ok(of(7)!.image.length > 2);
        strictEqual(of(2)!.image.length, 0);
        strictEqual(of(3), undefined);
      }
      // As any other reader sees it.
      const file = await openFile(`${directory}/${EXAMPLES_NAME}`);
      const tensors = await readSafetensors(file);
      file.close();
      strictEqual(tensors.get("image")!.dtype, "int64");
      deepStrictEqual([...tensors.get("latents")!.data], LATENTS);
    }),
});

Deno.test({
  name: "readExamples() refuses what is damaged or of other artifacts in one line",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const refused = (artifacts = ARTIFACTS): Promise<void> =>
        rejects(readExamples(directory, artifacts), {
          name: "ArtifactError",
          message: `Cannot use ${directory}/${EXAMPLES_NAME}: it holds no examples of these artifacts; ` +
            "make them again with render --force",
        });
      await write(directory);
      await refused({ dSae: 7, patches: 4 });
      await refused({ dSae: 9, patches: 16 });
      const path = `${directory}/${EXAMPLES_NAME}`;
      const bytes = await Deno.readFile(path);
      const text = new TextDecoder("latin1").decode(bytes);
      for (
        const [from, to] of [
          ['format\\":1', 'format\\":2'],
          ['images\\":90', 'images\\":10'],
          ['sampled\\":30', 'sampled\\":99'],
          ['intervals\\":8', 'intervals\\":3'],
          ['"saev-visuals"', '"else-visuals"'],
          ['"heat_patch":{"dtype":"I32"', '"heat_patch":{"dtype":"F32"'],
          ['"offsets"', '"offsetz"'],
        ]
      ) {
        ok(text.includes(from), from);
        await Deno.writeFile(path, Uint8Array.from(text.replace(from, to), (c) => c.charCodeAt(0)));
        await refused();
      }
      await Deno.writeFile(path, bytes.subarray(0, bytes.length - 5));
      await refused();
      await Deno.writeTextFile(path, "{}");
      await refused();
      // Whatever single byte is wrong: refused in that line, or read as some examples of these artifacts.
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = bytes.slice();
        changed[at] ^= 0x80;
        await Deno.writeFile(path, changed);
        await readExamples(directory, ARTIFACTS).then((examples) => {
          for (const latent of examples!.latents) {
            const { image, patch, value, interval, upper } = examples!.of(latent)!;
            ok(image.every((i) => i < 90) && patch.every((p) => p < 4) && value.every((v) => v > 0));
            ok(interval.every((part, i) => part === intervalOf(value[i], upper, 8)));
          }
        }, (error) => strictEqual(error.name, "ArtifactError", `byte ${at}: ${error}`));
      }
    }),
});
