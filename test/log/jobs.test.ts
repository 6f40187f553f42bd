/**
 * Jobs in the head: what begins, what may commit, what an undecided swap means. Strategy: compactors that race, die, stall
 * and lose answers; the head afterwards tells what counted.
 *
 * Held here: no input in two jobs, a job that is no longer listed never commits, unknown is never reported as failed (9),
 * one head lineage (12).
 */
import { describe, expect, it } from 'vitest';
import { sequence } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { swapHead } from '../../core/log/head-swap.js';
import type { Head, HeadEdit, Job } from '../../core/log/head.js';
import { abandonJob, beatJob, beginJob, commitJob, removeDeadJobs } from '../../core/log/jobs.js';
import { segmentKey, tryJobOfKey, windowKey } from '../../core/log/layout.js';
import type { Fault } from './faulty-store.js';
import { errorOf, LogWorld } from './fixture.js';
import { segmentOf } from './head-contents.js';

const isHead = (key: string): boolean => key.endsWith('/head');
const range = (from: number, to: number) => ({ from: sequence(from), to: sequence(to) });

/** What the fold `job` writes into a head: one segment of its own. */
function foldEdit(job: Job, head: Head): HeadEdit {
  return {
    foldedSeq: job.fold!.to,
    foldedChain: 'c'.repeat(64),
    foldedLabel: head.foldedLabel + 1,
    window: { key: windowKey(head.uid, job.nonce), sha256: 'ef'.repeat(32), bytes: 100 },
    segments: [...head.segments, { ...segmentOf('0', 0), key: segmentKey(head.uid, job.nonce, 0) }],
  };
}

function mergeEdit(job: Job, head: Head): HeadEdit {
  const rest = head.segments.filter(({ key }) => !job.inputs.includes(key));
  return { segments: [...rest, { ...segmentOf('0', 0), key: segmentKey(head.uid, job.nonce, 0) }] };
}

/** A world whose head has `count` segments, each folded from one slot that need not be there. */
async function withSegments(count: number): Promise<{ world: LogWorld; keys: readonly string[] }> {
  const world = await new LogWorld().start();
  for (let i = 0; i < count; i++) {
    const begun = await world.run(
      beginJob(world.context, { restoredSeq: sequence(0), inputs: [], fold: range(i, i + 1) }),
    );
    await world.run(commitJob(world.context, begun!.job, (head) => foldEdit(begun!.job, head)));
  }
  return { world, keys: (await world.head()).segments.map(({ key }) => key) };
}

describe('a job', () => {
  it('is in the head from its beginning to its commit, and its objects carry its nonce', async () => {
    const { world, keys } = await withSegments(1);
    const { context } = world.process('a');
    const { job, head } = (await world.run(beginJob(context, { restoredSeq: sequence(0), inputs: keys })))!;
    expect([head.jobs, (await world.head()).jobs]).toEqual([[job], [job]]);
    expect(job.startedMs).toBeGreaterThan(1_767_225_600_000);
    const after = await world.run(commitJob(context, job, (current) => mergeEdit(job, current)));
    expect(after).toEqual(await world.head());
    expect([after.jobs, after.segments.map(({ key }) => tryJobOfKey(world.uid, key))]).toEqual([
      [],
      [job.nonce],
    ]);
  });

  it("does not begin where an input is another job's or gone", async () => {
    const { world, keys } = await withSegments(3);
    const begin = (inputs: readonly string[]) =>
      world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs }));
    expect(await begin([keys[0]!, keys[1]!])).toBeDefined();
    expect(await begin([keys[1]!, keys[2]!])).toBeUndefined();
    expect(await begin([segmentKey(world.uid, '9'.repeat(32), 0)])).toBeUndefined();
    expect(await begin([keys[2]!])).toBeDefined();
    expect((await world.head()).jobs).toHaveLength(2);
  });

  it('folds only where the last fold ended, and alone', async () => {
    const { world } = await withSegments(2);
    const begin = (from: number, to: number) =>
      world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: [], fold: range(from, to) }));
    expect(await begin(1, 5)).toBeUndefined();
    expect(await begin(3, 5)).toBeUndefined();
    const begun = await begin(2, 5);
    expect(await begin(2, 6)).toBeUndefined();
    await world.run(abandonJob(world.context, begun!.job));
    expect(await begin(2, 6)).toBeDefined();
  });

  it('does not begin where the head lists as many as it may', async () => {
    const world = await new LogWorld().start();
    for (let i = 0; i < limits.headJobs; i++)
      await world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: [] }));
    expect((await world.head()).jobs).toHaveLength(limits.headJobs);
    expect(
      await world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: [] })),
    ).toBeUndefined();
  });

  it('of a dropped collection neither begins nor commits', async () => {
    const world = await new LogWorld().start();
    const { job } = (await world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: [] })))!;
    await world.run(swapHead(world.context, () => ({ state: 'dropped' })));
    const gone = { code: 'collection_gone', outcome: 'not_applied' };
    expect(
      await errorOf(world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: [] }))),
    ).toMatchObject(gone);
    expect(await errorOf(world.run(commitJob(world.context, job, () => ({}))))).toMatchObject(gone);
    await world.run(abandonJob(world.context, job));
  });
});

describe('compactors that race', () => {
  it('for one input: one begins', async () => {
    const { world, keys } = await withSegments(1);
    const rivals = Array.from({ length: 6 }, (_, i) => world.process(`p${i}`).context);
    const begun = await world.run(
      Promise.all(rivals.map((context) => beginJob(context, { restoredSeq: sequence(0), inputs: keys }))),
    );
    expect(begun.filter((one) => one !== undefined)).toHaveLength(1);
  });

  it('with jobs of their own all commit, each on the head that the others left', async () => {
    const { world, keys } = await withSegments(4);
    const built: number[] = [];
    const work = async (name: string, inputs: readonly string[], fold?: Job['fold']): Promise<void> => {
      const { context } = world.process(name);
      const { job } = (await beginJob(context, { restoredSeq: sequence(0), inputs, fold }))!;
      await commitJob(context, job, async (head) => {
        built.push(head.version);
        await world.time.sleep(50);
        const merged = inputs.length > 0 ? mergeEdit(job, head) : {};
        return fold === undefined ? merged : foldEdit(job, head);
      });
    };
    await world.run(
      Promise.all([work('a', keys.slice(0, 2)), work('b', keys.slice(2, 4)), work('c', [], range(4, 9))]),
    );
    const head = await world.head();
    expect([head.segments.length, head.jobs, head.foldedSeq]).toEqual([3, [], 9]);
    // Each asked again for every head that it met, and never twice for one.
    expect(built.length).toBeGreaterThan(3);
  });

  it('do not commit what was taken for dead meanwhile', async () => {
    const { world, keys } = await withSegments(1);
    const slow = world.process('slow').context;
    const { job } = (await world.run(beginJob(slow, { restoredSeq: sequence(0), inputs: keys })))!;
    await world.run(abandonJob(world.context, job));
    const again = (await world.run(beginJob(world.context, { restoredSeq: sequence(0), inputs: keys })))!;
    const error = await errorOf(world.run(commitJob(slow, job, (head) => mergeEdit(job, head))));
    expect(error).toMatchObject({ kind: 'conflict', code: 'job_gone', outcome: 'not_applied' });
    expect((await world.head()).jobs).toEqual([again.job]);
  });

  it('find out while they build that they are too late', async () => {
    const { world, keys } = await withSegments(1);
    const slow = world.process('slow').context;
    const { job } = (await world.run(beginJob(slow, { restoredSeq: sequence(0), inputs: keys })))!;
    const commit = commitJob(slow, job, async (head) => {
      await abandonJob(world.context, job);
      return mergeEdit(job, head);
    });
    expect(await errorOf(world.run(commit))).toMatchObject({ code: 'job_gone', outcome: 'not_applied' });
    expect((await world.head()).segments.map(({ key }) => key)).toEqual(keys);
  });
});

describe('a commit', () => {
  const ends: readonly { readonly name: string; readonly faults: readonly Fault[] }[] = [
    { name: 'applied without an answer', faults: [{ put: 'landed' }] },
    { name: 'not applied without an answer', faults: [{ put: 'lost' }] },
    { name: 'refused by its own silent retry', faults: [{ put: 'retried' }] },
    { name: 'late, before the second try', faults: [{ put: 'late', requests: 0 }] },
    { name: 'late, after the second try', faults: [{ put: 'late', requests: 6 }] },
  ];
  it.each(ends)('counts once, and is built once for one head, when its put is $name', async ({ faults }) => {
    const { world, keys } = await withSegments(1);
    const { context } = world.process('a');
    const { job } = (await world.run(beginJob(context, { restoredSeq: sequence(0), inputs: keys })))!;
    const { version } = await world.head();
    let puts = 0;
    world.bucket.script = ({ op, key }) => (op === 'put' && isHead(key) ? faults[puts++] : undefined);
    const built: number[] = [];
    const head = await world.run(
      commitJob(context, job, (current) => {
        built.push(current.version);
        return mergeEdit(job, current);
      }),
    );
    await world.bucket.landAll();
    expect(built).toEqual([version]);
    expect([head.version, await world.head()]).toEqual([version + 1, head]);
  });

  it('whose answer was lost is found among the nonces of later heads', async () => {
    const { world, keys } = await withSegments(1);
    const { context } = world.process('a');
    const { job } = (await world.run(beginJob(context, { restoredSeq: sequence(0), inputs: keys })))!;
    let first = true;
    world.bucket.script = async ({ process, op, key }) => {
      if (process !== 'a' || !isHead(key)) return undefined;
      if (op === 'put') return { put: 'landed' };
      if (!first) for (let i = 0; i < 10; i++) await swapHead(world.context, () => ({}));
      first = false;
      return undefined;
    };
    const head = await world.run(commitJob(context, job, (current) => mergeEdit(job, current)));
    expect(head.segments.map(({ key }) => tryJobOfKey(world.uid, key))).toEqual([job.nonce]);
  });

  it('that more swaps followed than a head remembers is unknown, not gone', async () => {
    const { world, keys } = await withSegments(1);
    const { context } = world.process('a');
    const { job } = (await world.run(beginJob(context, { restoredSeq: sequence(0), inputs: keys })))!;
    let first = true;
    world.bucket.script = async ({ process, op, key }) => {
      if (process !== 'a' || !isHead(key)) return undefined;
      if (op === 'put') return { put: 'landed' };
      if (!first) for (let i = 0; i < limits.headNonces + 1; i++) await swapHead(world.context, () => ({}));
      first = false;
      return undefined;
    };
    const error = await errorOf(world.run(commitJob(context, job, (current) => mergeEdit(job, current))));
    expect(error).toMatchObject({ kind: 'unavailable', outcome: 'unknown' });
    expect((await world.head()).segments.map(({ key }) => tryJobOfKey(world.uid, key))).toEqual([job.nonce]);
  });
});

describe('dead jobs', () => {
  it('are removed by the dates of the store, whatever the clocks of their compactors say', async () => {
    const { world, keys } = await withSegments(2);
    const wrong = { wallMs: () => 9e12, monotonicMs: () => 0 };
    const old = (await world.run(
      beginJob(world.process('old', { clock: wrong }).context, {
        restoredSeq: sequence(0),
        inputs: [keys[0]!],
      }),
    ))!;
    world.time.jump(60_000);
    const young = (await world.run(
      beginJob(world.context, { restoredSeq: sequence(0), inputs: [keys[1]!] }),
    ))!;
    const judge = world.process('judge', { clock: { wallMs: () => 0, monotonicMs: () => 0 } }).context;
    expect(await world.run(removeDeadJobs(judge, 100_000))).toEqual([]);
    expect(await world.run(removeDeadJobs(judge, 50_000))).toEqual([old.job]);
    expect((await world.head()).jobs).toEqual([young.job]);
  });

  it('are none that were heard of since', async () => {
    const { world, keys } = await withSegments(1);
    const { context } = world.process('a');
    const { job } = (await world.run(beginJob(context, { restoredSeq: sequence(0), inputs: keys })))!;
    world.time.jump(60_000);
    await world.run(beatJob(context, job));
    world.time.jump(30_000);
    expect(await world.run(removeDeadJobs(world.context, 50_000))).toEqual([]);
    world.time.jump(60_000);
    expect(await world.run(removeDeadJobs(world.context, 50_000))).toEqual([job]);
  });

  it('are those that say to begin in the far future, too', async () => {
    const world = await new LogWorld().start();
    const job: Job = { nonce: '1'.repeat(32), inputs: [], startedMs: 8e15 };
    await world.forceHead({ jobs: [job] });
    expect(await world.run(removeDeadJobs(world.context, 50_000))).toEqual([job]);
  });
});
