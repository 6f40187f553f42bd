/**
 * Every limit of Cairn in one place. Names carry their units. `test/base/limits.test.ts` checks them against each
 * other. The HTTP layer reports an excess with the limit's name here. Sizes are literals because
 * isolated declarations infer no arithmetic.
 */

const MiB = 1024 * 1024;

export const limits = {
  // Requests
  bodyBytes: 67_108_864, // 64 MiB
  batchRecords: 10_000,
  queriesPerRequest: 100,
  k: 10_000,
  scanLimit: 10_000,
  listLimit: 1_000,
  /** Names in one `include`. */
  includeNames: 100,
  /** Of one answer, as its JSON is estimated: more does not fit the texts and memories of small hosts. */
  answerBytes: 268_435_456, // 256 MiB
  /** Arrays, objects and fields of a JSON body, and how deep they may lie: what a parser would make objects of. */
  jsonValues: 2_097_152,
  jsonDepth: 128,
  /** Arrays, objects and fields of a request that is copied before it can be checked. A `Map` ends at 16.7 million. */
  keptValues: 4_194_304,
  timeoutMs: 120_000,
  requestTimeoutDefaultMs: 30_000,

  // Records and schema
  dimension: 20_000,
  fields: 1_000,
  idBytes: 512,
  metadataBytes: 65_536, // 64 KiB
  metadataDepth: 32,
  nameBytes: 128,
  idempotencyKeyBytes: 255,
  fieldNameBytes: 512,
  /** |v|^2 in f64. Two such vectors have a finite f32 squared distance: (|a|+|b|)^2 <= 4 x this < 3.4e38. */
  squaredNormMax: 8e37,
  /** |v| under cosine. Below this f32 products lose their digits, so the vector counts as zero. */
  cosineNormMin: 1e-15,

  // Filters
  filterDepth: 16,
  filterNodes: 1_024,
  filterTextBytes: 65_536, // 64 KiB
  filterPatternBytes: 1_024,

  // Log
  inlineBatchBytes: 8_388_608, // 8 MiB
  slotBytes: 67_108_864, // 64 MiB
  /** Group commit closes a slot at this many inlined bytes: one more batch may be up to `inlineBatchBytes`. */
  groupCommitBytes: 16_777_216, // 16 MiB
  /** Memory of large slots and batches that is kept for the next ones. */
  spareMemoryBytes: 67_108_864, // 64 MiB
  keysPerSlot: 256,
  windowKeys: 65_536,
  eligibleSlots: 256,
  headNonces: 64,
  pageBytes: 16_384, // 16 KiB
  headBytes: 16_777_216, // 16 MiB
  headSegments: 4_096,
  headJobs: 64,
  /** An idempotency window of `windowKeys`. */
  windowBytes: 8_388_608, // 8 MiB
  catalogEntryBytes: 65_536, // 64 KiB
  /** What a collector waits between raising the fence and deleting (D): a constant of the format. */
  fenceMs: 60_000,
  eventualStalenessMs: 10_000,
  writerClockSkewMs: 300_000,
  batchBlobBytes: 536_870_912, // 512 MiB

  // Retries: every loop has an end
  readRetries: 4,
  retryBaseMs: 20,
  retryMaxMs: 2_000,
  freshenRounds: 8,
  casRounds: 32,

  // Store
  deleteKeys: 1_000,
  keyBytes: 1_024,
  conditionalPutBytes: 67_108_864, // 64 MiB
  replayParallel: 16,

  // File store
  /** Generations of a mutable object that stay: a swap that finds more above itself answers `unknown`. */
  generationsKept: 8,
  generationRounds: 64,
  fileStatParallel: 32,
  durableDirectories: 10_000,
} as const;

export type Tier = 'edge' | 'server';

export interface LogRoom {
  readonly bytes: number;
  readonly slots: number;
}

export interface TierLimits {
  /** Unfolded log: at these a write is refused. */
  readonly logBytes: number;
  readonly logSlots: number;
  /** Unfolded log at which it is time to fold: half of what there is room for. */
  readonly foldAt: LogRoom;
}

export const tierLimits: Readonly<Record<Tier, TierLimits>> = {
  edge: { logBytes: 16 * MiB, logSlots: 256, foldAt: { bytes: 8 * MiB, slots: 128 } },
  server: { logBytes: 256 * MiB, logSlots: 1_024, foldAt: { bytes: 128 * MiB, slots: 512 } },
};
