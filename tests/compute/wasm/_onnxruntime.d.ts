/** A dense tensor. */
export declare class Tensor {
  constructor(type: "float32", data: Float32Array, dims: readonly number[]);
  readonly data: Float32Array | BigInt64Array;
}

/** A loaded graph. */
export declare class InferenceSession {
  static create(model: Uint8Array): Promise<InferenceSession>;
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
}
