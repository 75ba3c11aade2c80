/** Every kernel against its CPU twin, on whatever adapter there is. */
import { gpuTest, hasHalf, openGpu } from "./_adapter.ts";
import { EVERYTHING, kernelCases, QUICK } from "./_kernel_cases.ts";

// Mesa's OpenGL, which has no shader-f16, compiles a card's shapes for minutes; its Vulkan and Chromium take seconds.
for (const { name, half = false, run } of kernelCases(hasHalf ? EVERYTHING : QUICK)) {
  if (half && !hasHalf) continue; // That it is refused then is tested with the device.
  gpuTest(`${name}: device and twin agree`, async () => {
    const gpu = await openGpu(half);
    try {
      await run(gpu);
    } finally {
      gpu.destroy();
    }
  });
}
