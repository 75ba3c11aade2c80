// Workers meet at a barrier once per chunk and claim rows and columns in between. All counters live in the control block.
const BARRIER: usize = 64; // {arrived, generation}
const CLAIM_ROWS: usize = 128;
const CLAIM_COLUMNS: usize = 192;
const CLAIM_SELECT: usize = 256;
// Number of the chunk, from 1, in which a row was refused; 0 for none. A number and not a flag, because a fast worker may
// refuse a row of the next chunk before a slow one has looked: all must stop at the same chunk.
const FAILED: usize = 320;
const SPINS: i32 = 4000;

/** Waits until every worker is here. The last one to arrive resets the claims. */
function barrier(): void {
  const generation = atomic.load<i32>(BARRIER, 4);
  if (atomic.add<i32>(BARRIER, 1) == <i32>threads() - 1) {
    atomic.store<i32>(BARRIER, 0);
    atomic.store<i32>(CLAIM_ROWS, 0);
    atomic.store<i32>(CLAIM_COLUMNS, 0);
    atomic.store<i32>(CLAIM_SELECT, 0);
    atomic.store<i32>(BARRIER, generation + 1, 4);
    atomic.notify(BARRIER + 4, -1);
    return;
  }
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(BARRIER, 4) != generation) return;
  while (atomic.load<i32>(BARRIER, 4) == generation) atomic.wait<i32>(BARRIER + 4, generation, -1);
}

/** The next `size` items nobody has claimed yet; the answer may lie past the end. */
@inline function claim(counter: usize, size: i32): i32 {
  return atomic.add<i32>(counter, size);
}

// Times per stage, in seconds, at the start of each worker's scratch region.
const STAGE_PREPARE: usize = 0, STAGE_SCREEN: usize = 8, STAGE_EXACT: usize = 16, STAGE_DENSE: usize = 24;
const STAGE_STATISTICS: usize = 32, STAGE_RANK: usize = 40, STAGE_WAIT: usize = 48, STAGE_HEATMAPS: usize = 56;
// Then what a worker remembers between chunks.
const SKIPPED_SO_FAR: usize = 64; // u32: rows skipped before this chunk
const CHUNKS_SO_FAR: usize = 68; // u32: decides which half of `x` a chunk uses
const BAD_ROW: usize = 72; // u32 + 1 of the first refused row in the batch, 0 for none; then dimension and value
const FOLDED_SO_FAR: usize = 84; // u32: rows folded before this chunk
const FIRED_END: usize = 88; // u32: address after the block's last entry of what fired
const SCREENED: usize = 96; // f64: pairs screened; then survivors, f64; then pairs screened in large tiles, f64
const TILE: usize = 128; // 64 bytes to spill a tile's row
const ALIVE: usize = 192; // u32 [16]: pairs that the screen left of each tile of the block
const COUNTS: usize = 256; // u32 [128]: list lengths of a block's columns
const COLUMN_SCALE: usize = 768; // f64: a column's scale, ‖dw‖ and ‖q‖ while it is quantised
const STARTS: usize = 832; // u32 [128]: where in the lists each of a block's columns begins
const SCRATCH_AT: usize = 1344; // where all else begins, below; the same as in plan_memory.ts

/** Adds the time since `from` to a stage; returns now. */
function lap(scratch: usize, stage: usize, from: f64): f64 {
  const at = now();
  store<f64>(scratch + stage, load<f64>(scratch + stage) + (at - from));
  return at;
}

/** A worker's own region: the numbers above, then space to work in and what fires. */
@inline function scratchOf(worker: i32): usize { return scratch() + <usize>worker * scratchBytes(); }
/** Space to sort one latent's entries and to move one heatmap. */
@inline function sortSpace(s: usize): usize { return s + SCRATCH_AT; }
/** Space for vectors of dScreen: three f32 and more, or three f64 and 2 KiB. Shared with the sort. */
@inline function rowSpace(s: usize): usize { return sortSpace(s); }
/** u32 [CAPTURES, 5]: heatmaps of a block's columns that are still to be written. */
@inline function captureSpace(s: usize): usize { return rowSpace(s) + rowSpaceBytes(); }
/** Bits [partRows, 128]: which of a block's columns each row may fire. */
@inline function maskSpace(s: usize): usize { return captureSpace(s) + captureBytes(); }
/** i32 [128]: a row's columns. */
@inline function columnSpace(s: usize): usize { return maskSpace(s) + (partRows() << 4); }
/** u32 [listCapacity]: rows of the chunk skipped before each row. */
@inline function skippedBefore(s: usize): usize { return columnSpace(s) + 576; }
/** {row u16, column u16, value f32} [blockColumns * listCapacity]: what fires in a block, as it comes. */
@inline function firedSpace(s: usize): usize { return skippedBefore(s) + (listCapacity() << 2); }
/** u16: rows of the chunk that a column of the block fires in, ascending; one list after the other. */
@inline function rowList(s: usize, column: i32): usize {
  return firedSpace(s) + (blockColumns() * listCapacity() << 3) + (load<u32>(s + STARTS + (<usize>column << 2)) << 1);
}
/** f32: their values. */
@inline function valueList(s: usize, column: i32): usize {
  return firedSpace(s) + blockColumns() * listCapacity() * 10 + (load<u32>(s + STARTS + (<usize>column << 2)) << 2);
}
