/**
 * What every swap of a head is held against as to its past: restores, branches, lenders, and pins of states after a
 * restore. Strategy: that of `head-invariants.test.ts`, on a head that is about to go back and has a branch.
 *
 * Held here: 8 (what comes of a state is kept before anything needs it), 13 as far as a head tells, 20 (rows come back
 * only with a restore).
 */
import { describe, expect, it } from 'vitest';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import { nextHead } from '../../core/log/head.js';
import type { Branch, Head, HeadEdit, KeptState, Pin, Restore } from '../../core/log/head.js';
import { segmentKey } from '../../core/log/layout.js';
import { digests } from './fixture.js';
import { a, b, branch, busyHead, fold, foldedBack, merge, nonceOf, pastHead, pin, restore, uid } from './head-contents.js'; // prettier-ignore

const swap = (edit: HeadEdit, from: Head = pastHead): Head => nextHead(from, nonceOf('f'), edit);

const uidOf = (digit: string): Uid => digit.repeat(32) as Uid;
const state = (version: number, foldedSeq: number, seq: number): KeptState => ({
  version: headVersion(version),
  foldedSeq: sequence(foldedSeq),
  seq: sequence(seq),
});

/** Whatever else, nothing of slot 4 over version 1 is kept. */
const gone = state(1, 0, 4);
const ofPin = state(1, 0, 2);

const another = (change: Partial<Restore>): HeadEdit => ({
  restores: [restore, { ...restore, nonce: nonceOf('d'), ...change }],
});
const changed = (change: Partial<Restore>): HeadEdit => ({ restores: [{ ...restore, ...change }] });
const newPin = (under: readonly KeptState[]): HeadEdit => {
  const added: Pin = { ...pin, name: 'new', ...state(3, 5, 7), under };
  return { pins: [pin, added] };
};
const newBranch = (change: Partial<Branch>): HeadEdit => {
  return { branches: [branch, { ...branch, uid: uidOf('d'), ...change }] };
};

const dropped = swap({ state: 'dropped' });
const backAgain = swap(foldedBack);
/** A branch of two: of its segments the second is lent. */
const origin: Head['origin'] = {
  parent: uidOf('d'),
  seq: sequence(2),
  lenders: [uidOf('d'), uidOf('e')],
};
const lent = { ...b, key: segmentKey(uidOf('e'), nonceOf('1'), 1) };
const borrower: Head = { ...busyHead, origin, segments: [a, lent] };
const paidBack: Head = { ...busyHead, origin };
const lentDeletions: Head = {
  ...paidBack,
  segments: [a, { ...b, deletions: { ...b.deletions!, key: b.deletions!.key.replace(uid, uidOf('d')) } }],
};

describe('a swap that is right', () => {
  it.each<{ what: string; edit: HeadEdit; from?: Head }>([
    { what: 'keeps a state for a restore', edit: another({}) },
    { what: 'keeps one after another restore', edit: another({ ...state(4, 5, 6), under: [ofPin] }) },
    { what: 'folds a restore', edit: foldedBack },
    { what: 'drops a job beside a restore', edit: { jobs: [merge] } },
    {
      what: 'lets go of a restore that nothing is made of any more',
      edit: {
        gcFloor: sequence(8),
        retainedFrom: { version: headVersion(6), seq: sequence(8) },
        restores: [],
      },
      from: backAgain,
    },
    {
      what: 'lets go of a restore that was never made',
      edit: { retainedFrom: { version: headVersion(6), seq: sequence(262) }, restores: [] },
    },
    { what: 'pins a state after a restore', edit: newPin([ofPin]) },
    { what: 'keeps what a branch begins with', edit: newBranch({}) },
    {
      what: 'keeps what a pin keeps for a branch',
      edit: newBranch({ version: pin.version, foldedSeq: pin.foldedSeq }),
    },
    { what: 'lets go of a branch', edit: { branches: [] } },
    { what: 'lets go of a branch when dropped', edit: { branches: [] }, from: dropped },
    { what: 'goes on as a branch', edit: { jobs: [fold] }, from: borrower },
    { what: 'drops a branch', edit: { state: 'dropped' }, from: borrower },
    { what: 'forgets lenders', edit: { origin: { ...origin, lenders: [] } }, from: paidBack },
  ])('$what', ({ edit, from = pastHead }) => {
    const next = swap(edit, from);
    expect(next).toMatchObject(edit);
    expect(next.version).toBe(from.version + 1);
    expect(openHead(digests, uid, sealHead(digests, next))).toEqual(next);
  });
});

describe('a swap', () => {
  it.each<{ rule: string; edit: HeadEdit; from?: Head }>([
    { rule: 'a kept state is no older than its version', edit: another(state(3, 5, 4)) },
    { rule: 'a kept state is no older than its version', edit: another({ under: [state(3, 5, 4)] }) },
    { rule: 'a kept state is of no later version', edit: another(state(7, 5, 6)) },
    { rule: 'a kept state is of no later version', edit: another({ under: [state(7, 5, 6)] }) },
    { rule: 'a kept state is of no later version', edit: newPin([state(7, 5, 6)]) },
    { rule: 'a pin is of what is kept already', edit: newPin([gone]) },
    {
      rule: 'a pin does not change',
      edit: { pins: [{ ...pin, under: [ofPin] }] },
    },
    { rule: 'nonces of restores are unique', edit: another({ nonce: restore.nonce }) },
    { rule: 'restored_seq <= folded_seq', edit: { restoredSeq: sequence(6) } },
    { rule: 'a restore goes back', edit: another({ after: sequence(5) }) },
    {
      rule: 'the slot of a restore is folded, and comes after it was kept',
      edit: { ...foldedBack, restores: [{ ...restore, at: sequence(6) }] },
    },
    {
      rule: 'the slot of a restore is folded, and comes after it was kept',
      edit: { ...foldedBack, restores: [{ ...restore, at: sequence(8) }] },
    },
    { rule: 'a restore goes back to what is kept already', edit: another(gone) },
    { rule: 'a restore goes back to what is kept already', edit: another({ under: [gone] }) },
    {
      rule: 'a restore has no slot yet',
      edit: {
        ...foldedBack,
        restores: [restore, { ...restore, nonce: nonceOf('d'), at: sequence(7) }],
      },
    },
    { rule: 'a restore does not change, but for its slot', edit: changed(state(4, 5, 6)) },
    { rule: 'a restore does not change, but for its slot', edit: changed({ under: [ofPin] }) },
    { rule: 'a restore does not change, but for its slot', edit: changed({ after: sequence(7) }) },
    { rule: 'a restore does not change, but for its slot', edit: changed({}), from: backAgain },
    { rule: 'a restore goes with the last state that is made of it', edit: { restores: [] } },
    {
      rule: 'a restore goes with the last state that is made of it',
      edit: { retainedFrom: { version: headVersion(6), seq: sequence(261) }, restores: [] },
    },
    {
      rule: 'a restore goes with the last state that is made of it',
      edit: { restores: [] },
      from: backAgain,
    },
    {
      rule: 'restored_seq moves with the fold of that slot',
      edit: { ...foldedBack, restoredSeq: sequence(5), restores: [restore] },
    },
    {
      rule: 'restored_seq moves with the fold of that slot',
      edit: { restoredSeq: sequence(0), restores: [restore] },
      from: { ...backAgain, restores: [restore] },
    },
    {
      rule: 'the fold of a restore ends all jobs',
      edit: { ...foldedBack, jobs: [merge], segments: [a, ...foldedBack.segments!] },
    },
    { rule: 'nor do its rows come back', edit: { ...foldedBack, restoredSeq: sequence(0), restores: [restore] } }, // prettier-ignore
    { rule: 'branches are other collections', edit: newBranch({ uid: branch.uid }) },
    { rule: 'branches are other collections', edit: newBranch({ uid }) },
    { rule: 'a branch is of a superseded version', edit: newBranch({ version: headVersion(6) }) },
    { rule: 'a branch is of what is kept already', edit: newBranch({ version: headVersion(1) }) },
    { rule: 'a branch is of what is kept already', edit: newBranch({ foldedSeq: sequence(1) }) },
    { rule: 'a branch does not change', edit: { branches: [{ ...branch, version: headVersion(4) }] } },
    { rule: 'a branch does not change', edit: { branches: [{ ...branch, foldedSeq: sequence(4) }] } },
    { rule: 'a branch does not change', edit: { branches: [{ ...branch, createdMs: 1 }] } },
    { rule: 'a dropped collection gets no branches', edit: newBranch({}), from: dropped },
    { rule: 'lenders are other collections', edit: {}, from: { ...borrower, origin: { ...origin, lenders: [uidOf('e'), uidOf('e')] } } }, // prettier-ignore
    { rule: 'lenders are other collections', edit: {}, from: { ...paidBack, origin: { ...origin, lenders: [uid] } } }, // prettier-ignore
    { rule: 'the origin does not change', edit: { origin } },
    { rule: 'the origin does not change', edit: { origin: undefined }, from: paidBack },
    {
      rule: 'the origin does not change',
      edit: { origin: { ...origin, parent: uidOf('e') } },
      from: paidBack,
    },
    { rule: 'the origin does not change', edit: { origin: { ...origin, seq: sequence(3) } }, from: paidBack },
    { rule: 'lenders only go', edit: { origin: { ...origin, lenders: [uidOf('e')] } }, from: paidBack },
    { rule: 'lenders only go', edit: { origin }, from: { ...paidBack, origin: { ...origin, lenders: [] } } },
    {
      rule: 'who names what is lent has lenders',
      edit: { origin: { ...origin, lenders: [] } },
      from: borrower,
    },
    {
      rule: 'who names what is lent has lenders',
      edit: { origin: { ...origin, lenders: [] } },
      from: lentDeletions,
    },
    {
      rule: `at most ${limits.headRestores} restores`,
      edit: {
        restores: Array.from({ length: limits.headRestores + 1 }, (_, i) => ({
          ...restore,
          nonce: i.toString(16).padStart(32, '0'),
        })),
      },
    },
    {
      rule: `at most ${limits.headBranches} branches`,
      edit: {
        branches: Array.from({ length: limits.headBranches + 1 }, (_, i) => ({
          ...branch,
          uid: i.toString(16).padStart(32, '0') as Uid,
        })),
      },
    },
  ])('never breaks: $rule', ({ rule, edit, from }) => {
    expect(() => swap(edit, from)).toThrow(
      expect.objectContaining({ kind: 'internal', message: expect.stringContaining(rule) as string }),
    );
  });
});
