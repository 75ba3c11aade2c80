/** Every kernel against its CPU twin, on whatever adapter there is. */
import { SOFTWARE_TILE, TILES } from "../../../compute/webgpu/encode.ts";
import { gpuTest, hasHalf, openGpu } from "./_adapter.ts";
import { kernelCases } from "./_kernel_cases.ts";

// Compiling a large unrolled tile takes OpenGL on a CPU half a minute: the smallest stands for all there.
const small = TILES.filter((tile) => tile.bk * tile.wx * tile.rn * tile.rm <= 128);

for (const { name, half = false, run } of kernelCases([SOFTWARE_TILE, ...small])) {
  gpuTest(`${name}: device and twin agree`, async () => {
    const gpu = await openGpu(half);
    try {
      await run(gpu);
    } finally {
      gpu.destroy();
    }
  }, !half || hasHalf);
}
