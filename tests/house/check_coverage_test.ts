import assert from "node:assert/strict";
import { lineCoverage, parseLcov } from "./check_coverage.ts";

Deno.test({
  name: "parseLcov() keeps the three rooms and lineCoverage() weighs by lines",
  permissions: "none",
  fn(): void {
    const record = (path: string, found: number, hit: number): string =>
      `SF:${path}\nDA:1,1\nLH:${hit}\nLF:${found}\nend_of_record\n`;
    const files = parseLcov(
      record("/a/io/x.ts", 10, 5) + record("/a/compute/wasm/y.ts", 30, 30) + record("/a/cli.ts", 100, 0) +
        record("/a/compute/wasm/build/z.js", 100, 0) + record("/a/tests/io/x_test.ts", 9, 0),
      "/a/",
    );
    assert.deepEqual(files.map(({ path }) => path), ["compute/wasm/y.ts", "io/x.ts"]);
    assert.equal(lineCoverage(files), 35 / 40);
    assert.equal(lineCoverage([]), 0);
  },
});
