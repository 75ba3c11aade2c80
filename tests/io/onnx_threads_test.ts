/** The runtime's threads share a memory that does not grow under them, or one of them may be lost. */
import { deepStrictEqual } from "node:assert/strict";
import { openOnnxModel } from "../../io/mod.ts";

const permissions: Deno.PermissionOptions = { read: ["."] };

Deno.test("a model on several threads never makes its memory grow", { permissions }, async () => {
  const { grow } = WebAssembly.Memory.prototype;
  const grown: number[] = [];
  WebAssembly.Memory.prototype.grow = function (pages): number {
    grown.push(pages);
    return grow.call(this, pages);
  };
  try {
    const model = await openOnnxModel("fixtures/demo/vit.onnx", { provider: "wasm", threads: 2 });
    for (const n of [1, 24]) {
      const data = new Float32Array(n * 3 * 112 * 112).fill(0.25);
      const found = await model.run({ name: "pixel_values", data, shape: [n, 3, 112, 112] }, ["residual_stream"]);
      deepStrictEqual(found.get("residual_stream")!.shape, [n, 6, 65, 96]);
    }
    await model.close();
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
  deepStrictEqual(grown, []);
});
