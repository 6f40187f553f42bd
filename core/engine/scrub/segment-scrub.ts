/**
 * One segment as a head names it, from its first byte to its last, and its index as searches attach it; its deletions.
 *
 * Cost: 1 GET for each 4 MiB and for the tail, 1 for the deletions; the index in memory as a search has it, if the budget
 * has room for it.
 */
import { countBits } from '../../base/bitmap.js';
import { alignUp, bytesToHex } from '../../base/bytes.js';
import { corrupt, hasCode } from '../../base/errors.js';
import { tierLimits } from '../../base/limits.js';
import { acquireBytes } from '../../index/index.js';
import { PAYLOAD_OFFSET } from '../../kernel/index.js';
import type { Arena } from '../../kernel/index.js';
import { COLLECTIONS_PREFIX } from '../../log/index.js';
import { openDeletions, ranksOfRows, SegmentCheck } from '../../segment/index.js';
import type { Deletions, SegmentFault } from '../../segment/index.js';
import { attachIndex, indexBytes } from '../segments/index.js';
import type { NamedDeletions, NamedSegment } from './named-objects.js';
import { isCorrupt, isGone } from './opened.js';
import type { ScrubContext, Subject } from './subject.js';

const UID_DIGITS = 32;

/** A segment whose ids can be compared with those of others. */
export interface SoundSegment {
  readonly check: SegmentCheck;
  /** A bitmap. Undefined: none. */
  readonly deadRanks: Uint8Array | undefined;
}

/** Undefined where the object is damaged or not there. */
export async function scrubDeletions(
  subject: Subject,
  { ref, rows, version }: NamedDeletions,
): Promise<Deletions | undefined> {
  const { findings, context } = subject;
  const { digests } = context.ports;
  const { key, sha256, dead, hidden } = ref;
  const opened = await subject.open(key, (bytes) => {
    const found = bytesToHex(digests.sha256(bytes));
    if (found !== sha256) throw corrupt({ key, offset: 0, expected: `sha-256 ${sha256}`, found });
    return openDeletions(digests, key, bytes, rows);
  });
  if (opened.status === 'damaged') findings.corrupt('deletions_corrupt', opened.error);
  if (opened.status === 'absent' && (await subject.needs(key, version))) {
    findings.error('deletions_missing', { key, message: `version ${version} of the head names it` });
  }
  if (opened.status !== 'sound') return undefined;
  const counts = [countBits(opened.value.dead), opened.value.hiddenRows.length];
  if (counts[0] !== dead || counts[1] !== hidden) {
    const message = `${counts.join(' rows dead and ')} hidden, where the head says ${dead} and ${hidden}`;
    findings.error('deletions_mismatch', { key, message });
  }
  return opened.value;
}

/** Undefined where its ids cannot be trusted. */
export async function scrubSegment(
  subject: Subject,
  named: NamedSegment,
  deletions: Deletions | undefined,
): Promise<SoundSegment | undefined> {
  const { entry, version } = named;
  const { findings } = subject;
  try {
    const check = await openTwice(subject, named);
    if (check === undefined) return undefined;
    const found = await contents(subject, check);
    for (const { code, error } of found.faults) findings.corrupt(code, error);
    reportMismatches(subject, named, { check, hasGraph: found.hasGraph });
    reportUnchecked(subject, check, found);
    if (isWhole(found.faults)) subject.count(entry.key);
    return soundOf(check, found.faults, deletions);
  } catch (error) {
    if (!isGone(error)) throw error;
    if (await subject.needs(entry.key, version)) {
      findings.error('segment_missing', {
        key: entry.key,
        message: `version ${version} of the head names it`,
      });
    }
    return undefined;
  }
}

function soundOf(
  check: SegmentCheck,
  faults: readonly SegmentFault[],
  deletions: Deletions | undefined,
): SoundSegment | undefined {
  const { rowOfRank } = check;
  // Four bytes per row that nobody needs any more.
  check.rowOfRank = undefined;
  if (rowOfRank === undefined || faults.some(({ code }) => code === 'ids_invalid')) return undefined;
  return { check, deadRanks: deletions && ranksOfRows(rowOfRank, deletions.dead) };
}

/** What is damaged is read once more: bytes can be damaged on their way, too. */
async function openTwice(subject: Subject, named: NamedSegment): Promise<SegmentCheck | undefined> {
  for (let round = 0; ; round++) {
    try {
      return await openSegment(subject, named);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      if (round === 0) continue;
      subject.findings.corrupt('segment_corrupt', error);
      return undefined;
    }
  }
}

function openSegment({ context, head }: Subject, { entry, foldedSeq }: NamedSegment): Promise<SegmentCheck> {
  const { store, ports } = context;
  const { dimension, metric, tier } = head.schema;
  return SegmentCheck.open({
    store,
    digests: ports.digests,
    deflate: ports.deflate,
    ref: entry,
    expected: { dimension, metric },
    columnBytesMax: tierLimits[tier].columnBytes,
    foldedSeq,
  });
}

interface Contents {
  readonly faults: readonly SegmentFault[];
  /** Undefined where the index was not attached. */
  readonly hasGraph: boolean | undefined;
  /** There was no room for the index. */
  readonly withoutIndex: boolean;
}

async function contents(subject: Subject, check: SegmentCheck): Promise<Contents> {
  const first = await contentsOnce(subject, check);
  // Only of these the cause may be the way here.
  return isWhole(first.faults) ? first : await contentsOnce(subject, check);
}

function isWhole(faults: readonly SegmentFault[]): boolean {
  return faults.every(({ code }) => code !== 'segment_corrupt');
}

async function contentsOnce({ context }: Subject, check: SegmentCheck): Promise<Contents> {
  const arena = tryAcquire(context, check);
  try {
    const resident = arena?.u8.subarray(PAYLOAD_OFFSET, PAYLOAD_OFFSET + check.residentBytes);
    const faults: SegmentFault[] = [];
    for await (const fault of check.faults({ resident })) faults.push(fault);
    const attachable = arena !== undefined && isWhole(faults);
    const hasGraph = attachable ? tryAttach(check, arena, faults) : undefined;
    return { faults, hasGraph, withoutIndex: arena === undefined };
  } finally {
    if (arena !== undefined) context.pool.release(arena);
  }
}

/** Undefined where there is no room, whatever makes way. */
function tryAcquire({ pool, evict }: ScrubContext, check: SegmentCheck): Arena | undefined {
  for (;;) {
    try {
      return acquireBytes(pool, indexBytes(check));
    } catch (error) {
      if (!hasCode(error, 'memory_budget_exceeded')) throw error;
      if (!evict()) return undefined;
    }
  }
}

/** Whether there is a graph. Undefined, and a fault, where the index cannot be attached. */
function tryAttach(check: SegmentCheck, arena: Arena, faults: SegmentFault[]): boolean | undefined {
  try {
    return attachIndex(check, arena).index.hasGraph;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    faults.push({ code: 'index_invalid', error });
    return undefined;
  }
}

/** What the head says of the segment and the segment otherwise. */
function reportMismatches(
  { findings }: Subject,
  { entry }: NamedSegment,
  { check, hasGraph }: { readonly check: SegmentCheck; readonly hasGraph: boolean | undefined },
): void {
  const { key } = entry;
  // Not of the collection that names it: a branch names segments that were written for another.
  const uid = key.slice(COLLECTIONS_PREFIX.length, COLLECTIONS_PREFIX.length + UID_DIGITS);
  const resident = check.residentSections.reduce((sum, { length }) => sum + alignUp(length, 64), 0);
  const facts: readonly (readonly [string, string | number, string | number])[] = [
    ['collection', uid, check.uid],
    ['resident bytes', entry.residentBytes, resident],
    ['graph', String(entry.graph), String(hasGraph ?? entry.graph)],
  ];
  for (const [what, expected, found] of facts) {
    if (expected === found) continue;
    findings.error('segment_mismatch', {
      key,
      message: `${what}: ${found}, where the head says ${expected}`,
    });
  }
}

function reportUnchecked({ findings }: Subject, check: SegmentCheck, { withoutIndex }: Contents): void {
  const { key } = check.ref;
  if (withoutIndex) {
    const message = `its index takes ${indexBytes(check)} bytes of memory, which the budget has no room for`;
    findings.notice('index_unchecked', { key, message });
  }
  if (check.columnsUnchecked === 0) return;
  const message = `${check.columnsUnchecked} columns take more memory than a compaction has for them`;
  findings.notice('columns_unchecked', { key, message });
}
