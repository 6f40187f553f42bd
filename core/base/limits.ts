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

  // Facets and orders
  /** Fields of one count. */
  facetFields: 16,
  /** Values that a facet answers. */
  facetLimit: 1_000,
  /** Distinct values of one field that are counted. */
  facetValues: 100_000,
  /** Of the distinct values of all fields of one count, as they are held and answered. */
  facetBytes: 16_777_216, // 16 MiB
  /** Fields of one `order_by`. */
  orderFields: 4,
  /** Of a string, so many bytes decide its place. */
  orderKeyBytes: 1_024,

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
  /** Slots that a batch which depends on the state may lose to others before its writer gives up. */
  resolveTries: 32,
  /** Labels of a slot and of a batch that it carries may be so far apart. */
  eligibleMs: 120_000,
  /** Batches in the inbox that a writer looks at, the newest first. */
  inboxBatches: 1_000,
  /** Slots that a writer may win one after another, with less than `busyWriterMs` between them, before it carries others. */
  winsBetweenLooks: 16,
  busyWriterMs: 500,
  headNonces: 64,
  pageBytes: 16_384, // 16 KiB
  headBytes: 16_777_216, // 16 MiB
  headSegments: 4_096,
  headJobs: 64,
  headPins: 1_000,
  /** Restores whose states are kept still: a collector lets go of those that no kept state is made of. */
  headRestores: 1_000,
  headBranches: 1_000,
  /** States that one is made of, each of which a restore went back to that is not folded yet. */
  restoreDepth: 16,
  /** A branch of a branch of a branch. */
  branchDepth: 64,
  /** For which superseded states may be kept. */
  retentionMs: 31_622_400_000, // 366 days
  /** An idempotency window of `windowKeys`. */
  windowBytes: 8_388_608, // 8 MiB
  /** Of the copies that a cold open reads beside the head, as one object. */
  rootBytes: 1_048_576, // 1 MiB
  /** What a compaction reads at most to put them there: what the last one has put is taken over. */
  rootReads: 16,
  catalogEntryBytes: 65_536, // 64 KiB
  /** What a collector waits between raising the fence and deleting (D): a constant of the format. */
  fenceMs: 60_000,
  eventualStalenessMs: 10_000,
  writerClockSkewMs: 300_000,
  batchBlobBytes: 536_870_912, // 512 MiB

  // Compaction
  /** Fewer rows than this are searched as fast without a graph. */
  flatRows: 2_000,
  calibrationQueries: 500,
  /** With those that are asked only where the first sample is too small to promise a recall that it has met. */
  calibrationQueriesMax: 1_000,
  /** Rows that are asked to know what probes of leaves find. */
  probeQueries: 600,
  /** What a drop waits beyond expiry, by the store's date: clocks of readers may be behind. */
  dropDelayMs: 86_400_000, // 24 h

  // Segments
  /** Rows of one segment: row numbers, ranks and node numbers are signed 32-bit numbers in the kernels. */
  segmentRows: 134_217_728,
  segmentSections: 64,
  /** Directory, indexes, filter and checksums: read whole at every open. */
  segmentTailBytes: 1_073_741_824, // 1 GiB
  segmentStatisticsBytes: 1_048_576, // 1 MiB
  /** Of numbers, fields and metric in the footer, as JSON. */
  segmentTextBytes: 65_536, // 64 KiB
  /** Of memory that an index which does not fit is streamed through: this, or a quarter of the budget where that is less. */
  streamBytes: 16_777_216, // 16 MiB
  /** Pieces of such an index that are on their way, or in memory. */
  streamPieces: 3,
  /** A stream that has not gone on for so long was cut off by its host: longer than a read takes with all of its tries. */
  streamLostMs: 120_000,
  /** Codes between two rows that count are read with them, where that saves a request and they are no more. */
  streamGapBytes: 131_072, // 128 KiB
  /** An index of no more is read when it is first asked, where leaves of it could be probed: one wave of reads either way. */
  loadedAtOnceBytes: 4_194_304, // 4 MiB
  /** Of the leaves that one query reads, and again of rows: up to so much is read, what lies between them too, to make no more requests than these. */
  probeWaveBytes: 3_145_728, // 3 MiB
  probeWaveRequests: 12, // or fewer, where a handler has fewer in flight
  /** What passes on a connection of 80 MiB/s while a request waits for its first byte. */
  requestBytes: 2_097_152, // 2 MiB
  /** Through this a writer sends a segment, whatever its size. */
  segmentBufferBytes: 4_194_304, // 4 MiB
  /** Of one range read of the resident part or of raw rows in sequence. */
  segmentChunkBytes: 4_194_304, // 4 MiB
  /** A resident part is read in no smaller pieces: on a connection of 80 MiB/s these take as long as an answer waits. */
  residentChunkBytesMin: 2_097_152, // 2 MiB
  /** Of an index of a segment, of documents, ids or checksums: a larger one is read when it is needed, and not when the segment is opened. */
  indexInTailBytes: 131_072, // 128 KiB
  /** Rows of a leaf, with its guests: of a cluster that a reader without an index reads whole. */
  leafRows: 2_048,
  /** Rows of a block of documents, and ids of a block of ids. */
  blockRows: 64,
  /** Texts of a block of documents, but for one text that is longer. */
  documentBlockBytes: 16_384, // 16 KiB
  /** Inflated blocks of documents that an open segment keeps. */
  documentBlocksKept: 64,
  /** Of what filters select, in memory: this, or a 64th of the budget where that is less. */
  filterCacheBytes: 2_097_152, // 2 MiB
  /** Characters of a filter as a tree, beyond which what it selects is not kept. */
  filterCacheName: 1_024,
  /** Paths of documents that get columns: those that most rows have. */
  columnPaths: 1_024,
  /** Paths that are looked at while columns are collected, those on the way to others included. */
  columnPlaces: 4_096,
  /** Rows after which a compaction looks at the memory that its columns take. */
  columnRowsChecked: 256,
  /** The terms of a column are read with its ordinals where they take no more. */
  termsReadWholeBytes: 16_384, // 16 KiB
  /** Seeds that are tried for a filter of ids before a segment goes without one. */
  filterSeeds: 64,

  // Page cache
  /** Pages that are read though nobody asked, where that saves a request. */
  rangeGapPages: 2,
  /** Pages of one range read. */
  rangePages: 256,

  /** What a row costs beside its numbers, counted in numbers: a place in the graph, an id, a document. */
  rowNumbers: 128,
  /** Jobs of one call of `compact`: each leaves fewer segments, so there are never so many. */
  compactionJobs: 32,

  // Bounded and hedged requests
  /** A request whose turn has not come looks again after this, so often, and then fails. */
  placeWaitMs: 2,
  placeLooks: 5_000,
  /** A request of which nothing was heard for so long has lost its place, and is not among those under way. */
  placeLostMs: 30_000,
  /** Times of requests that are kept of each class of sizes, and how many are needed before a request counts as slow. */
  hedgeTimes: 64,
  hedgeTimesMin: 19,
  /** Second requests for a hundred first ones, and how many may be saved up. */
  hedgePercent: 10,
  hedgeCreditMax: 8,
  hedgeLookMs: 5,
  hedgeLooks: 2_000,

  // Requests of one invocation
  /** Unless its host says otherwise. */
  invocationRequests: 1_000,
  /** Of these, what reads and writes segments, lists or deletes leaves for what ends something that was begun. */
  invocationReserve: 16,
  /** What a put leaves, so that what became of it can be asked. */
  invocationPutReserve: 4,

  // Scrub
  /** Findings of one severity that are kept of a collection, and of the catalog. */
  scrubFindings: 100,
  /** Buffers of all segments together while their ids are compared. */
  scrubIdBytes: 33_554_432, // 32 MiB

  // Retries: every loop has an end
  readRetries: 4,
  retryBaseMs: 20,
  retryMaxMs: 2_000,
  freshenRounds: 8,
  casRounds: 32,
  /** A load that finds no room waits for others to end. */
  indexRoomWaits: 400,
  indexRoomWaitMs: 25,
  /** Records of one segment that a walk in id order reads at a time. */
  walkRows: 1_024,
  /** Pages and vectors of candidates that are read at a time to compare them exactly. */
  rerankReadBytes: 16_777_216, // 16 MiB
  /** Raw vectors that an exact search reads at a time. */
  exactChunkBytes: 4_194_304, // 4 MiB
  /** Reads of a state whose segments were collected meanwhile. */
  goneRounds: 3,

  // Index
  /** Neighbours per node and level above 0; twice as many on level 0. */
  graphDegree: 64,
  /** Upper levels that a node may have: 16 and a degree of 2 suffice for 65,536 rows, and more degree for more. */
  graphLevels: 16,
  /** Candidates that a walk keeps. */
  walkCandidates: 10_000,
  /** Rows that a search of one index answers. */
  indexHits: 20_000,

  // Store
  deleteKeys: 1_000,
  keyBytes: 1_024,
  conditionalPutBytes: 67_108_864, // 64 MiB
  replayParallel: 16,
  /** Of what a store URL puts before every key. */
  storePrefixBytes: 512,

  // Warm cache
  /** Of all entries, unless it is set. Of processes that share a directory each may pass it by a sixteenth. */
  warmCacheBytes: 1_073_741_824, // 1 GiB
  /** Of a directory, whatever they weigh: each takes some memory of its index. */
  warmEntries: 65_536,
  /** Of one entry's body: longer answers are not kept. */
  warmEntryBytes: 33_554_432, // 32 MiB
  /** Reads of no more than this, and all reads of pages, are made of blocks of it. */
  warmBlockBytes: 131_072, // 128 KiB
  /** Copies on their way into the cache, of one entry at least: beyond this what is read is not kept. */
  warmFillBytes: 33_554_432, // 32 MiB
  /** A temporary file that is older was left by a process that died. */
  warmTmpMs: 3_600_000,

  // Buckets
  /** Of one list request, as every store has it. */
  listPageKeys: 1_000,
  uploadPartBytes: 8_388_608, // 8 MiB
  uploadParts: 10_000,
  uploadPartsParallel: 4,
  /** Deletions on their way at a time, where a store takes them one by one. */
  deletesParallel: 32,
  /** Of the name of a blob in Azure, with the prefix of the store. */
  blobNameCharacters: 1_024,
  storeSockets: 256,
  storeSocketsMax: 4_096,
  storeConnectMs: 5_000,
  /** Until an answer begins. A fetch that takes longer is no use to a reader, who has half of `fenceMs`. */
  storeAnswerMs: 10_000,
  storeAnswerMsMax: 600_000,
  /** On top of that for what is sent or received: 1 MiB/s. */
  storeBytesPerMs: 1_024,
  /** Until the answer to a deletion of `deleteKeys` begins. */
  storeDeleteMs: 60_000,
  /** In which a store makes one object of all parts. */
  storeJoinMs: 600_000,
  customerKeyBytes: 32,
  /** Of an answer that is no object: a page of a list, an error. */
  storeDocumentBytes: 16_777_216, // 16 MiB
  /** Bodies up to this are held against the store's own checksum, where it sends one: larger ones only against ours. */
  storeCheckedBytes: 1_048_576, // 1 MiB
  /** Between a store's clock and ours. */
  storeClockSkewMs: 300_000,
  selfTestRounds: 4,
  selfTestPauseMs: 1_100,

  // File store
  /** Generations of a mutable object that stay: a swap that finds more above itself answers `unknown`. */
  generationsKept: 8,
  generationRounds: 64,
  fileStatParallel: 32,
  durableDirectories: 10_000,

  /** That search beside the caller's own: each has a state of its own in the first page of a shared memory. */
  threads: 15,

  // Maintenance
  /** Unfolded log that is worth folding: so many slots, this share of the bytes that the tier has room for, or this age. */
  foldSlots: 64,
  foldShare: 16,
  foldAgeMs: 600_000,
  /** A writer hints at a collection's work no more often than this. */
  hintEveryMs: 5_000,
  maintenanceIntervalMs: 5_000,
  /** Leavings of starts that a pass over all collections looks at. */
  probesSwept: 100,
  /** A job that is older than this by the store's dates is taken for dead. */
  deadJobMs: 120_000,
  /** How often a compactor tells that it is at work. */
  jobBeatMs: 15_000,

  // Exports and imports
  /** Records, and numbers of their vectors, that an export reads at a time. */
  exportPageRecords: 4_096,
  exportPageNumbers: 2_097_152,
  /** A part of an export ends at so many rows or bytes, before compression, and at most a page of records later. */
  exportPartRows: 16_384,
  exportPartBytes: 67_108_864, // 64 MiB
  /** A row group of Parquet that is written ends at so many numbers of vectors, or bytes of metadata. */
  exportGroupNumbers: 524_288,
  exportGroupBytes: 16_777_216, // 16 MiB
  exportManifestBytes: 67_108_864, // 64 MiB
  /** A commit of an import takes so many records, or bytes of them as they are read. */
  importBatchRecords: 2_000,
  importBatchBytes: 4_194_304, // 4 MiB
  importLineBytes: 2_097_152, // 2 MiB
  parquetFooterBytes: 8_388_608, // 8 MiB
  parquetRowGroupRows: 1_048_576,
  /** Of one column of a row group: bytes in the file, and numbers or texts. */
  parquetChunkBytes: 268_435_456, // 256 MiB
  parquetChunkValues: 33_554_432,
  /** Of one page, inflated. */
  parquetPageBytes: 67_108_864, // 64 MiB
} as const;

export type Tier = 'edge' | 'server';

export interface LogRoom {
  readonly bytes: number;
  readonly slots: number;
}

/** Work, in what it takes: not in time, which stands still on some hosts while they compute. */
export interface Work {
  /** Rows that are written, times their dimension and `limits.rowNumbers`. */
  readonly numbers: number;
  /** That go to the store or come from it. */
  readonly bytes: number;
  readonly requests: number;
}

export interface TierLimits {
  /** Unfolded log: at these a write is refused. */
  readonly logBytes: number;
  readonly logSlots: number;
  /** Unfolded log at which it is time to fold: half of what there is room for. */
  readonly foldAt: LogRoom;
  /** Of a handler: its memory budget, unless it is told another. */
  readonly memoryBytes: number;
  /** What a merge may make resident at once: the index of one segment. */
  readonly residentBytes: number;
  /** Of a handler: memory that it may build such an index in, with what is not resident later. */
  readonly buildBytes: number;
  /** Of memory that a compaction takes for the values of columns. */
  readonly columnBytes: number;
  /**
   * Of a handler, not of a collection: requests that one load of an index, and all readers of pages together, have in flight; on the
   * edge tier all calls of the store that the handler makes. Workers may have six connections open.
   */
  readonly requestsParallel: number;
  /** Of a handler: what one run of maintenance does. A run that has done nothing yet may begin a job of any size. */
  readonly run: Work;
  /**
   * Of a handler: bytes of all segments that one job merges, and how many these are. Rows that come together lie everywhere in
   * them: each piece of what is written may take a request to each, and to each 4 MiB of them.
   */
  readonly mergeBytes: number;
  readonly mergeInputs: number;
  /** Of a handler: what is kept free of its memory budget, a quarter of it at most, for reads on their way. */
  readonly readRoomBytes: number;
  /**
   * Of a handler: ids of a segment that take no more, and for which there is room in the page cache, are read beside its index when
   * a query asks for that, so that none waits for them.
   */
  readonly idsAheadBytes: number;
}

export const tierLimits: Readonly<Record<Tier, TierLimits>> = {
  edge: {
    logBytes: 16 * MiB,
    logSlots: 256,
    foldAt: { bytes: 8 * MiB, slots: 128 },
    memoryBytes: 96_000_000,
    residentBytes: 32 * MiB,
    buildBytes: 64 * MiB,
    columnBytes: 16 * MiB,
    requestsParallel: 6,
    // 17 s at the slowest that is measured (docs/PERFORMANCE.md), and of 1,000 requests what looks leave.
    run: { numbers: 16_777_216, bytes: 1024 * MiB, requests: 800 },
    mergeBytes: 48 * MiB,
    mergeInputs: 12,
    readRoomBytes: 24 * MiB,
    idsAheadBytes: 0,
  },
  server: {
    logBytes: 256 * MiB,
    logSlots: 1_024,
    foldAt: { bytes: 128 * MiB, slots: 512 },
    memoryBytes: 1024 * MiB,
    // The largest memory that there is.
    residentBytes: 2_147_418_112,
    buildBytes: 2_147_418_112,
    columnBytes: 256 * MiB,
    requestsParallel: 96,
    run: { numbers: 1_000_000_000, bytes: 8_192 * MiB, requests: 1_000_000 },
    mergeBytes: Number.MAX_SAFE_INTEGER,
    mergeInputs: limits.headSegments,
    readRoomBytes: 0,
    idsAheadBytes: 32 * MiB,
  },
};
