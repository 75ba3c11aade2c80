/**
 * Progress as text: a bar that is redrawn on a terminal, a line now and then anywhere else. Pure formatting; whoever makes a
 * {@linkcode ProgressReporter} says where text goes and what time it is.
 * @module
 */
import type { Progress } from "../visuals/hooks.ts";
import { formatBytes, formatCount, formatSeconds } from "./format_numbers.ts";

/** Redraws a terminal at most this often. */
const REDRAW_INTERVAL_MS = 100;
/** Elsewhere: a line at least this often while work goes on … */
const LINE_INTERVAL_MS = 10_000;
/** … and one each tenth of the work, but not more often than this. */
const TENTH_INTERVAL_MS = 1_000;
const BAR_MAX_CELLS = 30;
const BAR_MIN_CELLS = 8;
const CLEAR_LINE = "\r\x1b[2K";

/** Where progress goes. */
export interface ProgressOptions {
  /** Writes text as it is. */
  readonly write: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Width of the terminal; undefined when the output is none. */
  readonly columns: (() => number) | undefined;
  /** Whether the bar may be coloured. */
  readonly color: boolean;
}

/**
 * Prints progress and log lines without mixing them up.
 *
 * Rates are means since the stage's first report, so a resumed stage is not credited with what was done before.
 *
 * @example
 * ```ts
 * import { ProgressReporter } from "./progress.ts";
 * let text = "";
 * const options = { write: (part: string) => void (text += part), now: () => 0, columns: undefined, color: false };
 * const reporter = new ProgressReporter(options);
 * reporter.update({ stage: "encode", done: 10, total: 10, unit: "rows" });
 * reporter.finish();
 * if (text !== "encode: 10 rows\n") throw new Error(text);
 * ```
 */
export class ProgressReporter {
  readonly #options: ProgressOptions;
  #first: Progress | undefined;
  #latest: Progress | undefined;
  #startMs = 0;
  #printedMs = 0;
  #printedTenth = 0;
  #barIsShown = false;

  /** Nothing is printed before the first report. */
  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Takes a report; prints when it is time. A new stage ends the one before. */
  update(progress: Progress): void {
    const now = this.#options.now();
    if (this.#latest?.stage !== progress.stage) {
      this.finish();
      this.#first = progress;
      this.#startMs = this.#printedMs = now;
      this.#printedTenth = 0;
    }
    this.#latest = progress;
    const elapsed = now - this.#printedMs;
    if (this.#options.columns !== undefined) {
      if (!this.#barIsShown || elapsed >= REDRAW_INTERVAL_MS) this.#draw(now);
      return;
    }
    const tenth = Math.floor(10 * fractionDone(progress));
    if (elapsed >= LINE_INTERVAL_MS || (tenth > this.#printedTenth && elapsed >= TENTH_INTERVAL_MS)) {
      this.#options.write(`${[progress.stage, ...this.#parts(now)].join("  ")}\n`);
      this.#printedMs = now;
      this.#printedTenth = tenth;
    }
  }

  /** Prints a line of its own; a bar on the terminal makes way. */
  log(line: string): void {
    this.#clear();
    this.#options.write(`${line}\n`);
  }

  /** Ends the stage with one line that says what was done and how fast. */
  finish(): void {
    const latest = this.#latest;
    if (latest === undefined) return;
    this.#clear();
    const seconds = (this.#options.now() - this.#startMs) / 1000;
    const done = latest.done - (this.#first?.done ?? 0);
    // The rate of one thing is its time again.
    const rates = latest.total > 1 ? ` (${this.#rates(seconds).join(", ")})` : "";
    const time = seconds > 0 && done > 0 ? ` in ${formatSeconds(seconds)}${rates}` : "";
    const count = latest.done < latest.total
      ? `${formatCount(latest.done)} of ${formatCount(latest.total)}`
      : formatCount(latest.done);
    this.#options.write(`${latest.stage}: ${count} ${latest.unit}${time}\n`);
    this.#latest = this.#first = undefined;
  }

  #clear(): void {
    if (this.#barIsShown) this.#options.write(CLEAR_LINE);
    this.#barIsShown = false;
  }

  #draw(now: number): void {
    const { columns, color, write } = this.#options;
    const width = Math.max(1, columns!() - 1);
    const { stage } = this.#latest!;
    const [percent, count, ...more] = this.#parts(now);
    const left = more.pop();
    // On a narrow terminal the bar and the time left outlive the count and the rates.
    const choices = [[count, ...more], more, more.slice(0, 1), []]
      .map((middle) => [stage, percent, ...middle, ...(left === undefined ? [] : [left])]);
    const parts = choices.find((choice) => width - choice.join("  ").length - 2 >= BAR_MIN_CELLS);
    let line = choices.at(-1)!.join("  ").slice(0, width);
    if (parts !== undefined) {
      const cells = Math.min(width - parts.join("  ").length - 2, BAR_MAX_CELLS);
      line = [stage, bar(fractionDone(this.#latest!), cells, color), ...parts.slice(1)].join("  ");
    }
    write(CLEAR_LINE + line);
    this.#barIsShown = true;
    this.#printedMs = now;
  }

  /** Percent, count, and once they are known rates and time left. */
  #parts(now: number): string[] {
    const { done, total, unit } = this.#latest!;
    const seconds = (now - this.#startMs) / 1000;
    const fresh = done - this.#first!.done;
    const parts = [
      `${String(Math.floor(100 * fractionDone(this.#latest!))).padStart(3)} %`,
      `${formatCount(done)}/${formatCount(total)} ${unit}`,
    ];
    if (seconds > 0 && fresh > 0) {
      parts.push(...this.#rates(seconds), `${formatSeconds((total - done) / (fresh / seconds))} left`);
    }
    return parts;
  }

  #rates(seconds: number): string[] {
    const { done, unit, bytes } = this.#latest!;
    const perSecond = (done - this.#first!.done) / seconds;
    const rates = [`${perSecond < 10 ? perSecond.toFixed(1) : formatCount(perSecond)} ${unit}/s`];
    const freshBytes = (bytes ?? 0) - (this.#first!.bytes ?? 0);
    if (freshBytes > 0) rates.push(`${formatBytes(freshBytes / seconds)}/s`);
    return rates;
  }
}

/** 0 … 1; work that holds nothing is done. */
function fractionDone({ done, total }: Progress): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
}

function bar(fraction: number, cells: number, color: boolean): string {
  const full = Math.floor(fraction * cells);
  const [on, off] = color ? ["\x1b[32m", "\x1b[39m"] : ["", ""];
  return on + "█".repeat(full) + off + "░".repeat(cells - full);
}
