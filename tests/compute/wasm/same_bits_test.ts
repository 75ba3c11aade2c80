/** The WebAssembly backend against the reference: the same bits where sums are exact, within the bound elsewhere. */
import type { FoldPlan } from "../../../compute/backend.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import type { Activation } from "../../../compute/sae.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { assertSameState, assertWithinBounds, type CaseOptions, makeCase, makePlan, runFold } from "../_cases.ts";

const ACTIVATIONS: Activation["kind"][] = ["relu", "topk", "threshold", "jumprelu"];
/** Means are over powers of two, so that they are exact too. */
const LAYOUTS: CaseOptions[] = [
  {},
  { cls: false, patches: 3 },
  { kind: "cls" },
  { kind: "meanpool", layers: 2 },
  { layers: 2, patches: 5 },
  { dVit: 1, dSae: 1 },
  { dVit: 17, dSae: 67, patches: 1 },
  { dVit: 5, dSae: 9, patches: 600, nImages: 3 },
];
const RANKINGS: Partial<FoldPlan>[] = [{}, { dedupe: "image" }, { k: 1 }, { k: 40 }, { sortBy: "sum" }];

for (const variant of ["relaxed", "plain"] as const) {
  Deno.test({
    name: `wasm, ${variant}: every activation, layout and ranking gives the reference's bits on integers`,
    permissions: "none",
    fn: async () => {
      const wasm = await createWasmBackend({ variant });
      const reference = createReferenceBackend();
      for (const activation of ACTIVATIONS) {
        for (const layout of LAYOUTS) {
          for (const ranking of RANKINGS) {
            if (ranking.sortBy === "sum" && (layout.kind ?? "patches") !== "patches") continue;
            const given = makeCase({ ...layout, activation, integers: true, seed: 7 });
            const plan = makePlan(given, ranking);
            const expected = await runFold(reference, given.sae, plan, given.block);
            assertSameState(await runFold(wasm, given.sae, plan, given.block, 2), expected);
          }
        }
      }
      await wasm.close();
    },
  });

  Deno.test({
    name: `wasm, ${variant}: real-valued cases lie within the summation bound`,
    permissions: "none",
    fn: async () => {
      const wasm = await createWasmBackend({ variant });
      for (const activation of ["relu", "threshold", "jumprelu"] as const) {
        for (const layout of LAYOUTS) {
          const given = makeCase({ ...layout, activation, scale: true, seed: 11 });
          const plan = makePlan(given);
          assertWithinBounds(await runFold(wasm, given.sae, plan, given.block, 4), given, plan);
        }
      }
      await wasm.close();
    },
  });
}
