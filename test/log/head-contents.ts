/** A head with two segments, their window, a merge of the first and a fold: what tests of heads and jobs start from. */
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { firstHead, nextHead } from '../../core/log/head.js';
import type { Branch, Head, HeadEdit, Job, Pin, Restore, SegmentEntry } from '../../core/log/head.js';
import { deletionsKey, DEFAULT_NAMESPACE_UID, segmentKey, windowKey } from '../../core/log/layout.js';
import { schema } from './fixture.js';

export const uid = '0123456789abcdef0123456789abcdef' as Uid;
export const nonceOf = (name: string): string => name.repeat(32);

export function segmentOf(job: string, i: number, change: Partial<SegmentEntry> = {}): SegmentEntry {
  return {
    key: segmentKey(uid, nonceOf(job), i),
    bytes: 50_000,
    tailBytes: 20_000,
    footerSha256: 'ab'.repeat(32),
    rows: 100,
    live: 100,
    residentBytes: 30_000,
    graph: false,
    ...change,
  };
}

export const deletionsOf = (job: string, dead: number, hidden = 0): SegmentEntry['deletions'] => {
  return { key: deletionsKey(uid, nonceOf(job), 0), sha256: 'cd'.repeat(32), dead, hidden };
};

export const windowOf = (job: string): Head['window'] => {
  return { key: windowKey(uid, nonceOf(job)), sha256: 'ef'.repeat(32), bytes: 268 };
};

const emptyHead: Head = firstHead({
  uid,
  nonce: nonceOf('0'),
  namespace: DEFAULT_NAMESPACE_UID,
  name: 'papers',
  createdMs: 1_767_225_600_000,
  schema,
});

const firstFold: Job = {
  nonce: nonceOf('1'),
  inputs: [],
  fold: { from: sequence(0), to: sequence(5) },
  startedMs: 0,
};
export const [a, b] = [
  segmentOf('1', 0),
  segmentOf('1', 1, { live: 90, deletions: deletionsOf('1', 10, 3) }),
];
export const merge: Job = { nonce: nonceOf('2'), inputs: [a.key], startedMs: 7 };
export const fold: Job = {
  nonce: nonceOf('3'),
  inputs: [],
  fold: { from: sequence(5), to: sequence(8) },
  startedMs: 7,
};

const begun = nextHead(emptyHead, nonceOf('4'), { jobs: [firstFold] });
const once = nextHead(begun, nonceOf('5'), {
  jobs: [],
  foldedSeq: sequence(5),
  foldedChain: '5'.repeat(64),
  foldedLabel: 500,
  window: windowOf('1'),
  segments: [a, b],
});
/** Of what version 1 and two slots make. */
export const pin: Pin = {
  name: 'two',
  version: headVersion(1),
  foldedSeq: sequence(0),
  seq: sequence(2),
  under: [],
  createdMs: 1_767_225_600_007,
  bytes: 0,
};
/** Folded up to 5, the floor at 3, retained from version 2 and slot 2 on, one pin; `merge` and `fold` are under way. */
export const busyHead: Head = nextHead(once, nonceOf('6'), {
  gcFloor: sequence(3),
  retainedFrom: { version: headVersion(2), seq: sequence(2) },
  retentionMs: 3_600_000,
  pins: [pin],
  jobs: [merge, fold],
});

/** Back to slot 6, over version 3. */
export const restore: Restore = {
  nonce: nonceOf('c'),
  after: sequence(6),
  at: undefined,
  version: headVersion(3),
  foldedSeq: sequence(5),
  seq: sequence(6),
  under: [],
};
export const branch: Branch = {
  uid: 'fedcba9876543210fedcba9876543210' as Uid,
  version: headVersion(3),
  foldedSeq: sequence(5),
  createdMs: 1_767_225_600_009,
};
/** The next version: it is about to go back, and has a branch. */
export const pastHead: Head = nextHead(busyHead, nonceOf('7'), { restores: [restore], branches: [branch] });
/** The edit of the fold of its restore, whose slot is 7: rows come back that had been deleted. */
export const foldedBack: HeadEdit = {
  jobs: [],
  foldedSeq: sequence(8),
  foldedChain: '8'.repeat(64),
  foldedLabel: 800,
  window: windowOf('3'),
  segments: [{ ...b, live: 100, deletions: undefined }, segmentOf('3', 1)],
  restores: [{ ...restore, at: sequence(7) }],
  restoredSeq: sequence(7),
};
