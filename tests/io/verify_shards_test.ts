import { match, strictEqual } from "node:assert/strict";
import { openShards } from "../../io/open_shards.ts";
import { shardsHash, verifyShards } from "../../io/verify_shards.ts";

Deno.test({
  name: "shardsHash() hashes as Python's json.dumps writes",
  permissions: "none",
  fn: () => {
    // hashlib.sha256(b'{"a":"caf\\u00e9 \\ud83d\\ude00 \\"","b":[1,null,true]}').hexdigest()[:8]
    strictEqual(shardsHash({ b: [1, null, true], a: 'café 😀 "' }), "a7e9d2d9");
  },
});

Deno.test({
  name: "verifyShards() accepts the demo, and warns when name or metadata was changed",
  permissions: { read: ["fixtures"] },
  fn: async () => {
    const shards = await openShards("fixtures/demo/current-layout/saev/shards/feadabea");
    strictEqual(verifyShards(shards), undefined);
    strictEqual(verifyShards({ ...shards, root: `${shards.root}/` }), undefined);
    match(verifyShards({ ...shards, root: "other" })!, /named other, and its metadata.json hashes to feadabea/);
    match(verifyShards({ ...shards, metadata: { ...shards.metadata, ckpt: "x" } })!, /named feadabea/);
    strictEqual(verifyShards({ ...shards, layout: "2025-01", root: "other" }), undefined);
  },
});
