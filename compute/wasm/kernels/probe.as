// What relaxed instructions do here is the engine's choice; these let the host look before it relies on them.

/** `count` times c += dot(a, b): signed bytes a, unsigned bytes b, four neighbours to a lane. */
export function probeDot(a: usize, b: usize, c: usize, count: i32): void {
  for (let i = 0; i < count; i++) dotOnce(a, b, c);
}

function dotOnce(a: usize, b: usize, c: usize): void {
  v128.store(c, dot8(v128.load(a), v128.load(b), v128.load(c)));
}

/** `count` times c += products of signed bytes a and unsigned bytes b, two neighbours to a lane of 16 bits. */
export function probePairs(a: usize, b: usize, c: usize, count: i32): void {
  for (let i = 0; i < count; i++) pairsOnce(a, b, c);
}

function pairsOnce(a: usize, b: usize, c: usize): void {
  v128.store(c, pairs8(v128.load(a), v128.load(b), v128.load(c)));
}

/** a·b + c, lane by lane: fused or not. */
export function probeFma(a: f32, b: f32, c: f32): f32 {
  return f32x4.extract_lane(fma4(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c)), 0);
}
