import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { TorchFileError } from "../../compute/errors.ts";
import { memorySource } from "../../io/byte_source.ts";
import { memberOffset, zipDirectory } from "../../io/zip_directory.ts";

const permissions = { read: ["fixtures"] };
const CENTRAL = 0x02014b50;

/** A golden file, and where its directory's entries and end record are. */
function golden(): { bytes: Uint8Array; view: DataView; entries: number[]; end: number } {
  const bytes = Deno.readFileSync("fixtures/golden/torch-files/f32.pt");
  const view = new DataView(bytes.buffer);
  const entries: number[] = [];
  for (let at = 0; at + 4 < bytes.length; at++) if (view.getUint32(at, true) === CENTRAL) entries.push(at);
  return { bytes, view, entries, end: bytes.length - 22 };
}

Deno.test({
  name: "zipDirectory() lists what is there and memberOffset() finds the bytes",
  permissions,
  fn: async () => {
    const { bytes } = golden();
    const source = memorySource("f32.pt", bytes);
    const members = await zipDirectory(source);
    deepStrictEqual([...members.keys()], ["f32/data.pkl", "f32/data/0", "f32/version"]);
    const offset = await memberOffset(source, members.get("f32/data/0")!);
    strictEqual(new DataView(bytes.buffer).getFloat32(offset + 4 * 23, true), 23);
  },
});

const changes: [string, RegExp, (zip: ReturnType<typeof golden>) => void][] = [
  ["a compressed member", /compressed \(method 8\)/, ({ view, entries }) => view.setUint16(entries[1] + 10, 8, true)],
  ["an encrypted member", /encrypted/, ({ view, entries }) => view.setUint16(entries[1] + 8, 1, true)],
  ["sizes that differ", /compressed/, ({ view, entries }) => view.setUint32(entries[1] + 24, 97, true)],
  ["a member larger than the file", /claims 4294967294 bytes/, ({ view, entries }) => {
    view.setUint32(entries[1] + 20, 0xfffffffe, true);
    view.setUint32(entries[1] + 24, 0xfffffffe, true);
  }],
  [
    "a ZIP64 size that is missing",
    /has no size/,
    ({ view, entries }) => view.setUint32(entries[1] + 24, 0xffffffff, true),
  ],
  ["two members of one name", /two members are named f32\/data.pkl/, ({ bytes, entries }) => {
    const name = bytes.slice(entries[0] + 46, entries[0] + 46 + 10);
    bytes.set(name, entries[1] + 46);
    bytes.set(bytes.slice(entries[0] + 46, entries[0] + 58), entries[1] + 46);
    new DataView(bytes.buffer).setUint16(entries[1] + 28, 12, true);
  }],
  ["a directory outside the file", /its directory claims/, ({ view, end }) => {
    // The record before it says ZIP64; without its signature the plain fields count.
    view.setUint32(end - 20, 0, true);
    view.setUint32(end + 16, 0x7fffffff, true);
  }],
  ["more members than bytes", /its directory claims 60000/, ({ view, end }) => {
    view.setUint32(end - 20, 0, true);
    view.setUint16(end + 10, 60000, true);
  }],
];
for (const [name, message, change] of changes) {
  Deno.test({
    name: `zipDirectory() refuses ${name}`,
    permissions,
    fn: async () => {
      const zip = golden();
      change(zip);
      await rejects(zipDirectory(memorySource("changed.pt", zip.bytes)), (error: Error) => {
        ok(error instanceof TorchFileError && message.test(error.message), String(error));
        return true;
      });
    },
  });
}
