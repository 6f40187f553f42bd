/**
 * What of the objects under a collection's prefix something names, what nothing names any more, and what nothing names yet.
 * Garbage is what the collector's own rules call so of this head; nothing here deletes it.
 */
import { headKey, keptStates, rootKey, tryDatedKey, tryJobObject } from '../../log/index.js';
import type { Head } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';
import { abandonedOutputs, floorOf, garbageBelow } from '../collector/index.js';
import type { ObjectTotals } from '../interface/index.js';
import type { FindingList } from './findings.js';
import type { NamedObjects } from './named-objects.js';
import type { Subject } from './subject.js';

export interface Reach {
  readonly garbage: ObjectTotals;
  readonly pending: ObjectTotals;
}

/** What names objects of a collection. */
export interface Names {
  /** Keys of slots, batches and copies of heads below the floor: see `belowFloor`. */
  readonly below: ReadonlySet<string>;
  readonly named: NamedObjects;
  /** False where a copy of the head that may name more cannot be read. */
  readonly complete: boolean;
  /** Keys of batch objects that slots refer to. */
  readonly referenced: ReadonlySet<string>;
}

export function belowFloor({ uid, listed, head }: Subject): ReadonlySet<string> {
  return new Set(garbageBelow(uid, listed, floorOf(head), [...keptStates(head)]).map(({ key }) => key));
}

/** Requires: the subject's head was read after its listing. */
export function reachOf(subject: Subject, names: Names): Reach {
  const { uid, listed, head, findings } = subject;
  // What a copy names that is kept is kept for it.
  const isOver = ({ key }: ListedObject): boolean => names.complete && !names.named.has(key);
  const over = abandonedOutputs(uid, listed, head, new Set()).filter(isOver);
  const garbage = new Set([...names.below, ...over.map(({ key }) => key)]);
  const isPending = ({ key }: ListedObject): boolean => !garbage.has(key) && isUnnamed(subject, key, names);
  return {
    garbage: reportGarbage(
      findings,
      head,
      listed.filter(({ key }) => garbage.has(key)),
    ),
    pending: totalsOf(listed.filter(isPending)),
  };
}

/** Outputs of a job, its signs of life, and batches, as long as nothing names them. */
function isUnnamed({ uid }: Subject, key: string, { named, referenced }: Names): boolean {
  if (tryJobObject(uid, key) !== undefined) return !named.has(key);
  return tryDatedKey(uid, key)?.kind === 'batch' && !referenced.has(key);
}

export function reportUnknownKeys({ uid, listed, findings }: Subject): void {
  for (const { key, size } of listed) {
    const isKnown =
      key === headKey(uid) ||
      key === rootKey(uid) ||
      tryDatedKey(uid, key) !== undefined ||
      tryJobObject(uid, key) !== undefined;
    if (!isKnown) reportUnknownKey(findings, { key, size });
  }
}

export function reportUnknownKey(findings: FindingList, { key, size }: ListedObject): void {
  findings.notice('unknown_key', { key, message: `${size} bytes under a key that is no object's` });
}

/** One notice for all of it. */
export function reportGarbage(
  findings: FindingList,
  { uid, state }: Pick<Head, 'uid' | 'state'>,
  listed: readonly ListedObject[],
): ObjectTotals {
  const totals = totalsOf(listed);
  const { objects, bytes } = totals;
  if (objects === 0) return totals;
  const of = state === 'dropped' ? 'of a dropped collection' : 'that nothing names any more';
  const message = `${objects} objects ${of}, ${bytes} bytes: collect deletes them`;
  findings.notice('garbage', { key: headKey(uid).slice(0, -'head'.length), message });
  return totals;
}

export function totalsOf(listed: readonly ListedObject[]): ObjectTotals {
  return { objects: listed.length, bytes: listed.reduce((sum, { size }) => sum + size, 0) };
}
