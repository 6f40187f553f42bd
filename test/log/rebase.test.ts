/**
 * States that go on from a newer head after a fold or a merge. Strategy: real folds by a process of their own, whose
 * segments are lists of effects; readers and writers that meet them early, late, and while something is wrong. A sink fails
 * when it is used after its release or before it is ready.
 *
 * Held here: whoever reads sees the same before and after (5, 18), nothing acknowledged is lost on the way (3), a missing
 * object is a typed error (15).
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { sequence } from '../../core/base/ids.js';
import { tierLimits } from '../../core/base/limits.js';
import { beginJob, commitJob } from '../../core/log/jobs.js';
import { segmentKey, windowKey } from '../../core/log/layout.js';
import { sealWindow } from '../../core/log/window-codec.js';
import { digests, errorOf, LogWorld } from './fixture.js';
import type { Effect, LogProcess, ProcessOptions } from './fixture.js';
import { segmentOf } from './head-contents.js';

let folders = 0;

/** Folds everything up to `to` into one new segment, and answers with its key. */
async function fold(world: LogWorld, to: number): Promise<string> {
  const { context, log } = world.process(`folder-${folders++}`, { segments: true });
  const { foldedSeq: from } = await world.head();
  const { job } = (await beginJob(context, {
    restoredSeq: sequence(0),
    inputs: [],
    fold: { from, to: sequence(to) },
  }))!;
  const read = await log.read('strong', (state) => ({
    effects: state.sink.effects.filter(({ seq }) => seq > from && seq <= to),
    point: state.pointAt(sequence(to)),
    window: state.window.snapshot(sequence(to)),
  }));
  const key = segmentKey(world.uid, job.nonce, 0);
  await world.bucket.truth.put(key, jsonOf(read.effects), { if: 'absent' });
  const { ref, bytes } = sealWindow(digests, windowKey(world.uid, job.nonce), read.window);
  await world.bucket.truth.put(ref.key, bytes, { if: 'absent' });
  await commitJob(context, job, ({ segments }) => ({
    foldedSeq: sequence(to),
    foldedChain: read.point.chain,
    foldedLabel: read.point.label,
    window: ref,
    segments: [...segments, { ...segmentOf('0', 0), key }],
  }));
  return key;
}

/** Merges all segments into one. */
async function merge(world: LogWorld): Promise<string> {
  const { context } = world;
  const { segments } = await world.head();
  const { job } = (await beginJob(context, {
    restoredSeq: sequence(0),
    inputs: segments.map(({ key }) => key),
  }))!;
  const parts = segments.map(async ({ key }) => {
    const got = await context.store.get(key);
    return got.status === 'found' ? (JSON.parse(new TextDecoder().decode(got.bytes)) as Effect[]) : [];
  });
  const key = segmentKey(world.uid, job.nonce, 0);
  await context.store.put(key, jsonOf((await Promise.all(parts)).flat()), { if: 'absent' });
  await commitJob(context, job, () => ({ segments: [{ ...segmentOf('0', 0), key }] }));
  return key;
}

const jsonOf = (effects: readonly Effect[]): Uint8Array => new TextEncoder().encode(JSON.stringify(effects));
const seqs = (effects: readonly Effect[]): number[] => effects.map(({ seq }) => seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const isSegment = (key: string): boolean => key.endsWith('.seg');

async function warm(world: LogWorld, name: string, options: ProcessOptions = {}): Promise<LogProcess> {
  const process = world.process(name, { segments: true, ...options });
  await world.run(process.read());
  return process;
}

async function filled(count: number): Promise<LogWorld> {
  const world = await new LogWorld().start();
  await world.fill(count);
  return world;
}

describe('a state that meets a newer head', () => {
  it('answers from what it is on, and moves beside that, where reads are shared', async () => {
    const world = await filled(6);
    const a = await warm(world, 'a');
    const [first] = a.sinks;
    await world.run(fold(world, 4));
    world.bucket.script = ({ process, key }) =>
      process === 'a' && isSegment(key) ? { slow: 5_000 } : undefined;
    const began = world.time.nowMs;
    expect(seqs(await world.run(a.read()))).toEqual(upTo(6));
    expect(world.time.nowMs - began).toBeLessThan(1_000);
    const state = a.log.state!;
    expect([state.base.foldedSeq, state.head.head.foldedSeq, state.unfolded.slots]).toEqual([0, 4, 2]);
    await world.run(a.write('x', { increment: true }));
    await world.run(a.log.settle());
    expect(a.log.state).toBe(state);
    expect([state.base.foldedSeq, state.position.seq, state.unfolded.slots]).toEqual([4, 7, 3]);
    expect([first!.released, state.sink.head]).toEqual([true, state.base]);
    expect(seqs(await world.run(a.read()))).toEqual(upTo(7));
  });

  it('moves before it answers, where nothing is shared, and once for many that ask', async () => {
    const world = await filled(6);
    const a = await warm(world, 'a', { shared: false });
    await world.run(fold(world, 6));
    const reads = await world.run(Promise.all([a.read(), a.read(), a.read()]));
    for (const effects of reads) expect(seqs(effects)).toEqual(upTo(6));
    expect(a.log.state!.base.foldedSeq).toBe(6);
    expect(a.sinks.filter(({ released }) => !released)).toEqual([a.log.state!.sink]);
    expect(a.sinks).toHaveLength(2);
  });

  it('moves before it writes, where nothing is shared', async () => {
    const world = await filled(2);
    const a = await warm(world, 'a', { shared: false });
    await world.run(fold(world, 2));
    await world.run(a.write('x', { increment: true }));
    expect(a.log.state!.base.foldedSeq).toBe(0);
    await world.run(a.write('y', { increment: true }));
    expect([a.log.state!.base.foldedSeq, a.log.state!.position.seq]).toEqual([2, 4]);
  });

  it('follows merges, and several heads at once, and knows its keys still', async () => {
    const world = await filled(3);
    const a = await warm(world, 'a');
    const first = await world.run(a.write('x', { key: 'k' }));
    for (const step of [() => fold(world, 2), () => fold(world, 4), () => merge(world)])
      await world.run(step());
    expect(await world.run(a.read())).toHaveLength(4);
    await world.run(a.log.settle());
    const { base } = a.log.state!;
    expect([base.version, base.segments.length]).toEqual([(await world.head()).version, 1]);
    expect(await world.run(a.write('x', { key: 'k' }))).toEqual(first);
    // So does whoever has it from the window's object, as nothing is left in the log.
    expect(await world.run(world.process('cold', { segments: true }).write('x', { key: 'k' }))).toEqual(
      first,
    );
  });

  it('that is behind what the head has folded goes on until it has the slots', async () => {
    const world = await filled(2);
    const a = await warm(world, 'a');
    const b = await warm(world, 'b');
    // Its probe finds nothing; then two slots are written and folded, and only then it reads the head.
    let done = false;
    world.bucket.script = async ({ process, key }) => {
      if (process !== 'a' || !key.endsWith('/head') || done) return undefined;
      done = true;
      await b.write('x');
      await b.write('y');
      await fold(world, 4);
      return undefined;
    };
    expect(seqs(await world.run(a.read()))).toEqual(upTo(2));
    const state = a.log.state!;
    expect([state.head.head.foldedSeq, state.unfolded]).toEqual([4, { slots: 0, bytes: 0 }]);
    expect(seqs(await world.run(a.read()))).toEqual(upTo(4));
    await world.run(a.log.settle());
    expect([a.log.state, state.base.foldedSeq]).toEqual([state, 4]);
  });

  it('is dropped where that head folded another log', async () => {
    const world = await filled(3);
    const a = await warm(world, 'a');
    await world.run(fold(world, 3));
    await world.forceHead({ foldedChain: 'e'.repeat(64), window: (await world.head()).window! });
    expect(await world.run(a.read())).toHaveLength(3);
    expect([a.sinks.length, a.sinks[0]!.released, a.log.state!.base.foldedSeq]).toEqual([2, true, 3]);
  });
});

describe('a move that goes wrong', () => {
  it('because what the head named was collected goes on to the next head', async () => {
    const world = await filled(4);
    const a = await warm(world, 'a');
    await world.run(fold(world, 2));
    const gone = await world.run(fold(world, 4));
    let merged = false;
    world.bucket.script = async ({ process, key }) => {
      if (process !== 'a' || key !== gone || merged) return undefined;
      merged = true;
      await merge(world);
      await world.bucket.truth.delete([gone]);
      return undefined;
    };
    expect(await world.run(a.read())).toHaveLength(4);
    await world.run(a.log.settle());
    expect([merged, a.log.state!.base.segments.length]).toEqual([true, 1]);
    expect(seqs(await world.run(a.read()))).toEqual(upTo(4));
  });

  it.each([true, false])('because a segment is lost is reported, by name (shared: %s)', async (shared) => {
    const world = await filled(4);
    const a = await warm(world, 'a', { shared });
    const lost = await world.run(fold(world, 3));
    await world.bucket.truth.delete([lost]);
    if (shared) {
      await world.run(a.read());
      await world.run(a.log.settle());
    }
    for (const process of [a, world.process('cold', { segments: true })]) {
      const error = await errorOf(world.run(process.read()));
      expect(error).toMatchObject({ kind: 'corrupt', details: { key: lost } });
    }
    expect(a.sinks.every(({ released }) => released)).toBe(true);
  });

  it('for want of an answer is tried again by the next read, and until then the old state answers', async () => {
    const world = await filled(4);
    for (const shared of [true, false]) {
      const a = await warm(world, `a-${shared}`, { shared });
      const { foldedSeq } = await world.head();
      if (foldedSeq === 0) await world.run(fold(world, 3));
      else await world.run(fold(world, 4));
      world.bucket.script = ({ key }) => (isSegment(key) ? { get: 'unavailable' } : undefined);
      expect(seqs(await world.run(a.read()))).toEqual(upTo(4));
      await world.run(a.log.settle());
      expect([a.sinks.length, a.log.state!.base.foldedSeq]).toEqual([1, foldedSeq]);
      world.bucket.script = () => undefined;
      await world.run(a.read());
      await world.run(a.log.settle());
      expect(a.log.state!.base.foldedSeq).toBeGreaterThan(foldedSeq);
    }
  });

  it.each([true, false])(
    'for want of memory drops the state, and the next read has all of it (shared: %s)',
    async (shared) => {
      const world = await filled(4);
      const a = await warm(world, 'a', { shared });
      await world.run(fold(world, 3));
      a.sinks[0]!.rebase = () => {
        return Promise.reject(new CairnError('quota', 'memory_budget_exceeded', 'no room'));
      };
      expect(seqs(await world.run(a.read()))).toEqual(upTo(4));
      await world.run(a.log.settle());
      expect(a.sinks[0]!.released).toBe(true);
      expect(seqs(await world.run(a.read()))).toEqual(upTo(4));
      expect(a.log.state!.base.foldedSeq).toBe(3);
    },
  );

  it('because the log was closed under it leaves nothing behind', async () => {
    const world = await filled(4);
    const a = await warm(world, 'a');
    await world.run(fold(world, 3));
    await world.run(a.read());
    a.log.release();
    await world.run(a.log.settle());
    expect([a.sinks.length, a.sinks[0]!.released]).toEqual([1, true]);
  });
});

describe('a cold load', () => {
  it('asks for window, segments and slots together', async () => {
    const world = await filled(4);
    await world.run(fold(world, 2));
    const cold = world.process('cold', { segments: true, latencyMs: () => 10 });
    const began = world.time.nowMs;
    expect(seqs(await world.run(cold.read()))).toEqual(upTo(4));
    // Two waves of a request of 20 ms: head and list; then the rest.
    expect(world.time.nowMs - began).toBe(40);
  });

  it('begins anew where what its head names was collected', async () => {
    const world = await filled(4);
    const gone = await world.run(fold(world, 3));
    let merged = false;
    world.bucket.script = async ({ process, key }) => {
      if (process !== 'cold' || key !== gone || merged) return undefined;
      merged = true;
      await merge(world);
      await world.bucket.truth.delete([gone]);
      return undefined;
    };
    const cold = world.process('cold', { segments: true });
    expect(seqs(await world.run(cold.read()))).toEqual(upTo(4));
    expect(cold.sinks.map(({ released }) => released)).toEqual([true, false]);
  });

  it.each(['absent', 'flipped', 'truncated'] as const)(
    'whose window is %s is a corrupt error',
    async (get) => {
      const world = await filled(4);
      await world.run(fold(world, 3));
      const { key } = (await world.head()).window!;
      world.bucket.script = (request) => (request.key === key ? { get } : undefined);
      const cold = world.process('cold', { segments: true });
      const error = await errorOf(world.run(cold.read()));
      expect(error).toMatchObject({ kind: 'corrupt', details: { key } });
      expect(cold.sinks.every(({ released }) => released)).toBe(true);
    },
  );

  it('refuses a window of another sequence', async () => {
    const world = await filled(4);
    await world.run(fold(world, 3));
    const snapshot = { seq: sequence(2), reach: sequence(0), entries: [] };
    await world.forceHead({ window: await world.putWindow('b'.repeat(32), snapshot) });
    const error = await errorOf(world.run(world.process('cold', { segments: true }).read()));
    expect(error).toMatchObject({ kind: 'corrupt', details: { expected: 'the window after slot 3' } });
  });
});

describe('the length of the log', () => {
  it('is what no segment of the newest head holds', async () => {
    const world = await new LogWorld().start();
    const { schema } = await world.head();
    await world.forceHead({ schema: { ...schema, tier: 'edge' } });
    const { logSlots, foldAt } = tierLimits.edge;
    await world.fill(foldAt.slots - 1);
    const a = await warm(world, 'a');
    expect(a.log.state!.unfolded.slots).toBe(foldAt.slots - 1);
    await world.run(a.write('x'));
    expect(a.log.state!.unfolded.slots).toBe(foldAt.slots);
    const more = await world.run(
      a.log.read('strong', ({ chain, position }) => [chain, position.seq + 1] as const),
    );
    await world.fill(logSlots - foldAt.slots, ...more);
    const full = await errorOf(world.run(a.read().then(() => a.write('y'))));
    expect(full).toMatchObject({
      code: 'log_too_long',
      details: { limit: 'log_slots', value: logSlots + 1 },
      retryAfterS: 60,
    });
    await world.run(fold(world, logSlots - 5));
    // It has not heard of the fold: the write itself finds out, rather than being refused for ever.
    expect(await world.run(a.write('y'))).toMatchObject({ sequence: logSlots + 1 });
    expect(a.log.state!.unfolded.slots).toBe(6);
  });

  it('knows the points at which it may be folded, by the dates of the store', async () => {
    const world = await filled(3);
    const a = await warm(world, 'a');
    world.time.jump(1_000);
    await world.run(a.write('x'));
    const state = a.log.state!;
    const modified = await world.bucket.truth.list(`c/${world.uid}/log/`, { limit: 1 });
    const got = await world.bucket.truth.get(modified[0]!.key);
    const { seq, label, storeMs } = state.position;
    expect(state.pointAt(sequence(4))).toEqual({ seq, label, storeMs, chain: state.chain });
    expect(got).toMatchObject({ modifiedMs: storeMs });
    expect(state.pointAt(sequence(0))).toMatchObject({ seq: 0, label: 0, storeMs: undefined });
    expect(() => state.pointAt(sequence(5))).toThrow(expect.objectContaining({ kind: 'internal' }));
    await world.run(fold(world, 3));
    await world.run(a.read());
    await world.run(a.log.settle());
    expect(state.pointAt(sequence(3)).storeMs).toBeDefined();
    expect(() => state.pointAt(sequence(2))).toThrow(expect.objectContaining({ kind: 'internal' }));
  });
});
