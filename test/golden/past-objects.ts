/** A head with all that it can know of its past, and the slot of a restore: from fixed numbers, like all golden objects. */
import { bytesToHex } from '../../core/base/bytes.js';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { NO_COUNTS } from '../../core/log/batch.js';
import { nextHead } from '../../core/log/head.js';
import type { Head, HeadEdit, KeptState, Restore, WindowRef } from '../../core/log/head.js';
import { deletionsKey, segmentKey, windowKey } from '../../core/log/layout.js';
import { encodeRestore } from '../../core/log/restore-target.js';
import type { RestoreTarget } from '../../core/log/restore-target.js';
import { sealSlot } from '../../core/log/slot-codec.js';
import type { OpenedSlot, SealedSlot } from '../../core/log/slot-codec.js';
import { digests, hex, uid } from './identity.js';

const uidOf = (start: number): Uid => hex(start, 16) as Uid;
const [PARENT, GRANDPARENT, CHILD] = [uidOf(0x11), uidOf(0x12), uidOf(0x13)];
const [FORK, FOLD] = [hex(0x73, 16), hex(0x74, 16)];

const state = (version: number, foldedSeq: number, seq: number): KeptState => ({
  version: headVersion(version),
  foldedSeq: sequence(foldedSeq),
  seq: sequence(seq),
});
const firstRestore: Restore = {
  nonce: hex(0xb0, 16),
  after: sequence(4),
  at: undefined,
  ...state(1, 2, 3),
  under: [],
};
const folded: Restore = { ...firstRestore, at: sequence(5) };
const second: Restore = { ...firstRestore, nonce: hex(0xb1, 16), after: sequence(9), ...state(4, 6, 8) };
/** Back to a state after the second one, whose slot is not folded. */
const third: Restore = {
  ...firstRestore,
  nonce: hex(0xb2, 16),
  after: sequence(12),
  ...state(5, 6, 11),
  under: [state(4, 6, 8)],
};

/**
 * Of a branch of a branch, which has a branch itself: it went back once, which is folded, and twice since. Of `first`
 * it has schema and name.
 */
export function pastHead(first: Head, window: WindowRef): Head {
  const lent = {
    key: segmentKey(PARENT, FORK, 0),
    bytes: 81_920,
    tailBytes: 20_000,
    footerSha256: hex(0x80, 32),
    rows: 300,
    live: 290,
    residentBytes: 40_000,
    graph: true,
    deletions: { key: deletionsKey(uid, FORK, 0), sha256: hex(0xa0, 32), dead: 10, hidden: 2 },
  };
  const ofParent = { ...lent, key: segmentKey(GRANDPARENT, FORK, 1), live: 300, deletions: undefined };
  const forked: Head = {
    ...first,
    foldedSeq: sequence(2),
    foldedChain: hex(0x90, 32),
    foldedLabel: first.createdMs + 2_000,
    gcFloor: sequence(2),
    retainedFrom: { version: headVersion(1), seq: sequence(2) },
    window,
    segments: [lent, ofParent],
    origin: { parent: PARENT, seq: sequence(2), lenders: [PARENT, GRANDPARENT] },
  };
  const fold = { from: sequence(2), to: sequence(6) };
  const edits: readonly HeadEdit[] = [
    { restores: [firstRestore] },
    { jobs: [{ nonce: FOLD, inputs: [], fold, startedMs: first.createdMs + 3_000 }] },
    {
      jobs: [],
      foldedSeq: sequence(6),
      foldedChain: hex(0x91, 32),
      foldedLabel: first.createdMs + 4_000,
      window: { ...window, key: windowKey(uid, FOLD) },
      segments: [lent],
      restores: [folded],
      restoredSeq: sequence(5),
    },
    { restores: [folded, second] },
    {
      restores: [folded, second, third],
      pins: [
        {
          name: 'after-a-restore',
          ...state(5, 6, 11),
          under: third.under,
          createdMs: first.createdMs + 5_000,
          bytes: lent.bytes,
        },
      ],
      branches: [
        {
          uid: CHILD,
          version: headVersion(5),
          foldedSeq: sequence(6),
          createdMs: first.createdMs + 6_000,
        },
      ],
    },
  ];
  return edits.reduce<Head>((head, edit, i) => nextHead(head, hex(0x38 + i, 16), edit), forked);
}

const target: RestoreTarget = { version: headVersion(1), seq: sequence(1), nonce: hex(0xb0, 16) };

/** The collection goes back to what it was at 1. */
export function restoreSlot(before: OpenedSlot): SealedSlot {
  const inline = encodeRestore(target);
  return sealSlot(digests, {
    uid,
    seq: sequence(before.seq + 1),
    nonce: hex(0x44, 16),
    prevChain: before.chain,
    label: before.label + 1_000,
    batches: [
      {
        keyHash: hex(0x65, 16),
        requestHash: hex(0x75, 32),
        contentSha: bytesToHex(digests.sha256(inline)),
        counts: NO_COUNTS,
        resolvedAt: before.seq,
        content: { inline },
        restore: target,
      },
    ],
  });
}
