/**
 * The stored quantile sketch from pieces, a few latents each.
 * @module
 */
import type { LatentState } from "../compute/latent_state.ts";
import { type Tensor, tensor, type TypedArray } from "../compute/tensor.ts";
import { sparseSketch } from "./_stored_sketch.ts";
import type { TorchOutput } from "./write_torch.ts";

/** Collects sketches latent by latent, nonempty bins only. */
export class SketchPieces {
  readonly #pieces: Record<string, Tensor<TypedArray>>[] = [];

  /** Adds the next latents. */
  add(state: Pick<LatentState, "histogram" | "min" | "max">): void {
    this.#pieces.push(sparseSketch({ ...state, min: state.min.slice(), max: state.max.slice() }) as never);
  }

  /** All that was added, as `sketch.pt` holds it. */
  join(): Record<string, TorchOutput> {
    const all = (key: string): TypedArray[] => this.#pieces.map((piece) => piece[key].data);
    const length = (arrays: readonly TypedArray[]): number => arrays.reduce((sum, { length }) => sum + length, 0);
    const [bins, counts, mins, maxs] = ["bin", "count", "min", "max"].map(all);
    const isWide = counts.some((count) => count instanceof Uint32Array);
    const joined = <A extends TypedArray>(into: A, arrays: readonly TypedArray[]): Tensor<A> => {
      let at = 0;
      for (const array of arrays) {
        (into as Float32Array).set(array as Float32Array, at);
        at += array.length;
      }
      return tensor(into, [into.length]);
    };
    const offsets = new Uint32Array(length(mins) + 1);
    let [latent, before] = [1, 0];
    for (const piece of all("offsets")) {
      for (let i = 1; i < piece.length; i++) offsets[latent++] = before + Number(piece[i]);
      before += Number(piece[piece.length - 1]);
    }
    return {
      offsets: tensor(offsets, [offsets.length]),
      bin: joined(new Int16Array(length(bins)), bins),
      count: joined<Int32Array | Uint32Array>(new (isWide ? Uint32Array : Int32Array)(length(counts)), counts),
      min: joined(new Float32Array(length(mins)), mins),
      max: joined(new Float32Array(length(maxs)), maxs),
    };
  }
}
