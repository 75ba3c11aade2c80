/**
 * Numbers in, numbers out: activations, statistics, rankings. Needs no permission and does no I/O.
 *
 * The wasm and webgpu backends are loaded by `chooseBackend` when they are chosen.
 * @module
 */
export * from "./auroc.ts";
export * from "./backend.ts";
export * from "./batched_idx.ts";
export * from "./check_plan.ts";
export * from "./choose_backend.ts";
export * from "./choose_latents.ts";
export * from "./correlate.ts";
export * from "./empty_state.ts";
export * from "./errors.ts";
export * from "./exact_sum.ts";
export * from "./explained_variance.ts";
export * from "./finalize.ts";
export * from "./gather_batched.ts";
export * from "./gather_hidden_states.ts";
export * from "./get_new_topk.ts";
export * from "./get_sae_acts.ts";
export * from "./interval_examples.ts";
export * from "./label_statistics.ts";
export * from "./latent_state.ts";
export * from "./merge_into.ts";
export * from "./merge_states.ts";
export * from "./numpy_random.ts";
export * from "./online_quantile.ts";
export * from "./patch_audit.ts";
export * from "./percentile_estimator.ts";
export * from "./prepare_rows.ts";
export * from "./python_random.ts";
export * from "./quantile_sketch.ts";
export { createReferenceBackend } from "./reference/mod.ts";
export * from "./row_statistics.ts";
export * from "./rows.ts";
export * from "./sae.ts";
export * from "./sketch_percentiles.ts";
export * from "./slice_sae.ts";
export * from "./tensor.ts";
export * from "./topk.ts";
export * from "./with_input_norm.ts";
