/**
 * All latents by log10 frequency and log10 mean activation, on a canvas; dragging a frame filters by both.
 * @module
 */
/// <reference lib="dom" />
import type { Context, View } from "./context.ts";
import { count, h, percent, short } from "./dom.ts";
import { showTip } from "./picture_view.ts";
import type { ViewState } from "./state.ts";

const MARGIN = { left: 34, right: 8, top: 8, bottom: 30 };
/** How far from a dot the pointer still means it, in CSS pixels. */
const REACH = 12;

interface Logs {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Latents with both logarithms. */
  readonly alive: number[];
  /** Least and largest, of x and of y. */
  readonly box: [number, number, number, number];
}

/** The scatter. */
export class ScatterView implements View {
  /** Its element. */
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #canvas = h("canvas", { class: "scatter" });
  readonly #about = h("p", { class: "muted small", id: "scatter-about" });
  readonly #clear: HTMLButtonElement;
  #logs: Logs | undefined;
  #source: unknown;
  #drag: { x: number; y: number; toX: number; toY: number } | undefined;
  #frameAsked = false;
  #listed: ReadonlySet<number> = new Set();

  /** Prepares it. */
  constructor(context: Context) {
    this.#context = context;
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-describedby", "scatter-about");
    this.#clear = h(
      "button",
      { type: "button", class: "quiet", on: { click: () => this.#setRanges(undefined) } },
      "Clear frame",
    );
    this.element = h(
      "section",
      { class: "card scatterbox", "aria-labelledby": "scatter-title" },
      h("div", { class: "row" }, h("h2", { id: "scatter-title" }, "All latents"), this.#clear),
      this.#canvas,
      this.#about,
    );
    this.#canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#move(event));
    this.#canvas.addEventListener("pointerup", (event) => this.#up(event));
    this.#canvas.addEventListener("pointercancel", () => this.#drag = undefined);
    this.#canvas.addEventListener("pointerleave", () => showTip(""));
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    // A change of theme counts as one of size.
    addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Takes over which latents are listed, drawn stronger than the rest. */
  setListed(latents: readonly number[]): void {
    const { run } = this.#context.store;
    // When everything is listed, what stands out is what has pictures.
    this.#listed = new Set(latents.length >= run.dSae ? run.chosen : latents);
    this.draw();
  }

  /** Draws the state's frame. */
  update(): void {
    const { frequency, mean } = this.#context.state.ranges;
    this.#clear.hidden = frequency === undefined && mean === undefined;
    this.draw();
  }

  #prepare(): Logs {
    const { run } = this.#context.store;
    if (this.#logs !== undefined && this.#source === run) return this.#logs;
    this.#source = run;
    const x = new Float32Array(run.dSae);
    const y = new Float32Array(run.dSae);
    const alive: number[] = [];
    const box: [number, number, number, number] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let latent = 0; latent < run.dSae; latent++) {
      x[latent] = Math.log10(run.frequency[latent]);
      y[latent] = Math.log10(run.mean[latent]);
      if (!Number.isFinite(x[latent]) || !Number.isFinite(y[latent])) continue;
      alive.push(latent);
      box[0] = Math.min(box[0], x[latent]);
      box[1] = Math.max(box[1], x[latent]);
      box[2] = Math.min(box[2], y[latent]);
      box[3] = Math.max(box[3], y[latent]);
    }
    if (alive.length === 0) box.splice(0, 4, -6, 0, -1, 1);
    for (const i of [0, 2]) {
      const pad = Math.max(0.1, (box[i + 1] - box[i]) * 0.04);
      box[i] -= pad;
      box[i + 1] += pad;
    }
    const silent = run.dSae - alive.length;
    this.#about.textContent =
      `${count(alive.length)} latents fire${silent === 0 ? "" : `, ${count(silent)} never do`}. ` +
      "Drag a frame to filter; click a dot to open it.";
    this.#canvas.setAttribute(
      "aria-label",
      `Scatter of ${alive.length} latents: log firing rate against log mean activation`,
    );
    return this.#logs = { x, y, alive, box };
  }

  #scales(): {
    x: (v: number) => number;
    y: (v: number) => number;
    invX: (p: number) => number;
    invY: (p: number) => number;
  } {
    const { box } = this.#prepare();
    const { clientWidth: w, clientHeight: height } = this.#canvas;
    const [width, tall] = [w - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
    return {
      x: (v) => MARGIN.left + (v - box[0]) / (box[1] - box[0]) * width,
      y: (v) => MARGIN.top + (box[3] - v) / (box[3] - box[2]) * tall,
      invX: (p) => box[0] + (p - MARGIN.left) / width * (box[1] - box[0]),
      invY: (p) => box[3] - (p - MARGIN.top) / tall * (box[3] - box[2]),
    };
  }

  /** Draws everything, once for all that changes before the next frame. */
  draw(): void {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    requestAnimationFrame(() => {
      this.#frameAsked = false;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const canvas = this.#canvas;
    const context = canvas.getContext("2d");
    const { clientWidth: width, clientHeight: height } = canvas;
    if (context === null || width === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const { x: xs, y: ys, alive, box } = this.#prepare();
    const { x, y } = this.#scales();
    context.font = `11px ${style.fontFamily}`;
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (const [low, high, horizontal] of [[box[0], box[1], true], [box[2], box[3], false]] as const) {
      const step = [0.25, 0.5, 1, 2, 5].find((size) => (high - low) / size <= 7) ?? 10;
      for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
        const at = Math.round(horizontal ? x(tick) : y(tick)) + 0.5;
        context.strokeStyle = color("--line");
        context.beginPath();
        if (horizontal) context.moveTo(at, MARGIN.top), context.lineTo(at, height - MARGIN.bottom);
        else context.moveTo(MARGIN.left, at), context.lineTo(width - MARGIN.right, at);
        context.stroke();
        context.fillStyle = color("--muted");
        context.textAlign = horizontal ? "center" : "right";
        const label = String(Number(tick.toFixed(2))).replace("-", "−");
        context.fillText(label, horizontal ? at : MARGIN.left - 5, horizontal ? height - MARGIN.bottom + 9 : at);
      }
    }
    context.textAlign = "right";
    context.fillText("log₁₀ firing rate →", width - MARGIN.right, height - 7);
    context.textAlign = "left";
    context.fillText("↑ log₁₀ mean", MARGIN.left + 4, MARGIN.top + 6);
    const size = alive.length > 5000 ? 1.6 : 2.4;
    context.fillStyle = color("--dots");
    context.globalAlpha = alive.length > 5000 ? 0.35 : 0.5;
    for (const latent of alive) context.fillRect(x(xs[latent]) - size / 2, y(ys[latent]) - size / 2, size, size);
    context.globalAlpha = 0.9;
    context.fillStyle = color("--hot");
    for (const latent of this.#listed) {
      if (!Number.isFinite(xs[latent])) continue;
      context.beginPath();
      context.arc(x(xs[latent]), y(ys[latent]), this.#listed.size > 3000 ? 1.2 : 2.4, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    this.#frame(context, color("--accent"));
  }

  #frame(context: CanvasRenderingContext2D, accent: string): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const { x, y } = this.#scales();
    const { ranges } = this.#context.state;
    const clampX = (v: number): number => Math.min(width - MARGIN.right, Math.max(MARGIN.left, v));
    const clampY = (v: number): number => Math.min(height - MARGIN.bottom, Math.max(MARGIN.top, v));
    let box: [number, number, number, number] | undefined;
    if (this.#drag !== undefined) box = [this.#drag.x, this.#drag.toX, this.#drag.y, this.#drag.toY];
    else if (ranges.frequency !== undefined || ranges.mean !== undefined) {
      const [left, right] = (ranges.frequency ?? [-Infinity, Infinity]).map((v) => clampX(x(v)));
      const [bottom, top] = (ranges.mean ?? [-Infinity, Infinity]).map((v) => clampY(y(v)));
      box = [left, right, top, bottom];
    }
    if (box === undefined) return;
    const [left, right, top, bottom] = box;
    context.strokeStyle = accent;
    context.fillStyle = accent;
    context.globalAlpha = 0.08;
    context.fillRect(left, top, right - left, bottom - top);
    context.globalAlpha = 1;
    context.lineWidth = 1.5;
    context.strokeRect(left, top, right - left, bottom - top);
  }

  #point(event: PointerEvent): { x: number; y: number } {
    const { left, top } = this.#canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #nearest(point: { x: number; y: number }): number {
    const { x: xs, y: ys, alive } = this.#prepare();
    const { x, y } = this.#scales();
    let found = -1;
    let least = REACH * REACH;
    for (const latent of alive) {
      // Listed latents win over the cloud behind them.
      const weight = this.#listed.has(latent) ? 0.4 : 1;
      const distance = weight * ((x(xs[latent]) - point.x) ** 2 + (y(ys[latent]) - point.y) ** 2);
      if (distance < least) [least, found] = [distance, latent];
    }
    return found;
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const { x, y } = this.#point(event);
    this.#drag = { x, y, toX: x, toY: y };
    this.#canvas.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    const point = this.#point(event);
    if (this.#drag !== undefined) {
      this.#drag = { ...this.#drag, toX: point.x, toY: point.y };
      this.draw();
      showTip("");
      return;
    }
    const latent = this.#nearest(point);
    this.#canvas.classList.toggle("over", latent >= 0);
    const { run } = this.#context.store;
    showTip(
      latent < 0
        ? ""
        : `latent ${latent} · fires on ${percent(run.frequency[latent])} · mean ${short(run.mean[latent])}`,
      { x: event.clientX, y: event.clientY },
    );
  }

  #up(event: PointerEvent): void {
    const drag = this.#drag;
    this.#drag = undefined;
    if (drag === undefined) return;
    if (Math.hypot(drag.toX - drag.x, drag.toY - drag.y) < 5) {
      this.draw();
      const latent = this.#nearest(this.#point(event));
      showTip("");
      if (latent >= 0) this.#context.go({ latent }, { push: true });
      return;
    }
    const { invX, invY } = this.#scales();
    const sorted = (a: number, b: number): readonly [number, number] => a < b ? [a, b] : [b, a];
    this.#setRanges({
      frequency: sorted(invX(drag.x), invX(drag.toX)),
      mean: sorted(invY(drag.y), invY(drag.toY)),
    });
  }

  #setRanges(change: Pick<ViewState["ranges"], "frequency" | "mean"> | undefined): void {
    const { frequency: _f, mean: _m, ...rest } = this.#context.state.ranges;
    const { only } = this.#context.state;
    this.#context.go({ ranges: { ...rest, ...change }, only }, { push: true });
  }
}
