/**
 * Which superseded states a collection still keeps, by the store's own dates: those that were the newest at some time within
 * its retention.
 */
import { headVersion } from '../../base/ids.js';
import type { HeadVersion } from '../../base/ids.js';
import { headCopyKey, headKey, storeNowMs, tryReadHeadCopy } from '../../log/index.js';
import type { Head, LogContext, RetainedFrom } from '../../log/index.js';

/**
 * What the next version of `head` may let go of: everything before this. Of versions in between a date is known at which each had been
 * superseded, not when it came, so one more than needed may stay. Cost: nothing without retention; else 1 PUT, 1 GET, and
 * the binary logarithm of how many versions are kept.
 */
export async function retainedNow(context: LogContext, head: Head): Promise<RetainedFrom> {
  const { version, foldedSeq, retainedFrom, retentionMs } = head;
  if (retentionMs === 0) return { version: headVersion(version + 1), seq: foldedSeq };
  const cutoffMs = (await storeNowMs(context)) - retentionMs;
  let [low, high]: [HeadVersion, HeadVersion] = [retainedFrom.version, version];
  while (low < high) {
    const middle = headVersion((low + high) >>> 1);
    const next = headVersion(middle + 1);
    if ((await knownMs(context, head, next)) >= cutoffMs) high = middle;
    else low = next;
  }
  if (low === version) return { version, seq: foldedSeq };
  const copy = await tryReadHeadCopy(context, low);
  return copy === undefined ? retainedFrom : { version: low, seq: copy.head.foldedSeq };
}

/** A date at which this version was there. Of one whose copy is gone another collector knows more: for ever. */
async function knownMs({ store, uid }: LogContext, head: Head, version: HeadVersion): Promise<number> {
  const key = version === head.version ? headKey(uid) : headCopyKey(uid, version);
  const got = await store.get(key, { range: { offset: 0, length: 1 } });
  return got.status === 'found' ? got.modifiedMs : Infinity;
}
