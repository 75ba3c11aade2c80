/** What the runtime says of an input or output. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A tensor of the runtime. */
export interface RuntimeTensor {
  readonly data: ArrayBufferView;
  readonly dims: readonly number[];
  dispose(): void;
}

/** A loaded graph. */
export interface RuntimeSession {
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  run(feeds: Record<string, RuntimeTensor>, fetches: readonly string[]): Promise<Record<string, RuntimeTensor>>;
  release(): Promise<void>;
}

/** Loads a graph on a provider. Threads count for the first of each provider only. */
export declare function createSession(
  model: Uint8Array,
  options: {
    readonly provider: "wasm" | "webgpu";
    readonly threads: number;
    readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
    readonly freeDimensions: Readonly<Record<string, number>>;
  },
): Promise<{
  readonly session: RuntimeSession;
  readonly Tensor: new (
    type: string,
    data: Float32Array | Float16Array,
    dims: readonly number[],
  ) => RuntimeTensor;
}>;
