/**
 * What every swap of a head is held against. Strategy: a head on which much is under way, the swaps that are right, and for
 * each rule one swap that breaks nothing else.
 *
 * Held here: 6 (nothing goes back), 8 and 10 as far as a head tells (segments come and go with their jobs), 12, 20, 21.
 */
import { describe, expect, it } from 'vitest';
import { headVersion, sequence } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import { nextHead } from '../../core/log/head.js';
import type { Head, HeadEdit, Job, Pin, SegmentEntry } from '../../core/log/head.js';
import { digests } from './fixture.js';
import {
  a,
  b,
  busyHead,
  deletionsOf,
  fold,
  merge,
  nonceOf,
  pin,
  segmentOf,
  uid,
  windowOf,
} from './head-contents.js';

const swap = (edit: HeadEdit, from: Head = busyHead): Head => nextHead(from, nonceOf('f'), edit);

/** What the fold commits. */
const folded: HeadEdit = {
  jobs: [merge],
  foldedSeq: sequence(8),
  foldedChain: '8'.repeat(64),
  foldedLabel: 800,
  window: windowOf('3'),
  segments: [a, { ...b, live: 80, deletions: deletionsOf('3', 20, 1) }, segmentOf('3', 1)],
};
/** What the merge commits. */
const merged: HeadEdit = {
  jobs: [fold],
  segments: [segmentOf('2', 0, { live: 99, deletions: deletionsOf('2', 1) }), b],
};

const changed = (change: Partial<SegmentEntry>): HeadEdit => ({
  ...folded,
  segments: [{ ...a, ...change }, b],
});
const withJob = (change: Partial<Job>): HeadEdit => {
  return { jobs: [...busyHead.jobs, { nonce: nonceOf('9'), inputs: [], startedMs: 0, ...change }] };
};

/** One more, of the newest version that has a copy. */
const withPin = (change: Partial<Pin>): HeadEdit => {
  const next = { ...pin, name: 'new', version: headVersion(3), foldedSeq: sequence(5), seq: sequence(7) };
  return { pins: [pin, { ...next, ...change }] };
};

describe('a swap that is right', () => {
  it.each<{ what: string; edit: HeadEdit }>([
    { what: 'changes nothing', edit: {} },
    { what: 'commits a fold', edit: folded },
    { what: 'commits a fold that left nothing', edit: { ...folded, segments: [a, b] } },
    { what: 'commits a merge', edit: merged },
    { what: 'abandons a job', edit: { jobs: [merge] } },
    { what: 'begins a job', edit: withJob({ inputs: [b.key] }) },
    { what: 'raises the floor up to what is folded', edit: { gcFloor: sequence(5) } },
    { what: 'keeps less', edit: { retainedFrom: { version: headVersion(4), seq: sequence(9) } } },
    { what: 'keeps for longer', edit: { retentionMs: 7_200_000 } },
    { what: 'pins the version before it', edit: withPin({}) },
    { what: 'pins what is retained', edit: withPin({ version: headVersion(2), foldedSeq: sequence(2) }) },
    { what: 'pins what another pin keeps', edit: withPin({ ...pin, name: 'new', seq: sequence(1) }) },
    { what: 'removes a pin', edit: { pins: [] } },
    { what: 'drops the collection', edit: { state: 'dropped' } },
  ])('$what', ({ edit }) => {
    const next = swap(edit);
    const { nonce, version, ...rest } = next;
    expect(next).toMatchObject(edit);
    expect([nonce, version, rest.nonces[0]]).toEqual([nonceOf('f'), 5, busyHead.nonce]);
    expect(openHead(digests, uid, sealHead(digests, next))).toEqual(next);
  });
});

describe('a swap', () => {
  it.each<{ rule: string; edit: HeadEdit; from?: Head }>([
    { rule: 'dropped is final', edit: { state: 'active' }, from: swap({ state: 'dropped' }) },
    { rule: 'gc_floor never goes back', edit: { gcFloor: sequence(2) } },
    { rule: 'gc_floor <= folded_seq', edit: { gcFloor: sequence(6) } },
    {
      rule: 'retained_from never goes back',
      edit: { retainedFrom: { version: headVersion(1), seq: sequence(2) } },
    },
    {
      rule: 'retained_from never goes back',
      edit: { retainedFrom: { version: headVersion(2), seq: sequence(1) } },
    },
    {
      rule: 'retained_from is no later version',
      edit: { retainedFrom: { version: headVersion(6), seq: sequence(2) } },
    },
    {
      rule: 'folded_seq never goes back',
      edit: { foldedSeq: sequence(4), jobs: [merge] },
    },
    { rule: 'chain and label are those of folded_seq', edit: { foldedChain: '8'.repeat(64) } },
    { rule: 'chain and label are those of folded_seq', edit: { foldedLabel: 800 } },
    { rule: 'the window is that at folded_seq', edit: { window: windowOf('3'), jobs: [merge] } },
    { rule: 'a window from the first fold on', edit: { window: undefined } },
    { rule: 'a fold begins at folded_seq', edit: { ...folded, jobs: [merge, fold] } },
    {
      rule: 'folded_seq moves only with the fold that ends there',
      edit: { ...folded, foldedSeq: sequence(7) },
    },
    {
      rule: 'folded_seq moves only with the fold that ends there',
      edit: { ...folded, segments: [b], jobs: [] },
      from: swap({ jobs: [merge] }),
    },
    { rule: 'labels never go back', edit: { ...folded, foldedLabel: 499 } },
    { rule: 'a fold writes the window at its end', edit: { ...folded, window: windowOf('1') } },
    { rule: 'a pin is of what is kept already', edit: withPin({ version: headVersion(1) }) },
    { rule: 'a pin is of what is kept already', edit: withPin({ ...pin, name: 'new', seq: sequence(3) }) },
    { rule: 'a pin is of what is kept already', edit: withPin({ foldedSeq: sequence(1) }) },
    { rule: 'a pin is on a superseded version', edit: withPin({ version: headVersion(5) }) },
    { rule: 'a kept state is no older than its version', edit: withPin({ seq: sequence(4) }) },
    { rule: 'pins have names of their own', edit: withPin({ name: pin.name }) },
    { rule: 'a pin does not change', edit: { pins: [{ ...pin, seq: sequence(1) }] } },
    { rule: 'a pin does not change', edit: { pins: [{ ...pin, bytes: 1 }] } },
    { rule: 'segment keys are unique', edit: { segments: [a, a, b] } },
    { rule: 'live <= rows', edit: changed({ live: 101 }) },
    { rule: 'live and dead rows are all rows', edit: changed({ live: 99 }) },
    { rule: 'hidden rows are live', edit: changed({ live: 1, deletions: deletionsOf('3', 99, 2) }) },
    { rule: 'parts of a segment are no longer than it', edit: changed({ tailBytes: 50_001 }) },
    { rule: 'parts of a segment are no longer than it', edit: changed({ residentBytes: 50_001 }) },
    { rule: 'no input in two jobs', edit: withJob({ inputs: [a.key] }) },
    { rule: 'no input in two jobs', edit: withJob({ inputs: [b.key, b.key] }) },
    { rule: 'every job input is a segment', edit: withJob({ inputs: [segmentOf('9', 0).key] }) },
    { rule: 'job nonces are unique', edit: withJob({ nonce: merge.nonce }) },
    { rule: 'at most one fold', edit: withJob({ fold: fold.fold }) },
    {
      rule: 'a fold begins at folded_seq',
      edit: { jobs: [{ ...fold, fold: { from: sequence(4), to: sequence(8) } }] },
    },
    {
      rule: 'a fold begins at folded_seq and ends after it',
      edit: { jobs: [{ ...fold, nonce: nonceOf('9'), fold: { from: sequence(5), to: sequence(5) } }] },
    },
    { rule: 'a job does not change', edit: { jobs: [{ ...merge, inputs: [b.key] }, fold] } },
    { rule: 'a job does not change', edit: { jobs: [{ ...merge, startedMs: 8 }, fold] } },
    {
      rule: 'a job does not change',
      edit: { jobs: [merge, { ...fold, fold: { from: sequence(5), to: sequence(9) } }] },
    },
    { rule: 'a segment goes only with the job', edit: { segments: [a], jobs: [merge] } },
    { rule: 'a segment goes only with the job', edit: { ...merged, segments: [segmentOf('2', 0)] } },
    { rule: 'every job input is a segment', edit: { segments: [b] } },
    { rule: 'a segment comes with the end of its job', edit: { segments: [a, b, segmentOf('2', 0)] } },
    {
      rule: 'a segment comes with the end of its job',
      edit: { ...folded, segments: [a, b, segmentOf('2', 0)] },
    },
    { rule: 'a segment does not change', edit: changed({ bytes: 60_000 }) },
    { rule: 'a segment does not change', edit: changed({ tailBytes: 30_000 }) },
    { rule: 'a segment does not change', edit: changed({ footerSha256: '0'.repeat(64) }) },
    { rule: 'a segment does not change', edit: changed({ rows: 101, live: 101 }) },
    { rule: 'a segment does not change', edit: changed({ residentBytes: 40_000 }) },
    { rule: 'a segment does not change', edit: changed({ graph: true }) },
    {
      rule: 'nor do its rows come back',
      edit: { ...folded, segments: [a, { ...b, live: 91, deletions: deletionsOf('3', 9) }] },
    },
    {
      rule: 'nor do its rows come back',
      edit: { ...folded, segments: [a, { ...b, live: 100, deletions: undefined }] },
    },
    {
      rule: 'nor do its rows come back',
      edit: { ...folded, segments: [a, { ...b, deletions: { ...b.deletions!, hidden: 4 } }] },
    },
    {
      rule: 'deletions come with the end of their job',
      edit: { ...folded, segments: [a, { ...b, live: 80, deletions: deletionsOf('2', 20) }] },
    },
    {
      rule: `at most ${limits.headJobs} jobs`,
      edit: {
        jobs: Array.from({ length: 65 }, (_, i) => ({
          ...merge,
          inputs: [],
          nonce: i.toString(16).padStart(32, '0'),
        })),
      },
    },
    {
      rule: `at most ${limits.headSegments} segments`,
      edit: { ...folded, segments: [a, b, ...Array.from({ length: 4_095 }, (_, i) => segmentOf('3', i))] },
    },
  ])('never breaks: $rule', ({ rule, edit, from }) => {
    expect(() => swap(edit, from)).toThrow(
      expect.objectContaining({ kind: 'internal', message: expect.stringContaining(rule) as string }),
    );
  });

  it('has no segments before anything was folded', () => {
    const first: Head = {
      ...busyHead,
      segments: [],
      jobs: [{ ...merge, inputs: [] }],
      foldedSeq: sequence(0),
    };
    const start: Head = { ...first, gcFloor: sequence(0), window: undefined };
    expect(() => swap({ jobs: [], segments: [segmentOf('2', 0)] }, start)).toThrow(/no segments before/);
  });
});
