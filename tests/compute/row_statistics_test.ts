import assert from "node:assert/strict";
import type { PreparedRows } from "../../compute/prepare_rows.ts";
import { AbnormalRowsError, rowStatistics } from "../../compute/row_statistics.ts";
import { Random } from "./_cases.ts";

const both = { scaleMean: true, scaleNorm: true };

/** Gives rows in chunks of `size`, reusing one array as a reader may. */
function chunked(rows: Float32Array, dVit: number, size: number): () => AsyncGenerator<PreparedRows> {
  return async function* (): AsyncGenerator<PreparedRows> {
    const room = new Float32Array(size * dVit);
    for (let at = 0; at < rows.length; at += size * dVit) {
      const chunk = rows.subarray(at, at + size * dVit);
      room.set(chunk);
      yield await Promise.resolve({ rows: room.subarray(0, chunk.length), skipped: undefined });
    }
  };
}

Deno.test({
  name: "`rowStatistics()` gives the mean and the mean norm over sqrt(dVit), whatever the chunks",
  permissions: "none",
  async fn(): Promise<void> {
    const [n, dVit] = [53, 6];
    const rows = new Random(4).normals(n * dVit, 2, 5);
    const column = (d: number): number[] => Array.from({ length: n }, (_, r) => rows[r * dVit + d]);
    const mean = Array.from({ length: dVit }, (_, d) => Math.fround(column(d).reduce((a, b) => a + b, 0) / n));
    const norm = (centre: number[]): number => {
      const norms = Array.from(
        { length: n },
        (_, r) => Math.hypot(...centre.map((c, d) => rows[r * dVit + d] - c)),
      );
      return norms.reduce((a, b) => a + b, 0) / n / Math.sqrt(dVit);
    };
    for (const size of [1, 7, 53, 100]) {
      const got = await rowStatistics(chunked(rows, dVit, size), { dVit, ...both });
      assert.deepEqual([...got.mean!], mean);
      assert(Math.abs(got.scalar - norm(mean)) <= norm(mean) * 2 ** -23);
      assert.equal(got.rows, n);
      const uncentred = await rowStatistics(chunked(rows, dVit, size), { dVit, scaleMean: false, scaleNorm: true });
      assert.equal(uncentred.mean, undefined);
      assert(Math.abs(uncentred.scalar - norm(mean.map(() => 0))) <= uncentred.scalar * 2 ** -23);
      const unscaled = await rowStatistics(chunked(rows, dVit, size), { dVit, scaleMean: true, scaleNorm: false });
      assert.deepEqual([unscaled.mean, unscaled.scalar], [got.mean, 1]);
    }
  },
});

Deno.test({
  name: "`rowStatistics()` leaves skipped rows out and reads nothing when nothing is wanted",
  permissions: "none",
  async fn(): Promise<void> {
    const sample = (): PreparedRows[] => [{ rows: new Float32Array([1, 900, 3]), skipped: new Uint8Array([0, 1, 0]) }];
    const { mean, scalar, rows } = await rowStatistics(sample, { dVit: 1, ...both });
    assert.deepEqual([[...mean!], scalar, rows], [[2], 1, 2]);
    const unread = (): PreparedRows[] => assert.fail("read a sample that is not needed");
    const none = await rowStatistics(unread, { dVit: 1, scaleMean: false, scaleNorm: false });
    assert.deepEqual(none, { mean: undefined, scalar: 1, rows: 0 });
  },
});

Deno.test({
  name: "`rowStatistics()` refuses abnormal, empty and constant samples",
  permissions: "none",
  async fn(): Promise<void> {
    const of = (...values: number[]): () => PreparedRows[] => () => [
      { rows: new Float32Array(values), skipped: undefined },
    ];
    await assert.rejects(rowStatistics(of(0, 1000.1), { dVit: 1, ...both }), AbnormalRowsError);
    await assert.rejects(rowStatistics(of(0, -1000.1), { dVit: 1, ...both }), AbnormalRowsError);
    await assert.rejects(rowStatistics(of(0, NaN), { dVit: 1, ...both }), AbnormalRowsError);
    await assert.rejects(rowStatistics(of(), { dVit: 1, ...both }), AbnormalRowsError);
    await assert.rejects(rowStatistics(of(3, 3), { dVit: 1, ...both }), AbnormalRowsError);
    // Each value is normal but the norm of 4 of them at 900 around 0 is 1,800.
    const long = of(900, 900, 900, 900, -900, -900, -900, -900);
    await assert.rejects(rowStatistics(long, { dVit: 4, ...both }), AbnormalRowsError);
    await assert.rejects(rowStatistics(of(1, 2, 3), { dVit: 2, ...both }), TypeError);
    assert.equal((await rowStatistics(of(1000, -1000), { dVit: 1, ...both })).scalar, 1000);
  },
});
