import assert from "node:assert/strict";
import * as library from "../../mod.ts";
import type { GridElement, TopKImg, TopKPatch } from "../../mod.ts";

/** Upstream's functions and classes in this library's spelling. */
const NAMES = [
  "batchedIdx",
  "gatherBatched",
  "getNewTopk",
  "getSaeActs",
  "getTopkImg",
  "getTopkPatch",
  "dumpActivations",
  "main",
  "makeImg",
  "plotActivationDistributions",
  "safeLoad",
  "testOnlineQuantileEstimation",
  "PercentileEstimator",
];

/** Upstream's data classes are types here: this compiles only when the library exports them with these fields. */
export type DataClasses = [
  Pick<GridElement, "img" | "label" | "patches">,
  Pick<TopKImg, TopKFields>,
  Pick<TopKPatch, TopKFields>,
];
type TopKFields = "topValues" | "topI" | "meanValues" | "sparsity" | "distributions" | "percentiles";

Deno.test({
  name: "mod.ts exports every name of the upstream module",
  permissions: "none",
  fn(): void {
    const missing = NAMES.filter((name) => typeof (library as Record<string, unknown>)[name] !== "function");
    assert.deepEqual(missing, []);
  },
});
