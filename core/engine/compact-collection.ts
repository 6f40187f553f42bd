/**
 * What one call of `compact` does: one job after another until there is no more work.
 */
import { limits } from '../base/limits.js';
import { compactOnce } from './compaction/index.js';
import type { CompactionResult, CompactOptions } from './compaction/index.js';
import type { CompactResult } from './interface/index.js';

type Total = { -readonly [K in keyof CompactionResult]: CompactionResult[K] };

/** Throws what a job throws; the jobs before it stand. */
export async function compactCollection(options: CompactOptions): Promise<CompactResult> {
  const { log } = options;
  let total: Total | undefined;
  for (let round = 0; round < limits.compactionJobs; round++) {
    const done = await compactOnce(options);
    total = total === undefined ? done : add(total, done);
    if (done.foldedSlots === 0 && done.segmentsMerged === 0) break;
  }
  // Who asked for it wants to query what came of it.
  await log.read('strong', () => {});
  await log.settle();
  return total!;
}

function add(total: Total, done: CompactionResult): Total {
  return {
    foldedSlots: total.foldedSlots + done.foldedSlots,
    segmentsWritten: total.segmentsWritten + done.segmentsWritten,
    segmentsMerged: total.segmentsMerged + done.segmentsMerged,
    rowsIn: total.rowsIn + done.rowsIn,
    rowsWritten: total.rowsWritten + done.rowsWritten,
    rowsDropped: total.rowsDropped + done.rowsDropped,
    bytesWritten: total.bytesWritten + done.bytesWritten,
    sequence: done.sequence,
  };
}
