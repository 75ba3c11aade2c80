import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type AuditCounts, auditCounts, auditPatches, countImage, type PatchAudit } from "../../compute/patch_audit.ts";

const permissions = "none";
const [SIDE, IMAGES] = [14, 400];
const P = SIDE * SIDE;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Firings of a latent in an image; `norms` are those of its patches. */
type Latent = (next: () => number, norms: Float32Array) => Iterable<number>;

/** A round object somewhere: firings side by side, as natural latents have them. */
const blob = (next: () => number, x = next() * SIDE, y = next() * SIDE, size = 1 + next() * 2): number[] =>
  Array.from({ length: P }, (_, p) => p).filter((p) =>
    Math.hypot(p % SIDE + 0.5 - x, Math.floor(p / SIDE) + 0.5 - y) < size
  );
const around = (next: () => number, spread: number): number =>
  SIDE / 2 + spread * (next() + next() + next() + next() - 2);

const NATURAL: Readonly<Record<string, Latent>> = {
  "objects anywhere": (next) => next() < 0.5 ? blob(next) : [],
  "objects in the middle, as photographs have them": (next) => blob(next, around(next, 5), around(next, 5)),
  "sky: the upper half of some": (next) => next() < 0.5 ? Array.from({ length: P / 2 }, (_, p) => p) : [],
  "single patches anywhere": (next) => [Math.floor(next() * P)],
  "rare: ten images only": (next) => next() < 0.025 ? [5] : [],
};
const ARTIFACTS: Readonly<Record<string, readonly [Latent, string]>> = {
  "one place": [() => [37], "position"],
  "one place, in a tenth of the images": [(next) => next() < 0.2 ? [100] : [], "position"],
  "one row": [(next) => Array.from({ length: 3 }, () => 5 * SIDE + Math.floor(next() * SIDE)), "position"],
  "borders": [(next) => {
    const places = [0, SIDE - 1];
    const along = Math.floor(next() * SIDE);
    const across = places[Math.floor(next() * 2)];
    return [next() < 0.5 ? across * SIDE + along : along * SIDE + across];
  }, "border"],
  "patches of high norm, wherever they are": [
    (_, norms) => Array.from(norms.keys()).filter((p) => norms[p] > 100),
    "norm",
  ],
};

function audit(latents: readonly Latent[], images = IMAGES): { counts: AuditCounts; audits: PatchAudit[] } {
  const next = random(11);
  const counts = auditCounts(latents.length, P);
  for (let image = 0; image < images; image++) {
    const norms = Float32Array.from({ length: P }, () => 40 + 10 * (next() + next() - 1));
    // Registers: one patch in two hundred.
    norms[Math.floor(next() * P)] = 180 + 100 * next();
    const acts = new Float32Array(P * latents.length);
    latents.forEach((latent, j) => {
      for (const p of latent(next, norms)) acts[p * latents.length + j] = 1;
    });
    countImage(counts, image, acts, norms);
  }
  return { counts, audits: auditPatches(counts, { rows: SIDE, cols: SIDE }) };
}

Deno.test({
  name: "auditPatches() flags latents that track a place, the border or high norms, each by its name",
  permissions,
  fn(): void {
    const cases = Object.entries(ARTIFACTS);
    const { audits } = audit(cases.map(([, [latent]]) => latent));
    cases.forEach(([name, [, flag]], j) => ok(audits[j].flags.includes(flag as never), `${name}: ${audits[j].flags}`));
    strictEqual(audits[0].positionConcentration, P);
    ok(audits[3].borderOdds > 1e6);
    ok(audits[4].highNormShare > 0.99 && audits[4].highNormLift > 100);
  },
});

Deno.test({
  name: "auditPatches() flags no latent that answers to what is on a patch",
  permissions,
  fn(): void {
    const { audits } = audit(Object.values(NATURAL));
    for (const [j, name] of Object.keys(NATURAL).entries()) deepStrictEqual(audits[j].flags, [], name);
    ok(Math.abs(audits[0].positionConcentration - 1) < 0.2, `${audits[0].positionConcentration}`);
    ok(Math.abs(audits[3].positionConcentration - 1) < 0.5, `${audits[3].positionConcentration}`);
    ok(Number.isNaN(audits[4].positionConcentration), "too few images to say anything");
  },
});

Deno.test({
  name: "auditPatches() flags no place among a thousand latents of single firings at random",
  permissions,
  fn(): void {
    const single: Latent = (next) => next() < 0.2 ? [Math.floor(next() * P)] : [];
    const { audits } = audit(Array.from({ length: 1000 }, () => single), 330);
    const judged = audits.filter(({ positionConcentration }) => !Number.isNaN(positionConcentration));
    ok(judged.length > 500, `${judged.length} judged`);
    strictEqual(judged.filter(({ flags }) => flags.length > 0).length, 0);
  },
});

Deno.test({
  name: "countImage() leaves out rows that were skipped, and counts add up over parts",
  permissions,
  fn(): void {
    const counts = auditCounts(2, 3);
    const acts = Float32Array.of(1, 0, 2, 2, 0, 0);
    countImage(counts, 1, acts, Float32Array.of(1, NaN, 2));
    deepStrictEqual([...counts.firings], [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    deepStrictEqual([...counts.images], [0, 0, 1, 0]);
    strictEqual(counts.norms.reduce((sum, n) => sum + n, 0), 2);
    const none = auditPatches(auditCounts(1, 4), undefined);
    ok(Number.isNaN(none[0].highNormShare) && none[0].flags.length === 0);
  },
});
