/**
 * What runs inside a plot worker: an SVG in, `{png}` or `{error}` out. It needs no permission.
 * @module
 */
import { svgToPng } from "./svg_to_png.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: string }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data }): Promise<void> => {
  try {
    const png = await svgToPng(data);
    scope.postMessage({ png }, [png.buffer]);
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
