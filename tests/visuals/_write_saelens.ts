/** Writes an encoder as SAELens would: `sae_weights.safetensors` and `cfg.json`. */
import type { LoadedSae } from "../../io/load_sae.ts";

/** Only what the tests need: a standard encoder in f32, with these settings beside it. */
export async function writeSaelens(
  directory: string,
  { sae, decoder }: LoadedSae,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dVit, dSae } = sae;
  const tensors = {
    W_enc: { data: sae.wEnc, shape: [dVit, dSae] },
    b_enc: { data: sae.bEnc, shape: [dSae] },
    W_dec: { data: decoder!.wDec, shape: [dSae, dVit] },
    b_dec: { data: decoder!.bDec, shape: [dVit] },
  };
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => {
      const begin = end;
      end += data.byteLength;
      return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
    }),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  await Deno.writeFile(`${directory}/sae_weights.safetensors`, bytes);
  const cfg = { architecture: "standard", d_in: dVit, d_sae: dSae, apply_b_dec_to_input: true, ...settings };
  await Deno.writeTextFile(`${directory}/cfg.json`, JSON.stringify(cfg));
}
