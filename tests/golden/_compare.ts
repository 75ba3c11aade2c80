/**
 * Compares artifacts with upstream's, by the rules of fixtures/golden/README.md.
 * @module
 */
import assert from "node:assert/strict";
import type { Tensor, TypedArray } from "../../compute/tensor.ts";
import { safeLoad } from "../../io/safe_load.ts";
import { path } from "./_cases.ts";
import type { Oracle } from "./_oracle.ts";

/** Values agree to this part of the larger one, beside what rounding in f32 allows near zero. */
const RELATIVE = 1e-5;
/** Two update steps of the percentile estimator at its learning rate of 1e-3. */
const PERCENTILE_STEPS = 2e-3;

/** Two artifact directories of one job. */
export interface Comparison {
  readonly actual: URL;
  readonly expected: URL;
  readonly sortBy: "patch" | "img";
  readonly percentile: number;
  /** What rounding allows. */
  readonly oracle: Oracle;
}

/** Loads one tensor of an artifact directory. */
export async function loadTensor(folder: URL, name: string): Promise<Tensor<TypedArray>> {
  const value = await safeLoad(path(new URL(name, folder)));
  assert.ok(value !== null && typeof value === "object" && "shape" in value && "data" in value, `${name} is no tensor`);
  return value as unknown as Tensor<TypedArray>;
}

/** Compares every artifact of a run. */
export async function compareArtifacts(run: Comparison): Promise<void> {
  await compareStatistics(run);
  await comparePercentiles(run);
  await compareDistributions(run);
  await compareRanking(run);
}

/** Firing counts are equal but for rows that rounding leaves undecided; sums agree. */
async function compareStatistics(run: Comparison): Promise<void> {
  const [sparsity, theirSparsity] = await both(run, "sparsity.pt");
  const [mean, theirMean] = await both(run, "mean_values.pt");
  const { nRows } = run.oracle;
  for (let latent = 0; latent < sparsity.data.length; latent++) {
    const count = Math.round(Number(sparsity.data[latent]) * nRows);
    const theirCount = Math.round(Number(theirSparsity.data[latent]) * nRows);
    const where = `latent ${latent}`;
    if (count !== theirCount) {
      const allowed = run.oracle.undecided(latent);
      assert.ok(Math.abs(count - theirCount) <= allowed, `${where} fires on ${count} rows, upstream ${theirCount}`);
    }
    close(Number(sparsity.data[latent]), count / nRows, 0, `${where}: sparsity`);
    if (count === 0 || theirCount === 0) {
      assert.equal(Number.isNaN(Number(mean.data[latent])), count === 0, `${where}: mean of nothing`);
      continue;
    }
    const tolerance = Math.max(count, theirCount) * run.oracle.tolerance(latent);
    close(Number(mean.data[latent]) * count, Number(theirMean.data[latent]) * theirCount, tolerance, `${where}: sum`);
  }
}

async function comparePercentiles(run: Comparison): Promise<void> {
  const [ours, theirs] = await both(run, `percentiles_p${run.percentile}.pt`);
  for (let i = 0; i < theirs.data.length; i++) {
    const difference = Math.abs(Number(ours.data[i]) - Number(theirs.data[i]));
    assert.ok(difference <= PERCENTILE_STEPS, `percentile of latent ${i}: ${ours.data[i]}, upstream ${theirs.data[i]}`);
  }
}

/** In patch mode upstream keeps, in column i, the last patch of image i only, and zeros after the images. */
async function compareDistributions(run: Comparison): Promise<void> {
  const [ours, theirs] = await both(run, "distributions.pt");
  const patches = run.sortBy === "img" ? 1 : (await loadTensor(run.actual, "top_values.pt")).shape[2]!;
  const [latents, rows] = theirs.shape as [number, number];
  for (let latent = 0; latent < latents; latent++) {
    const tolerance = run.oracle.tolerance(latent);
    for (let image = 0; image < rows / patches; image++) {
      const value = Number(ours.data[latent * rows + image * patches + patches - 1]);
      close(
        value,
        Number(theirs.data[latent * rows + image]),
        tolerance,
        `distribution of latent ${latent}, image ${image}`,
      );
    }
  }
}

/** Per latent, the images that really rank, and the heatmap of each. */
async function compareRanking(run: Comparison): Promise<void> {
  const [values, theirValues] = await both(run, "top_values.pt");
  const [images, theirImages] = await both(run, "top_img_i.pt");
  const [latents, k] = theirImages.shape as [number, number];
  for (let latent = 0; latent < latents; latent++) {
    const ours = ranked(values, images, latent, k);
    const theirs = ranked(theirValues, theirImages, latent, k);
    const tolerance = run.oracle.tolerance(latent);
    assert.deepEqual(ours.map(({ image }) => image), theirs.map(({ image }) => image), `latent ${latent}: images`);
    for (const [i, { image, map }] of ours.entries()) {
      map.forEach((value, p) =>
        close(value, theirs[i]!.map[p]!, tolerance, `latent ${latent}, image ${image}, patch ${p}`)
      );
    }
  }
}

interface Ranked {
  readonly image: number;
  readonly max: number;
  readonly map: Float32Array;
}

/** The entries of a latent with a positive maximum, by image: repeated images have the same heatmap. */
function ranked(values: Tensor<TypedArray>, images: Tensor<TypedArray>, latent: number, k: number): Ranked[] {
  const size = values.data.length / images.data.length;
  return Array.from({ length: k }, (_, j) => {
    const at = latent * k + j;
    const map = Float32Array.from({ length: size }, (_, p) => Number(values.data[at * size + p]));
    return { image: Number(images.data[at]), max: map.reduce((a, b) => Math.max(a, b)), map };
  }).filter(({ max }) => max > 0).sort((a, b) => a.image - b.image);
}

function close(ours: number, theirs: number, tolerance: number, name: string): void {
  const allowed = tolerance + RELATIVE * Math.max(Math.abs(ours), Math.abs(theirs));
  assert.ok(Math.abs(ours - theirs) <= allowed, `${name}: ${ours}, upstream ${theirs}, allowed ${allowed}`);
}

async function both(run: Comparison, name: string): Promise<[Tensor<TypedArray>, Tensor<TypedArray>]> {
  const [ours, theirs] = [await loadTensor(run.actual, name), await loadTensor(run.expected, name)];
  assert.deepEqual([...ours.shape], [...theirs.shape], `${name}: shape`);
  assert.equal(ours.data.constructor.name, theirs.data.constructor.name, `${name}: type`);
  return [ours, theirs];
}
