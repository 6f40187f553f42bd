/**
 * What the index kernels know of the index in this memory: pointers, counts and the prepared query, in page 0 behind
 * the CRC tables. core/index/layout/state.ts states the same numbers and writes them; test/index/state.test.ts compares.
 *
 * Distances inside are in units of the widest dimension's step, so that neither huge nor tiny numbers leave f32.
 */
export const STATE: usize = 17408;

export const KIND: usize = STATE + 0;
export const STRIDE: usize = STATE + 8;
export const CODES: usize = STATE + 16;
export const TERMS: usize = STATE + 20;
export const GRAPH0: usize = STATE + 24;
export const GRAPH_N: usize = STATE + 28;
export const LEVELS: usize = STATE + 32;
export const M: usize = STATE + 36;
/** i16 per dimension: the query's weights; for L1 the steps. */
export const WEIGHTS: usize = STATE + 40;
/** L1: the query on the grid of the codes. */
export const QUERY_CODES: usize = STATE + 44;
/** i16 per dimension: the steps by which two rows are compared. */
export const PAIR_WEIGHTS: usize = STATE + 48;
/** Blocks of 16 dimensions after which the sums of a pair must leave i32. */
export const PAIR_BLOCKS: usize = STATE + 52;
export const VISITED: usize = STATE + 56;
export const EPOCH: usize = STATE + 60;
export const POOL: usize = STATE + 64;
export const HOP: usize = STATE + 68;
export const ENTRY: usize = STATE + 72;
export const MAX_LEVEL: usize = STATE + 76;
export const NODES: usize = STATE + 80;
export const EF_BUILD: usize = STATE + 84;
export const LINKS0: usize = STATE + 88;
export const LINKS_N: usize = STATE + 92;
export const ROWS: usize = STATE + 96;
export const LOWS: usize = STATE + 100;
export const INVERSES: usize = STATE + 104;
export const FACTORS: usize = STATE + 108;
export const OFFSETS: usize = STATE + 112;
export const TERM_A: usize = STATE + 116;
export const TERM_B: usize = STATE + 120;
export const MEASURED: usize = STATE + 124;
/** f64: distance = BASE + TERM_FACTOR * term + SCALE * integer product. */
export const BASE: usize = STATE + 128;
export const SCALE: usize = STATE + 136;
export const TERM_FACTOR: usize = STATE + 144;
/** f64: what one unit of a pair's integer sum is worth. */
export const PAIR_SCALE: usize = STATE + 152;
/** f64: what one unit of a stored row's weights is worth. */
export const ROW_SCALE: usize = STATE + 160;

/** Where a projection lies (projection.ts), how many outputs it has, and i16[stride] for what is projected. */
export const PROJECTION: usize = STATE + 168;
export const OUTPUTS: usize = STATE + 172;
export const VALUES: usize = STATE + 176;
/** f64 per dimension: the middle of the ranges, their steps, and what a query becomes (query.ts). */
export const MIDDLES: usize = STATE + 180;
export const STEPS: usize = STATE + 184;
export const WEIGHED: usize = STATE + 188;
export const FROM_MIDDLES: usize = STATE + 192;
/** f64 per dimension: 1 by the step, 0 where there is none. For a query that is projected. */
export const INVERSE_STEPS: usize = STATE + 196;

/** f32: how far the candidates of the last walk lie apart (graph-walk.ts). */
export const SPREAD: usize = STATE + 200;

/** f32: which part of the last walk's candidates was allowed. */
export const SHARE: usize = STATE + 204;

/** How rows are coded, and what only some codings have (rabitq-state.ts). */
export const CODING: usize = STATE + 208;
export const RABITQ: usize = STATE + 212;

/** Where sums of touched bytes go, so that the loads are not taken out. */
export const SINK: usize = STATE + 216;

/** Codings: of a byte per dimension, and RaBitQ's. */
export const SQ8: u32 = 0;
export const RABITQ_CODES: u32 = 2;

/** Kinds of distance. Cosine is L2 of vectors of length 1. */
export const L2: u32 = 0;
export const DOT: u32 = 1;
export const L1: u32 = 2;

/** Entries of the hop list: three arrays of u32/f32 of this length lie at HOP. */
export const HOP_SIZE: u32 = 256;
export const NONE: u32 = 0xffffffff;
