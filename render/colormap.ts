/**
 * The plasma colour map, in matplotlib's 256 steps.
 * @module
 */
import { hexBytes } from "./_text_bytes.ts";

/** 256 colours, six hexadecimal digits each: `min(255, floor(256·c))` of matplotlib's table. */
const PLASMA_HEX = // deno-fmt-ignore
  "0c078710078813068916068a18068c1b068d1d068e1f058f2105902305912605922805922a05932b05942d04952f0496" +
  "31049733049735049836049938049a3a049a3c039b3d039c3f039c41039d42039e44039e46039f4702a04902a04b02a1" +
  "4c02a14e02a25002a25101a35301a35401a45601a45801a55901a55b00a55c00a65e00a65f00a66100a76300a76400a7" +
  "6600a76700a86900a86a00a86c00a86e00a86f00a87100a87200a97400a97500a97701a87801a87a01a87b02a87d02a8" +
  "7e03a88003a88104a78304a78405a78606a78707a68807a68a08a68b09a58d0ba58e0ca4900da4910ea3920fa39410a2" +
  "9511a19612a19813a09914a09b159f9c179e9d189d9e199da01a9ca11b9ba21c9aa41d9aa51e99a62098a72197a92296" +
  "aa2395ab2495ac2594ad2693af2892b02991b12a90b22b8fb32c8eb42d8db52e8cb72f8bb8318ab93289ba3389bb3488" +
  "bc3587bd3686be3785bf3984c03a83c13b82c23c81c33d80c43e7fc53f7ec6407dc7427cc8437bc9447aca457acb4679" +
  "cc4778cd4877ce4976cf4b75d04c74d04d73d14e72d24f71d35070d45170d5536fd6546ed7556dd7566cd8576bd9586a" +
  "da5969db5b69dc5c68dc5d67dd5e66de5f65df6064e06263e06362e16462e26561e36660e3685fe4695ee56a5de66b5c" +
  "e66c5ce76e5be86f5ae87059e97158ea7257eb7456eb7556ec7655ed7754ed7953ee7a52ee7b51ef7c50f07e50f07f4f" +
  "f1804ef1814df2834cf2844bf3854af48749f48849f58948f58b47f68c46f68d45f78f44f79043f79143f89342f89441" +
  "f99540f9973ff9983efa9a3dfa9b3cfb9c3cfb9e3bfb9f3afba139fca238fca437fca536fca636fda835fda934fdab33" +
  "fdac32fdae31feaf31feb130feb22ffeb42efeb52efeb72dfeb92cfeba2bfebc2bfebd2afebf29fec029fec228fec328" +
  "fec527fec727fdc826fdca26fdcb25fdcd25fdcf25fcd024fcd224fcd424fbd524fbd724fbd924fada24fadc24f9de24" +
  "f9df24f8e125f8e325f7e525f7e625f6e826f6ea26f5eb26f4ed27f4ef27f3f127f2f226f2f426f1f625f1f724f0f921";

/**
 * The plasma colour map: `u8 [256, 3]`, red, green, blue of step i: matplotlib's colour c, 0 … 1, as
 * `min(255, floor(256·c))`. The factor 256 is the upstream module's; it clamps here where it could wrap there.
 *
 * Source: matplotlib's `plasma` (S. van der Walt and N. Smith, released to the public domain, CC0).
 *
 * @example
 * ```ts
 * import { PLASMA } from "./colormap.ts";
 * console.assert(PLASMA[0] === 12 && PLASMA[1] === 7 && PLASMA[2] === 135);
 * ```
 */
export const PLASMA: Uint8Array = hexBytes(PLASMA_HEX);

/**
 * The step of a 256-step colour map that a value falls on, as matplotlib looks it up in single precision.
 *
 * `floor(256·v)`; everything below 0 is step 0, 1 and everything above is step 255.
 *
 * @param v The value, 0 … 1; not NaN (NaN has no colour, and gives 0 here).
 * @returns An integer 0 … 255.
 *
 * @example
 * ```ts
 * import { colorStep } from "./colormap.ts";
 * console.assert(colorStep(0.5) === 128 && colorStep(1) === 255 && colorStep(-3) === 0);
 * ```
 */
export function colorStep(v: number): number {
  const step = Math.floor(Math.fround(v * 256));
  return step > 255 ? 255 : step > 0 ? step : 0;
}
