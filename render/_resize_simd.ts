import type { AxisWeights } from "./_axis_weights.ts";
import type { Picture } from "./picture.ts";
import type { ResizePlan } from "./resize.ts";
import { reserve } from "./wasm/picture_kernels.ts";

/** Bits of a weight's low part; the kernels multiply 16 bits at a time. */
const LOW_BITS = 11;

/** Weights as the kernels take them: taps padded to whole groups, each two taps as high parts, then low parts. */
interface SplitWeights {
  readonly first: Int32Array;
  readonly taps: Int32Array;
  readonly pairs: Int16Array;
  readonly strideBytes: number;
}

/** The two passes by SIMD kernels; undefined where they cannot be had. */
export function resizeBySimd(source: Picture, { cut, across, down, top, rows }: ResizePlan): Uint8Array | undefined {
  const pitch = source.width * 3;
  const narrowPitch = cut.width * 3;
  const x = keptSplit(across, "across");
  const y = keptSplit(down, "down");
  if (x === undefined && y === undefined) return undefined;
  // A row more, as a padded tap of weight 0 may lie past the last one.
  const room = reserve([
    ...(x === undefined ? [] : [rows * pitch, ...lengthsOf(x)]),
    (rows + 1) * narrowPitch,
    ...(y === undefined ? [] : [...lengthsOf(y), cut.height * narrowPitch]),
  ]);
  if (room === undefined) return undefined;
  const { kernels: { call, bytes }, addresses } = room;
  const memory = bytes();
  let next = 0;
  const place = (weights: SplitWeights): [number, number, number, number] => {
    const parts = [weights.first, weights.taps, weights.pairs].map((part) => {
      const at = addresses[next++];
      memory.set(new Uint8Array(part.buffer), at);
      return at;
    });
    return [parts[0], parts[1], parts[2], weights.strideBytes];
  };
  const needed = source.data.subarray(top * pitch, (top + rows) * pitch);
  let narrow: number;
  if (x === undefined) {
    narrow = addresses[next++];
    for (let row = 0; row < rows; row++) {
      const start = row * pitch + 3 * cut.x;
      memory.set(needed.subarray(start, start + narrowPitch), narrow + row * narrowPitch);
    }
  } else {
    const at = addresses[next++];
    memory.set(needed, at);
    const weights = place(x);
    narrow = addresses[next++];
    call.resizeRows(at, pitch, rows, narrow, cut.width, ...weights);
  }
  if (y === undefined) return memory.slice(narrow, narrow + rows * narrowPitch);
  const weights = place(y);
  const out = addresses[next++];
  call.resizeColumns(narrow, narrowPitch, cut.height, out, ...weights);
  return memory.slice(out, out + cut.height * narrowPitch);
}

function lengthsOf({ first, taps, pairs }: SplitWeights): number[] {
  return [first.byteLength, taps.byteLength, pairs.byteLength];
}

/** Weights by the direction they are used in, split once: the same ones may serve both. */
const SPLIT = {
  across: new WeakMap<AxisWeights, SplitWeights>(),
  down: new WeakMap<AxisWeights, SplitWeights>(),
};

function keptSplit(axis: AxisWeights | undefined, direction: "across" | "down"): SplitWeights | undefined {
  if (axis === undefined) return undefined;
  let found = SPLIT[direction].get(axis);
  if (found === undefined) {
    // Only the source rows from the first one needed on lie in the memory.
    found = direction === "across" ? splitWeights(axis, 4, 0) : splitWeights(axis, 2, axis.first[0]);
    SPLIT[direction].set(axis, found);
  }
  return found;
}

/** Weight w becomes `high = w >> 11` and `low = w & 2047`, so that w = 2048·high + low. */
function splitWeights({ first, count, weights, stride }: AxisWeights, group: number, from: number): SplitWeights {
  const taps = count.map((n) => Math.ceil(n / group) * group);
  const longest = Math.ceil(stride / group) * group;
  const pairs = new Int16Array(first.length * longest * 2);
  for (let i = 0; i < first.length; i++) {
    for (let k = 0; k < count[i]; k++) {
      const weight = weights[i * stride + k];
      const at = 2 * i * longest + 4 * (k >> 1) + (k & 1);
      pairs[at] = weight >> LOW_BITS;
      pairs[at + 2] = weight & (1 << LOW_BITS) - 1;
    }
  }
  return { first: first.map((position) => position - from), taps, pairs, strideBytes: 4 * longest };
}
