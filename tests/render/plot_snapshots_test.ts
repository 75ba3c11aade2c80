import assert from "node:assert/strict";
import { SNAPSHOT_CASES, SNAPSHOTS } from "./_snapshot_cases.ts";

for (const [name, make] of Object.entries(SNAPSHOT_CASES)) {
  Deno.test({
    name: `plots: ${name} is drawn as in its snapshot`,
    permissions: { read: [new URL(name, SNAPSHOTS)] },
    fn: async () => {
      assert.equal(make(), await Deno.readTextFile(new URL(name, SNAPSHOTS)));
    },
  });
}
