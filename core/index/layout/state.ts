/**
 * Where the index kernels look for what they know of the index in an arena: wasm/index-state.ts states the same
 * numbers. Offsets count from INDEX_STATE_OFFSET. All u32 but those marked f64.
 */

export const stateOffsets = {
  kind: 0,
  stride: 8,
  codes: 16,
  terms: 20,
  graph0: 24,
  graphN: 28,
  levels: 32,
  m: 36,
  weights: 40,
  queryCodes: 44,
  pairWeights: 48,
  pairBlocks: 52,
  visited: 56,
  epoch: 60,
  pool: 64,
  hop: 68,
  entry: 72,
  maxLevel: 76,
  nodes: 80,
  efBuild: 84,
  links0: 88,
  linksN: 92,
  rows: 96,
  lows: 100,
  inverses: 104,
  factors: 108,
  offsets: 112,
  termA: 116,
  termB: 120,
  measured: 124,
  projection: 168,
  outputs: 172,
  values: 176,
  middles: 180,
  steps: 184,
  weighed: 188,
  fromMiddles: 192,
  inverseSteps: 196,
  /** f32. */
  spread: 200,
  /** f32. */
  share: 204,
  coding: 208,
  rabitq: 212,
} as const;

/** f64 fields. */
export const stateNumberOffsets = {
  base: 128,
  scale: 136,
  termFactor: 144,
  pairScale: 152,
  rowScale: 160,
} as const;

/** Entries of each of the kernels' lists of one hop; a list of neighbours and one more must fit. */
export const HOP_SIZE = 256;
/** Ids, rows and distances of a hop (u32 each), keys to prune (u64), rows picked (u32). */
export const HOP_BYTES: number = HOP_SIZE * 24;
/** No row: the entry point of a graph that is still empty. */
export const NO_ROW = 0xffffffff;
