/** Reads back what `writeCsr` wrote, to compare with. */
import { strictEqual } from "node:assert/strict";
import { readBytes } from "../../io/byte_source.ts";
import { openFile } from "../../io/open_file.ts";
import { memberOffset, zipDirectory } from "../../io/zip_directory.ts";

/** A matrix in compressed sparse rows. */
export interface Csr {
  /** Rows and columns. */
  readonly shape: readonly number[];
  /** Where each row begins. */
  readonly indptr: readonly number[];
  /** Columns. */
  readonly indices: readonly number[];
  /** Values. */
  readonly data: Float32Array;
}

/** Reads the members of an npz whose members are stored. */
export async function readNpz(path: string): Promise<Csr> {
  const file = await openFile(path);
  try {
    const members = await zipDirectory(file);
    const array = async (name: string): Promise<{ descr: string; bytes: Uint8Array }> => {
      const member = members.get(`${name}.npy`)!;
      const bytes = await readBytes(file, await memberOffset(file, member), member.size);
      strictEqual(bytes.subarray(0, 8).join(), "147,78,85,77,80,89,1,0");
      const length = 10 + bytes[8] + 256 * bytes[9];
      strictEqual(length % 64, 0);
      const descr = /'descr': '([^']+)'/.exec(new TextDecoder().decode(bytes.subarray(10, length)))![1];
      return { descr, bytes: bytes.slice(length) };
    };
    const integers = async (name: string): Promise<number[]> => {
      const { descr, bytes } = await array(name);
      return descr === "<i8"
        ? Array.from(new BigInt64Array(bytes.buffer), Number)
        : Array.from(new Int32Array(bytes.buffer));
    };
    strictEqual(new TextDecoder().decode((await array("format")).bytes), "csr");
    return {
      shape: await integers("shape"),
      indptr: await integers("indptr"),
      indices: await integers("indices"),
      data: new Float32Array((await array("data")).bytes.buffer),
    };
  } finally {
    file.close();
  }
}
