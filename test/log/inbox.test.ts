/**
 * The inbox: batches that lost a race are carried by whoever writes the next slot, at most once, and only while readers may
 * count them.
 *
 * Held here: 5 and 11 (what counts of a carried batch is a function of the log), 9 (a batch that others may carry is never
 * reported as not applied), and what cannot be carried is not.
 */
import { describe, expect, it } from 'vitest';
import { sequence } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { inboxPrefix } from '../../core/log/layout.js';
import { CHAIN_START } from '../../core/log/slot-codec.js';
import type { SlotBatch } from '../../core/log/slot-codec.js';
import { errorOf, LogWorld, slotBatch, upsertBatch } from './fixture.js';
import type { LogProcess } from './fixture.js';

const UUID = '12345678-1234-4234-8234-123456789abc';

/** Processes that know the log as it is, so that all of them want the next slot. */
async function rivals(world: LogWorld, count: number): Promise<readonly LogProcess[]> {
  const processes = Array.from({ length: count }, (_, i) => world.process(`p${i}`));
  await world.run(Promise.all(processes.map((process) => process.read())));
  return processes;
}

async function inbox(world: LogWorld): Promise<number> {
  return (await world.bucket.truth.list(inboxPrefix(world.uid))).length;
}

function carried(key: string, after: number, label: number): SlotBatch {
  return {
    ...slotBatch(key, upsertBatch(key, 1)),
    carried: { after: sequence(after), uuid: UUID, label },
  };
}

describe('a burst of writers', () => {
  it('is committed in a few slots, each write once and with the answer that its writer got', async () => {
    const world = await new LogWorld().start();
    const processes = await rivals(world, 24);
    const all = await world.run(
      Promise.all(processes.map((process, i) => process.write(`x${i}`, { value: i }))),
    );
    expect(Math.max(...all.map(({ sequence: seq }) => seq))).toBeLessThan(5);
    const found = await world.run(world.process('judge').read());
    expect(found.map(({ id, value }) => `${id}=${value}`).sort()).toEqual(
      processes.map((_, i) => `x${i}=${i}`).sort(),
    );
    all.forEach(({ sequence: seq }, i) => expect(found).toContainEqual({ seq, id: `x${i}`, value: i }));
  });

  it('reads once what waits, however many slots it loses before it carries it', async () => {
    const world = await new LogWorld().start();
    const quick = world.process('quick');
    const others = ['a', 'b', 'c'].map((name) => world.process(name));
    await world.run(Promise.all([quick, ...others].map((process) => process.read())));
    const many = async (): Promise<void> => {
      for (let at = 0; at < 60; at++) await quick.write(`quick${at}`);
    };
    await world.run(Promise.all([many(), ...others.map((process, i) => process.write(`x${i}`))]));
    const reads = world.bucket.trace
      .filter(({ op, key }) => op === 'get' && key.includes('/inbox/'))
      .map(({ process, key }) => `${process} ${key}`);
    const puts = world.bucket.trace.filter(({ op, process }) => op === 'put' && process === 'a');
    // One of them into the inbox.
    expect(puts.length).toBeGreaterThan(3);
    expect(reads.length).toBeGreaterThan(2);
    expect(reads).toHaveLength(new Set(reads).size);
  });

  it('is not kept waiting by a writer that never loses', async () => {
    const world = await new LogWorld().start();
    const quick = world.process('quick');
    const slow = world.process('slow');
    await world.run(Promise.all([quick, slow].map((process) => process.read())));
    // Loses every slot that it tries: what it left in the inbox is all that can save it.
    world.bucket.script = ({ op, process, key }) =>
      op === 'put' && process === 'slow' && key.includes('/log/') ? { before: 20 } : undefined;
    const writes = 20 * 16;
    const many = async (): Promise<void> => {
      for (let at = 0; at < writes; at++) await quick.write(`quick${at}`);
    };
    const [, { sequence: seq }] = await world.run(Promise.all([many(), slow.write('slow')]));
    expect(seq).toBeLessThan(writes / 2);
  });

  it('goes on without what is damaged in the inbox', async () => {
    const world = await new LogWorld().start();
    const processes = await rivals(world, 6);
    world.bucket.script = ({ op, key }) =>
      op === 'get' && key.includes('/inbox/') ? { get: 'flipped' } : undefined;
    const all = await world.run(Promise.all(processes.map((process, i) => process.write(`x${i}`))));
    expect(new Set(all.map(({ sequence: seq }) => seq)).size).toBe(6);
  });

  it('goes on where the inbox cannot be listed or written', async () => {
    const world = await new LogWorld().start();
    const processes = await rivals(world, 4);
    world.bucket.script = ({ op, key }) => {
      if (!key.includes('/inbox/')) return undefined;
      return op === 'list' ? { list: 'unavailable' } : { put: 'lost' };
    };
    const all = await world.run(Promise.all(processes.map((process, i) => process.write(`x${i}`))));
    expect(new Set(all.map(({ sequence: seq }) => seq)).size).toBe(4);
  });

  it('leaves nothing in the inbox that was computed from a state', async () => {
    const world = await new LogWorld().start();
    const processes = await rivals(world, 6);
    await world.run(Promise.all(processes.map((process) => process.write('n', { increment: true }))));
    expect(await inbox(world)).toBe(0);
    const found = await world.run(world.process('judge').read());
    expect(found.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('of one asks nobody', async () => {
    const world = await new LogWorld().start();
    const [alone] = await rivals(world, 1);
    await world.run(alone!.write('x'));
    world.bucket.trace.length = 0;
    await world.run(alone!.write('y'));
    expect(world.bucket.trace.map(({ op }) => op)).toEqual(['put', 'get']);
  });
});

describe('a write in the inbox', () => {
  it('is not reported as not applied when its time is over, and is found when it is carried', async () => {
    const world = await new LogWorld().start();
    const [a, b, c] = await rivals(world, 3);
    // Once it has lost, no put of a slot by `a` arrives.
    let lost = false;
    world.bucket.script = ({ process, op, key }) => {
      if (process !== 'p0' || op !== 'put' || !key.includes('/log/')) return undefined;
      if (lost) return { put: 'lost' };
      lost = true;
      return undefined;
    };
    await world.run(b!.write('first'));
    const error = await errorOf(world.run(a!.write('x', { key: 'k', timeoutMs: 2_000 })));
    expect(error).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' });
    expect(await inbox(world)).toBe(1);
    // The next loser carries it.
    await world.run(Promise.all([b!.write('y'), c!.write('z')]));
    const found = await world.run(world.process('judge').read());
    expect(found.filter(({ id }) => id === 'x')).toHaveLength(1);
    const again = await world.run(
      c!.write('x', { key: 'k', firstTail: error.details['first_tail'] as number }),
    );
    expect(again.sequence).toBe(found.find(({ id }) => id === 'x')!.seq);
  });
});

describe('readers count a carried batch', () => {
  const LABEL = 1_767_225_600_000;

  async function ids(world: LogWorld): Promise<readonly string[]> {
    const found = await world.run(world.process('judge').read());
    return found.map(({ id }) => id).filter((id) => !id.startsWith('fill'));
  }

  it('up to 256 slots after it was left, and no later', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(limits.eligibleSlots + 1);
    const { chain, label } = slots.at(-1)!;
    const last = limits.eligibleSlots + 2;
    await world.forceSlot(last, chain, [carried('late', 1, label), carried('just', 2, label)]);
    expect(await ids(world)).toEqual(['just']);
  });

  it('not in slots up to the one after which it was left', async () => {
    const world = await new LogWorld().start();
    await world.forceSlot(1, CHAIN_START, [carried('early', 1, LABEL), carried('good', 0, LABEL)]);
    expect(await ids(world)).toEqual(['good']);
  });

  it('while the labels are not further apart than two minutes', async () => {
    const world = await new LogWorld().start();
    const now = world.time.clock.wallMs();
    await world.forceSlot(1, CHAIN_START, [
      carried('old', 0, now - limits.eligibleMs - 1),
      carried('good', 0, now - limits.eligibleMs),
    ]);
    expect(await ids(world)).toEqual(['good']);
  });

  it('once, whoever carries it again', async () => {
    const world = await new LogWorld().start();
    const first = await world.forceSlot(1, CHAIN_START, [carried('x', 0, LABEL), carried('x', 0, LABEL)]);
    await world.forceSlot(2, first.chain, [carried('x', 0, LABEL)]);
    expect(await ids(world)).toEqual(['x']);
  });
});
