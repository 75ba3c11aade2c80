import assert from "node:assert/strict";
import { WriteBatch } from "../../io/write_batch.ts";
import { inTemporary } from "./_temporary.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };

/** Names in a directory; temporary ones too. */
const names = (directory: string): string[] => [...Deno.readDirSync(directory)].map(({ name }) => name).sort();

Deno.test({
  name: "`WriteBatch` has every file under its name when `flush()` resolves, however many added at the same time",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      for (let round = 0; round < 5; round++) {
        const batch = new WriteBatch();
        const expected = Array.from({ length: 300 }, (_, i) => `${round}-${String(i).padStart(3, "0")}`);
        // Eight at a time, as pictures are drawn.
        const left = expected.values();
        const lane = async (): Promise<void> => {
          for (const name of left) await batch.add(`${directory}/${round}/${name}`, name);
        };
        await Promise.all(Array.from({ length: 8 }, lane));
        await batch.flush();
        assert.deepEqual(names(`${directory}/${round}`), expected);
      }
    }),
});

Deno.test({
  name: "`WriteBatch` tells whoever adds or flushes next what could not be written, and leaves nothing unfinished",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const batch = new WriteBatch();
      // A directory that is not empty stands where a file should be.
      await Deno.mkdir(`${directory}/taken/inside`, { recursive: true });
      await batch.add(`${directory}/taken`, "never");
      const lane = async (from: number): Promise<void> => {
        for (let i = 0; i < 100; i++) await batch.add(`${directory}/${from + i}`, "text");
      };
      const write = async (): Promise<void> => {
        await Promise.all([0, 100, 200, 300].map(lane));
        await batch.flush();
      };
      await assert.rejects(write(), { name: "ArtifactError" });
      // The other lanes end, in one way or the other.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await batch.discard();
      assert.deepEqual(names(directory).filter((name) => name.endsWith(".tmp")), []);
    }),
});
