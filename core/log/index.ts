/** The log of a collection: how writers agree without a coordinator, and what a reader may take for the state. */
export { OP_DELETE, OP_HIDE, OP_UPSERT, NO_COUNTS, deletionBatch, emptyBatch, joinBatches } from './batch.js';
export type { Batch, OpKind, ResultCounts } from './batch.js';
export { CollectionLog } from './collection-log.js';
export { Committer } from './committer.js';
export { firstHead } from './head.js';
export type { Head } from './head.js';
export { openDocument, sealHead } from './head-codec.js';
export { swapHead } from './head-swap.js';
export {
  collectionPrefix,
  COLLECTIONS_PREFIX,
  DEFAULT_NAMESPACE_UID,
  entryKey,
  entryPrefix,
  headKey,
  WORK_PREFIX,
  workKey,
} from './layout.js';
export { tryReadHead } from './log-reader.js';
export type { LogContext } from './log-reader.js';
export type { LogPosition, LogSink, LogState } from './log-state.js';
export { hashRequest, prepareBatch } from './pending-write.js';
export type { Committed, PreparedBatch, SlotDraft, WritePlan } from './pending-write.js';
export { QUANTIZATIONS, settingRanges, TIERS } from './schema.js';
export type { CollectionSchema, Quantization } from './schema.js';
