/**
 * The floor: slots at or below it may be gone, so nothing is acknowledged there and nothing read past them counts. The
 * heads that a compactor and a collector would write are put into the bucket by force, with a window that knows no key.
 *
 * Held here: nothing is acknowledged below the floor and a zombie slot never reaches an answer (3, 7, 11), and a
 * reader behind the floor goes on from the head.
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import { slotKey } from '../../core/log/layout.js';
import { openSlot } from '../../core/log/slot-codec.js';
import type { OpenedSlot } from '../../core/log/slot-codec.js';
import { digests, errorOf, LogWorld, slotBatch, upsertBatch } from './fixture.js';
import type { LogProcess } from './fixture.js';

/** The log up to `seq` is folded, collected and deleted, but for the highest slot. */
async function fold(world: LogWorld, slots: readonly OpenedSlot[], seq: number, floor = seq): Promise<void> {
  const { chain, label } = slots[seq - 1]!;
  await world.forceHead({
    foldedSeq: sequence(seq),
    foldedChain: chain,
    foldedLabel: label,
    gcFloor: sequence(floor),
  });
  const last = Math.min(floor, slots.length - 1);
  if (last > 0) await world.deleteSlots(1, last);
}

/**
 * The window of these heads knows no key, so a writer whose first tail is below the fold cannot look its key up there: it
 * must neither acknowledge nor write again.
 */
async function cannotKnow(world: LogWorld, write: Promise<unknown>): Promise<boolean> {
  const error = await errorOf(world.run(write));
  return error.code === 'idempotency_window_passed' && error.outcome === 'unknown';
}

async function warm(world: LogWorld, name: string): Promise<LogProcess> {
  const process = world.process(name);
  await world.run(process.read());
  return process;
}

describe('a writer behind the floor', () => {
  it('does not acknowledge the slot that it wins there: it goes on from the head', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(3);
    const a = await warm(world, 'a');
    const more = await world.fill(5, slots[2]!.chain, 4);
    await fold(world, [...slots, ...more], 8);
    // Slots 4 to 7 are deleted, so the stale tail of `a` lets it win slot 4.
    expect(await cannotKnow(world, a.write('x'))).toBe(true);
    const judge = await world.run(world.process('judge').read());
    expect(judge).toEqual([]);
    // What it learnt from that: the tail is 8.
    expect(await world.run(a.write('y'))).toMatchObject({ sequence: 9 });
  });

  it('is not fooled by the zombie of another', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(3);
    const [a, b] = [await warm(world, 'a'), await warm(world, 'b')];
    const more = await world.fill(5, slots[2]!.chain, 4);
    await fold(world, [...slots, ...more], 8);
    const zombie = await world.forceSlot(4, slots[2]!.chain, [slotBatch('k', upsertBatch('zombie', 1))]);
    await world.forceSlot(5, zombie.chain, [slotBatch('l', upsertBatch('zombie', 2))]);
    // `a` loses slot 4 to the zombie, must not believe it, and must not take key k for applied.
    expect(await cannotKnow(world, a.write('x', { key: 'k' }))).toBe(true);
    expect(await world.run(b.read())).toEqual([]);
    expect(await world.run(b.write('y'))).toMatchObject({ sequence: 9 });
    expect((await world.run(a.read())).map(({ id }) => id)).toEqual(['y']);
  });

  it('whose slot was folded while it looked the other way is not told that it failed', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    world.bucket.script = ({ op, key }) => {
      if (op === 'put' && key.includes('/log/')) return { put: 'landed' };
      return op === 'get' && key.includes('/log/') ? { before: 100_000 } : undefined;
    };
    const write = errorOf(a.write('x', { key: 'k', timeoutMs: 400_000 }));
    const collect = (async () => {
      await world.time.sleep(50_000);
      const slot = await world.bucket.truth.get(slotKey(world.uid, sequence(1)));
      if (slot.status !== 'found') throw new Error('the put did not land');
      const { chain } = openSlot(digests, world.uid, sequence(1), slot.bytes);
      await world.forceHead({ foldedSeq: sequence(1), foldedChain: chain, gcFloor: sequence(1) });
      await world.deleteSlots(1, 1);
      world.bucket.script = ({ process, op, key }) => {
        if (process !== 'a') return undefined;
        // Refused, as the highest slot stands in for what a collector keeps, and then nothing to be read.
        if (op === 'put' && key.includes('/log/')) return { put: 'lost' };
        return op === 'list' ? { list: 'unavailable' } : undefined;
      };
    })();
    const [error] = await world.run(Promise.all([write, collect]));
    expect(error.outcome).toBe('unknown');
  });

  it('whose slot was won, folded and collected before it could look is not told that it failed', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a', { retrying: false });
    await world.run(a.read());
    const key = slotKey(world.uid, sequence(1));
    let collected = false;
    world.bucket.script = async (request) => {
      if (request.key === key && request.op === 'put') return { put: 'retried' };
      if (request.key === key && request.op === 'get') {
        const slot = await world.bucket.truth.get(key);
        if (slot.status !== 'found') throw new Error('the put did not land');
        const { chain } = openSlot(digests, world.uid, sequence(1), slot.bytes);
        await world.forceHead({ foldedSeq: sequence(1), foldedChain: chain, gcFloor: sequence(1) });
        await world.deleteSlots(1, 1);
        collected = true;
      }
      return collected && request.op === 'list' ? { list: 'unavailable' } : undefined;
    };
    const error = await errorOf(world.run(a.write('x', { key: 'k' })));
    expect(collected).toBe(true);
    expect(error).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown', details: { first_tail: 0 } });
  });

  it('says that it cannot know, where the window no longer reaches its first tail', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(8);
    await fold(world, slots, 8);
    const error = await errorOf(world.run(world.process('a').write('x', { key: 'k', firstTail: 3 })));
    expect(error).toMatchObject({
      kind: 'conflict',
      code: 'idempotency_window_passed',
      details: { idempotency_key: 'k', first_tail: 3 },
    });
    expect(error.outcome).not.toBe('not_applied');
  });
});

describe('a win that a floor overtakes', () => {
  it('between put and head check is not acknowledged there', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(3);
    const a = await warm(world, 'a');
    let raised = false;
    world.bucket.script = async ({ op, key }) => {
      if (op === 'get' && key.endsWith('/head') && !raised) {
        raised = true;
        // As if a long stall: others filled slots 4 to 8, and all was folded and collected before our put arrived.
        const chain = slots[2]!.chain;
        await world.forceHead({ foldedSeq: sequence(8), foldedChain: chain, gcFloor: sequence(8) });
      }
      return undefined;
    };
    expect(await cannotKnow(world, a.write('x'))).toBe(true);
    expect(raised).toBe(true);
  });

  it('a key found in a slot counts only above the floor', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    await world.run(a.write('x', { key: 'k' }));
    const { chain } = a.log.state!;
    await world.forceHead({ foldedSeq: sequence(1), foldedChain: chain, gcFloor: sequence(1) });
    // That head's window knows no key, so nobody can know: but never a second effect.
    const error = await errorOf(world.run(a.write('x', { key: 'k' })));
    expect(error.code).toBe('idempotency_window_passed');
  });
});

describe('a repeat of a key that was folded and collected', () => {
  // Found by the simulator: it read the log again and again until its time was over, and then said that it did not know.
  it('gets the first answer from the window of the head', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    const first = await world.run(a.write('x', { key: 'k' }));
    const { chain, window } = a.log.state!;
    const seq = sequence(1);
    const ref = await world.putWindow('b'.repeat(32), window.snapshot(seq));
    await world.forceHead({ foldedSeq: seq, foldedChain: chain, gcFloor: seq, window: ref });
    for (const process of [a, world.process('cold')]) {
      world.bucket.trace.length = 0;
      expect(await world.run(process.write('x', { key: 'k', firstTail: 0 }))).toEqual(first);
      expect(world.bucket.trace.length).toBeLessThan(10);
    }
  });
});

describe('a reader behind the floor', () => {
  it('goes on from the head', async () => {
    const world = await new LogWorld().start();
    const first = await world.fill(3);
    const a = await warm(world, 'a');
    const more = await world.fill(7, first[2]!.chain, 4);
    await fold(world, [...first, ...more], 8);
    expect((await world.run(a.read())).map(({ seq }) => seq)).toEqual([9, 10]);
    expect((await world.run(world.process('cold').read())).map(({ seq }) => seq)).toEqual([9, 10]);
  });

  it('keeps what it staged where its chain passes through the fold', async () => {
    const world = await new LogWorld().start();
    const first = await world.fill(3);
    const a = await warm(world, 'a');
    const more = await world.fill(5, first[2]!.chain, 4);
    const slots = [...first, ...more];
    const { chain } = slots[5]!;
    // Folded and floored at 6, nothing deleted yet: slots 4 to 8 are all there.
    await world.forceHead({ foldedSeq: sequence(6), foldedChain: chain, gcFloor: sequence(6) });
    world.bucket.trace.length = 0;
    expect(await world.run(a.read())).toHaveLength(8);
    // A load would have asked for the window.
    expect(world.bucket.trace.filter(({ key }) => key.endsWith('.win'))).toEqual([]);
  });

  it('drops what it staged where the chain does not pass through the fold', async () => {
    const world = await new LogWorld().start();
    const first = await world.fill(3);
    const a = await warm(world, 'a');
    const more = await world.fill(5, first[2]!.chain, 4);
    await fold(world, [...first, ...more], 6);
    let chain = first[2]!.chain;
    for (let seq = 4; seq <= 6; seq++) {
      chain = (await world.forceSlot(seq, chain, [slotBatch(`z${seq}`, upsertBatch('zombie', seq))])).chain;
    }
    const effects = await world.run(a.read());
    expect(effects.map(({ seq, id }) => `${seq}:${id}`)).toEqual(['7:fill-7', '8:fill-8']);
  });

  it('finds a zombie behind its own tail out, although no slot follows it', async () => {
    const world = await new LogWorld().start();
    const first = await world.fill(3);
    const a = await warm(world, 'a');
    const more = await world.fill(1, first[2]!.chain, 4);
    await world.forceHead({ foldedSeq: sequence(4), foldedChain: more[0]!.chain, gcFloor: sequence(4) });
    await world.forceSlot(4, first[2]!.chain, [slotBatch('z', upsertBatch('zombie', 1))]);
    expect(await world.run(a.read())).toEqual([]);
    expect(await world.run(a.position())).toBe(4);
  });

  it('that is quick needs no second head read while the floor is at its tail', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(3);
    const a = await warm(world, 'a');
    await world.forceHead({ foldedSeq: sequence(3), foldedChain: slots[2]!.chain, gcFloor: sequence(3) });
    world.bucket.trace.length = 0;
    expect(await world.run(a.read())).toHaveLength(3);
    expect(world.bucket.trace).toHaveLength(2);
  });

  it('that is slow does not take a zombie for the log, whatever the first head said', async () => {
    const world = await new LogWorld().start();
    const first = await world.fill(3);
    const a = await warm(world, 'a');
    let folded = false;
    // The first head is read at once; then the world moves on for longer than the fence, and the probe meets a zombie.
    world.bucket.script = async ({ process, op, key }) => {
      if (process !== 'a' || op !== 'get' || !key.includes('/log/') || folded) return undefined;
      folded = true;
      await world.time.sleep(limits.fenceMs);
      const more = await world.fill(3, first[2]!.chain, 4);
      await fold(world, [...first, ...more], 5);
      await world.forceSlot(4, first[2]!.chain, [slotBatch('z', upsertBatch('zombie', 1))]);
      return undefined;
    };
    const effects = await world.run(a.read());
    expect(effects.map(({ seq, id }) => `${seq}:${id}`)).toEqual(['6:fill-6']);
  });

  it('that loads slowly takes slots that do not fit together for collected ones, not for damage', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(5);
    let folded = false;
    // Its head is from before the fold. Of the slots below the new floor one is deleted, and a late put comes in its place.
    world.bucket.script = async ({ process, key }) => {
      if (process !== 'cold' || key !== slotKey(world.uid, sequence(2)) || folded) return undefined;
      folded = true;
      const { chain } = slots[3]!;
      await world.forceHead({ foldedSeq: sequence(4), foldedChain: chain, gcFloor: sequence(4) });
      await world.forceSlot(2, slots[0]!.chain, [slotBatch('z', upsertBatch('zombie', 1))]);
      return undefined;
    };
    expect((await world.run(world.process('cold').read())).map(({ id }) => id)).toEqual(['fill-5']);
    // Above the floor it is damage.
    await world.forceSlot(5, slots[0]!.chain, [slotBatch('y', upsertBatch('other', 1))]);
    expect(await errorOf(world.run(world.process('judge').read()))).toMatchObject({ kind: 'corrupt' });
  });
});
