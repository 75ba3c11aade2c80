import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { formatBytes, formatCount, formatScaled, formatSeconds } from "../../cli/format_numbers.ts";
import { ProgressReporter } from "../../cli/progress.ts";

const permissions = "none";

/** A reporter on a clock that the test moves. */
function fake(columns: number | undefined, color = false): {
  reporter: ProgressReporter;
  text: () => string;
  at: (seconds: number, done: number, options?: { stage?: string; total?: number; bytes?: number }) => void;
} {
  let written = "";
  let ms = 0;
  const reporter = new ProgressReporter({
    write: (text) => void (written += text),
    now: () => ms,
    columns: columns === undefined ? undefined : () => columns,
    color,
  });
  return {
    reporter,
    text: () => {
      const text = written;
      written = "";
      return text;
    },
    at: (seconds, done, { stage = "encode", total = 1000, bytes } = {}) => {
      ms = seconds * 1000;
      reporter.update({ stage, done, total, unit: "rows", ...(bytes === undefined ? {} : { bytes }) });
    },
  };
}

Deno.test({
  name: "ProgressReporter prints plain lines every 10 s or 10 %, and one at the end, when there is no terminal",
  permissions,
  fn(): void {
    const { reporter, text, at } = fake(undefined);
    at(0, 0);
    at(0.5, 150);
    strictEqual(text(), "", "not within the first second");
    at(2, 200, { bytes: 4 * 2 ** 20 });
    strictEqual(text(), "encode   20 %  200/1,000 rows  100 rows/s  2 MiB/s  8.00 s left\n");
    at(5, 250);
    strictEqual(text(), "", "no new tenth, no ten seconds");
    at(12, 260);
    strictEqual(text(), "encode   26 %  260/1,000 rows  22 rows/s  34.2 s left\n");
    at(100, 1000, { bytes: 200 * 2 ** 20 });
    text();
    reporter.finish();
    strictEqual(text(), "encode: 1,000 rows in 1 min 40 s (10 rows/s, 2 MiB/s)\n");
    reporter.finish();
    strictEqual(text(), "", "finishing twice says nothing more");
  },
});

Deno.test({
  name: "ProgressReporter redraws at most ten times a second and never passes the terminal's width",
  permissions,
  fn(): void {
    for (const columns of [1, 5, 20, 40, 60, 80, 120, 300]) {
      const { reporter, text, at } = fake(columns, columns % 40 === 0);
      let draws = 0;
      for (let i = 0; i <= 1000; i++) {
        at(i / 100, i, { bytes: i * 1e6 });
        for (const drawn of text().split("\r\x1b[2K").slice(1)) {
          draws++;
          // deno-lint-ignore no-control-regex -- colours take no room on the screen
          strictEqual(drawn.replace(/\x1b\[\d+m/g, "").length < Math.max(2, columns), true, drawn);
        }
      }
      strictEqual(draws >= 90 && draws <= 101, true, `${draws} draws in 10 s`);
      reporter.finish();
      strictEqual(text(), "\r\x1b[2Kencode: 1,000 rows in 10.0 s (100 rows/s, 95.4 MiB/s)\n");
    }
  },
});

Deno.test({
  name: "ProgressReporter draws a bar with percent, rate and time left",
  permissions,
  fn(): void {
    const { text, at } = fake(80);
    at(0, 0);
    strictEqual(text(), `\r\x1b[2Kencode  ${"░".repeat(30)}    0 %  0/1,000 rows`);
    // 79 columns less stage (6), numbers (46) and two gaps leave 23 cells, half of them full.
    at(1, 500);
    strictEqual(
      text(),
      `\r\x1b[2Kencode  ${"█".repeat(11)}${"░".repeat(12)}   50 %  500/1,000 rows  500 rows/s  1.00 s left`,
    );
  },
});

Deno.test({
  name: "ProgressReporter gives up the count and rates for the bar when the terminal is narrow",
  permissions,
  fn(): void {
    // Cells = columns − 1 − the rest of the line − one gap, for example 89 − 63 − 2.
    const cases: readonly (readonly [columns: number, line: string])[] = [
      [90, "████████████░░░░░░░░░░░░   50 %  500/1,000 rows  500 rows/s  1 MiB/s  1.00 s left"],
      [70, "██████████░░░░░░░░░░   50 %  500 rows/s  1 MiB/s  1.00 s left"],
      [50, "████░░░░░   50 %  500 rows/s  1.00 s left"],
      [40, "█████░░░░░░   50 %  1.00 s left"],
      [30, " 50 %  1.00 s left"],
      [12, " 50"],
    ];
    for (const [columns, line] of cases) {
      const { text, at } = fake(columns);
      at(0, 0, { bytes: 0 });
      text();
      at(1, 500, { bytes: 2 ** 20 });
      const [stage, ...rest] = text().replace("\r\x1b[2K", "").split("  ");
      strictEqual(stage, "encode");
      strictEqual(rest.join("  "), line, `${columns} columns`);
    }
  },
});

Deno.test({
  name: "ProgressReporter keeps log lines and the bar apart, and ends a stage when the next begins",
  permissions,
  fn(): void {
    const { reporter, text, at } = fake(60);
    at(0, 500);
    text();
    reporter.log("a line");
    strictEqual(text(), "\r\x1b[2Ka line\n");
    at(0.01, 510);
    strictEqual(text().startsWith("\r\x1b[2Kencode"), true, "redrawn at once after the line");
    at(1, 0, { stage: "render", total: 5 });
    strictEqual(text().startsWith("\r\x1b[2Kencode: 510 of 1,000 rows in 1.00 s (10 rows/s)\n\r\x1b[2Krender"), true);
  },
});

Deno.test({
  name: "ProgressReporter survives work of nothing and a clock that stands still",
  permissions,
  fn(): void {
    const { reporter, text, at } = fake(undefined);
    at(0, 0, { total: 0 });
    at(0, 0, { total: 0 });
    reporter.finish();
    strictEqual(text(), "encode: 0 rows\n");
    at(1, 0, { total: 1 });
    at(2, 1, { total: 1 });
    text();
    reporter.finish();
    strictEqual(text(), "encode: 1 rows in 1.00 s\n");
  },
});

Deno.test({
  name: "numbers are written for people, also where rounding changes the unit",
  permissions,
  fn(): void {
    deepStrictEqual([0, 1, 1023, 1024, 1536, 1048575, 2 ** 30, 1.5e13].map(formatBytes), [
      "0 B",
      "1 B",
      "1023 B",
      "1 KiB",
      "1.50 KiB",
      "1.00 MiB",
      "1 GiB",
      "13.6 TiB",
    ]);
    deepStrictEqual([1, 999, 999_600, 2e12].map((value) => formatScaled(value, "FLOP")), [
      "1 FLOP",
      "999 FLOP",
      "1.00 MFLOP",
      "2 TFLOP",
    ]);
    deepStrictEqual([0, 999, 1000, 1234567.6].map(formatCount), ["0", "999", "1,000", "1,234,568"]);
    deepStrictEqual([0.004, 9.994, 9.996, 59.96, 3599.6, 3600, 7199.9].map(formatSeconds), [
      "0.00 s",
      "9.99 s",
      "10.0 s",
      "1 min 00 s",
      "1 h 00 min",
      "1 h 00 min",
      "2 h 00 min",
    ]);
  },
});
