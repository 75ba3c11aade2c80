import assert from "node:assert/strict";
import * as errors from "../../compute/errors.ts";

const cause = new Error("below");

Deno.test({
  name: "every domain error keeps its name, message, facts and cause",
  permissions: "none",
  fn(): void {
    const path = "a/b";
    const cases: [Error, Record<string, unknown>][] = [
      [new errors.ShardFormatError("m", { path, byteOffset: 4 }, { cause }), { path, byteOffset: 4 }],
      [new errors.ShardFormatError("m", { path }, { cause }), { path, byteOffset: undefined }],
      [
        new errors.CheckpointError("m", { path, key: "k", found: "f", expected: "e" }, { cause }),
        { path, key: "k", found: "f", expected: "e" },
      ],
      [new errors.TorchFileError("m", { path }, { cause }), { path }],
      [new errors.UnsafePickleError("m", { path, symbol: "posix.system" }, { cause }), {
        path,
        symbol: "posix.system",
      }],
      [new errors.ConfigError("m", { path }, { cause }), { path }],
      [new errors.DatasetError("m", { path }, { cause }), { path }],
      [new errors.PictureError("m", { path }, { cause }), { path }],
      [new errors.ArtifactError("m", { path }, { cause }), { path }],
      [new errors.DeviceLostError("m", { cause }), {}],
      [
        new errors.DeviceLimitError("m", { limit: "l", requested: 2, available: 1 }, { cause }),
        { limit: "l", requested: 2, available: 1 },
      ],
      [
        new errors.NonFiniteError("m", { image: 1, patch: 2, dimension: 3, value: NaN }, { cause }),
        { image: 1, patch: 2, dimension: 3, value: NaN },
      ],
      [new errors.RenderError("m", { cause }), {}],
    ];
    for (const [error, facts] of cases) {
      assert(error instanceof Error);
      assert.equal(error.name, error.constructor.name);
      assert.equal(error.message, "m");
      assert.equal(error.cause, cause);
      for (const [key, value] of Object.entries(facts)) assert.deepEqual(Reflect.get(error, key), value);
    }
    const named = new Set([...cases.map(([error]) => error.name), "BackendUnavailableError", "PathError"]);
    assert.deepEqual([...named].sort(), Object.keys(errors).sort(), "one is below, one is the base of others");
  },
});

Deno.test({
  name: "`BackendUnavailableError` makes its message of backend and reason",
  permissions: "none",
  fn(): void {
    const error = new errors.BackendUnavailableError("webgpu", "no adapter", { cause });
    assert.equal(error.message, "Cannot use the webgpu backend: no adapter");
    assert.deepEqual([error.backend, error.reason, error.cause], ["webgpu", "no adapter", cause]);
  },
});
