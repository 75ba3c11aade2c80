import assert from "node:assert/strict";
import { dumpActivations } from "../../visuals.ts";
import { goldenCase, path, TMP, withFolder } from "../golden/_cases.ts";
import { safeLoad } from "../../io/safe_load.ts";
import type { TorchValue } from "../../io/torch_file.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { ignore, PYTHON, python } from "./_python.ts";

const ROOT = new URL("../../", import.meta.url);
/** Artifacts of indices and counts; all others are f32. */
const INTEGERS = /_i\.pt$|^top_count\.pt$/;
const SCRIPT = path(new URL("read_artifacts.py", import.meta.url));

for (const [name, artifacts] of [["patch", ["top_patch_i.pt"]], ["img-cls", []]] as const) {
  Deno.test({
    name: `torch.load(weights_only=True) reads every artifact of ${name}, bit for bit`,
    ignore,
    permissions: { read: [ROOT], write: [TMP], run: [PYTHON] },
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const golden = goldenCase(name);
        await dumpActivations(golden.config("reference", folder));
        const dir = new URL(`sort_by_${golden.sortBy}/`, folder);
        const files = [...Deno.readDirSync(dir)].map(({ name }) => name).filter((file) => file.endsWith(".pt")).sort();
        const expected = [
          "top_values.pt",
          "top_img_i.pt",
          "top_count.pt",
          "mean_values.pt",
          "sparsity.pt",
          "distributions.pt",
        ];
        for (const file of [...expected, ...artifacts, `percentiles_p${golden.percentile}.pt`]) {
          assert.ok(files.includes(file), `${file} is missing among ${files.join(" ")}`);
        }
        const { stdout, error } = await python([SCRIPT, ...files.map((file) => path(new URL(file, dir)))]);
        assert.equal(error, undefined);
        const read = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
        for (const [i, file] of files.entries()) {
          const tensors = tensorsOf(await safeLoad(path(new URL(file, dir))));
          const ours: Record<string, unknown> = {};
          for (const [key, { dtype, shape, data }] of tensors) {
            ours[key] = [`torch.${dtype}`, [...shape], await sha256(data as ArrayBufferView<ArrayBuffer>)];
          }
          assert.deepEqual(read[i], ours, file);
          const type = INTEGERS.test(file) ? "torch.int64" : "torch.float32";
          if (file !== "sketch.pt") assert.equal((ours[""] as [string])[0], type, file);
        }
      }),
  });
}

/** The tensors of a file that holds one, or a dict of them. */
function tensorsOf(value: TorchValue): Map<string, TorchTensor> {
  if (value instanceof Map) return value as Map<string, TorchTensor>;
  return new Map([["", value as TorchTensor]]);
}

async function sha256(data: ArrayBufferView<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
}
