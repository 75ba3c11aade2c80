import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tensor } from "../../compute/tensor.ts";
import { writeTorch } from "../../io/write_torch.ts";
import { inTemporary } from "../io/_temporary.ts";
import { ignore, PYTHON, python } from "./_python.ts";

const SCRIPT = `
import json, sys, torch
out = {}
for name in ["f32", "scalar", "empty", "u32", "dict"]:
    value = torch.load(f"{sys.argv[1]}/{name}.pt", weights_only=True)
    tensors = value if isinstance(value, dict) else {"": value}
    out[name] = {key: [str(t.dtype), list(t.shape), t.is_contiguous(), t.flatten().tolist()] for key, t in tensors.items()}
print(json.dumps(out))
`;

Deno.test({
  name: "torch.load(weights_only=True) reads what writeTorch() wrote",
  ignore,
  permissions: { read: ["tests/tmp"], write: ["tests/tmp"], run: [PYTHON] },
  fn: () =>
    inTemporary(async (directory) => {
      await writeTorch(`${directory}/f32.pt`, tensor(Float32Array.of(1, 2.5, -3, 4, 5, 6), [2, 3]));
      await writeTorch(`${directory}/scalar.pt`, tensor(Float64Array.of(0.1), []));
      await writeTorch(`${directory}/empty.pt`, tensor(new Float32Array(0), [0, 5]));
      await writeTorch(`${directory}/u32.pt`, tensor(Uint32Array.of(0, 1, 2 ** 31, 2 ** 32 - 1), [2, 2]));
      const parts = { bin: tensor(Int16Array.of(-1, 2), [2]), data: tensor(Uint8Array.of(255), [1, 1]) };
      await writeTorch(`${directory}/dict.pt`, parts);
      const { stdout, error } = await python(["-c", SCRIPT, directory]);
      strictEqual(error, undefined);
      deepStrictEqual(JSON.parse(stdout), {
        f32: { "": ["torch.float32", [2, 3], true, [1, 2.5, -3, 4, 5, 6]] },
        scalar: { "": ["torch.float64", [], true, [0.1]] },
        empty: { "": ["torch.float32", [0, 5], true, []] },
        u32: { "": ["torch.int64", [2, 2], true, [0, 1, 2 ** 31, 2 ** 32 - 1]] },
        dict: { bin: ["torch.int16", [2], true, [-1, 2]], data: ["torch.uint8", [1, 1], true, [255]] },
      });
    }),
});
