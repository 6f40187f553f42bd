/** The log of a collection: how writers agree without a coordinator, and what a reader may take for the state. */
export { OP_DELETE, OP_HIDE, OP_UPSERT, NO_COUNTS, deletionBatch, emptyBatch, joinBatches } from './batch.js';
export type { Batch, OpKind, ResultCounts } from './batch.js';
export { decodeBatch, upsertBytes, UPSERTS_FRAME_BYTES } from './batch-codec.js';
export { CollectionLog } from './collection-log.js';
export { Committer } from './committer.js';
export { openEntry, sealEntry, tryNameOfHex } from './entry-codec.js';
export { tryDatedKey } from './dated-keys.js';
export type { DatedKey } from './dated-keys.js';
export { readRoot } from './head-copies.js';
export type { HeadCopies } from './head-copies.js';
export { firstHead, keysOf, namesObject } from './head.js';
export { buryUnborn, keepForBranch, originIn, returnLoans } from './past/branches.js';
export { keepsSlot, keepsVersion, keptStates } from './past/kept.js';
export { keysOfPast } from './past/past-heads.js';
export { mustNotKeep, notKept, notYet } from './past/past-state.js';
export { addPin, removePin, setRetention } from './past/pins.js';
export { keepForRestore, withSlots } from './past/restores.js';
export { sequenceAt } from './past/sequence-at.js';
export type { Tip } from './past/sequence-at.js';
export type {
  FoldRange,
  Head,
  HeadEdit,
  NewHead,
  Job,
  KeptState,
  Origin,
  Pin,
  RetainedFrom,
  SegmentDeletions,
  SegmentEntry,
  WindowRef,
} from './head.js';
export { openHead, sealHead } from './head-codec.js';
export { checkSuccessor, isOverFor } from './head-invariants.js';
export { swapHead } from './head-swap.js';
export { abandonJob, beatJob, beginJob, commitJob, removeDeadJobs, storeNowMs } from './jobs.js';
export { isInReach } from './inbox.js';
export { isInTime } from './log-state.js';
export type { BegunJob, JobPlan } from './jobs.js';
export {
  batchKey,
  collectionPrefix,
  COLLECTIONS_PREFIX,
  DEFAULT_NAMESPACE_UID,
  deletionsKey,
  entryKey,
  entryPrefix,
  headCopyKey,
  headKey,
  inboxPrefix,
  logPrefix,
  PASS_KEY,
  rootKey,
  segmentKey,
  slotKey,
  tryJobObject,
  tryJobOfKey,
  trySegmentObject,
  windowKey,
  WORK_PREFIX,
  workKey,
} from './layout.js';
export {
  mustNotName,
  mustReadHead,
  objectGone,
  tryGoneKey,
  tryReadHead,
  tryReadHeadCopy,
  wasUsed,
} from './log-reader.js';
export type { LoadedHead, LogContext } from './log-reader.js';
export type { AppliedRestore, LogPoint, LogPosition, LogSink, LogState } from './log-state.js';
export { hashRequest, prepareBatch } from './pending-write.js';
export type { Committed, PreparedBatch, RestorePlan, SlotDraft, WritePlan } from './pending-write.js';
export type { RestoreTarget } from './restore-target.js';
export {
  QUANTIZATION_FORMS,
  pqCompression,
  quantizationInEffect,
  quantizationType,
  rabitqBits,
  tryQuantization,
} from './quantization.js';
export type { PqQuantization, Quantization, QuantizationInput, RabitqQuantization } from './quantization.js';
export { copyBytes, openRoot, rootBytesOf, sealRoot } from './root-codec.js';
export type { PartCopy } from './root-codec.js';
export { settingRanges, TIERS } from './schema.js';
export type { CollectionSchema } from './schema.js';
export type { WindowSnapshot } from './commit-window.js';
export { CHAIN_START, openSlot } from './slot-codec.js';
export type { OpenedSlot, SlotBatch } from './slot-codec.js';
export { openWindow, sealWindow } from './window-codec.js';
export type { SealedWindow } from './window-codec.js';
