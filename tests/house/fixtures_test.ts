import assert from "node:assert/strict";
import { fixtureErrors, fixtureSums } from "./check_fixtures.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url);
const TMP = new URL("../tmp/", import.meta.url);

Deno.test({
  name: "fixtures/ holds what fixtures/SHA256SUMS lists, byte for byte",
  permissions: { read: [FIXTURES] },
  async fn(): Promise<void> {
    const { errors, checked } = await fixtureErrors(FIXTURES);
    assert.deepEqual(errors, []);
    assert.ok(checked > 500);
  },
});

Deno.test({
  name: "fixtureErrors() names missing, changed and unlisted files",
  permissions: { read: [TMP], write: [TMP] },
  async fn(): Promise<void> {
    const root = new URL(`fixtures-${crypto.randomUUID()}/`, TMP);
    await Deno.mkdir(root, { recursive: true });
    try {
      const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
      await Deno.writeTextFile(new URL("SHA256SUMS", root), `${empty}  a\n${empty}  b\n${empty}  c\n`);
      await Deno.writeTextFile(new URL("a", root), "");
      await Deno.writeTextFile(new URL("b", root), "other");
      await Deno.writeTextFile(new URL("d", root), "");
      const { errors } = await fixtureErrors(root);
      assert.deepEqual(errors.sort(), ["changed: b", "missing: c", "not listed: d"]);
      await Deno.writeTextFile(new URL("SHA256SUMS", root), await fixtureSums(root));
      assert.deepEqual(await fixtureErrors(root), { errors: [], checked: 3 });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
