/**
 * A write under every end that a put can have. Strategy: several processes on one memory store behind a scripted faulty
 * way to it, in virtual time; after each write the truth is read by a process that had no part in it.
 *
 * Held here: an acknowledged write is in every later strong read (3), real-time order is sequence order (4), unknown is
 * never reported as failed (9), one effect per key (11), a slot has one content for ever (1).
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import { slotKey } from '../../core/log/layout.js';
import { CHAIN_START } from '../../core/log/slot-codec.js';
import type { Fault } from './faulty-store.js';
import { errorOf, LogWorld, slotBatch, upsertBatch } from './fixture.js';

/** What a process that has seen nothing yet finds. */
async function truth(world: LogWorld, name: string = 'judge'): Promise<string[]> {
  world.bucket.script = () => undefined;
  const effects = await world.run(world.process(name).read());
  return effects.map(({ seq, id, value }) => `${seq}:${id}=${value}`);
}

const isSlot = (key: string): boolean => key.includes('/log/');

describe('one write', () => {
  const ends: readonly { readonly name: string; readonly faults: readonly (Fault | undefined)[] }[] = [
    { name: 'applied', faults: [undefined] },
    { name: 'applied, and the answer lost', faults: [{ put: 'landed' }] },
    { name: 'not applied, and the answer lost', faults: [{ put: 'lost' }] },
    { name: 'refused by its own silent retry', faults: [{ put: 'retried' }] },
    { name: 'lost thrice', faults: [{ put: 'lost' }, { put: 'lost' }, { put: 'lost' }] },
    { name: 'landing late, before the second try', faults: [{ put: 'late', requests: 0 }] },
    { name: 'landing late, at the second try', faults: [{ put: 'late', requests: 1 }] },
    { name: 'landing late, after the second try', faults: [{ put: 'late', requests: 3 }] },
    { name: 'late, then answered by a retry', faults: [{ put: 'late', requests: 2 }, { put: 'retried' }] },
    { name: 'lost, and then the disk is full', faults: [{ put: 'lost' }, { put: 'not_applied' }] },
  ];
  it.each(ends)('has one effect when $name', async ({ faults }) => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key, nth }) => (op === 'put' && isSlot(key) ? faults[nth] : undefined);
    const a = world.process('a');
    expect(await world.run(a.write('x', { value: 7 }))).toMatchObject({
      sequence: 1,
      counts: { upserted: 1 },
    });
    await world.bucket.landAll();
    expect(await truth(world)).toEqual(['1:x=7']);
  });

  it('decides by nonce although the look after an unknown put fails too', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key, nth }) => {
      if (!isSlot(key)) return undefined;
      if (op === 'put' && nth === 0) return { put: 'landed' };
      return op === 'get' && nth < 3 ? { get: 'unavailable' } : undefined;
    };
    const a = world.process('a', { retrying: false });
    expect(await world.run(a.write('x'))).toMatchObject({ sequence: 1 });
    expect(await truth(world)).toEqual(['1:x=1']);
  });

  it('ends as not applied where the store says so at the first try', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key }) => (op === 'put' && isSlot(key) ? { put: 'not_applied' } : undefined);
    const error = await errorOf(world.run(world.process('a').write('x')));
    expect(error).toMatchObject({ code: 'disk_full', outcome: 'not_applied' });
    expect(await truth(world)).toEqual([]);
  });

  it('never moves on to the next slot while a put is undecided', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key, nth }) =>
      op === 'put' && isSlot(key) && nth < 6 ? { put: 'lost' } : undefined;
    await world.run(world.process('a').write('x'));
    const puts = world.bucket.trace
      .filter(({ op, key }) => op === 'put' && isSlot(key))
      .map(({ key }) => key);
    expect(new Set(puts)).toEqual(new Set([slotKey(world.uid, sequence(1))]));
  });
});

describe('a write without an answer until its deadline', () => {
  const blackout = ({ op, key }: { op: string; key: string }): Fault | undefined =>
    op === 'put' && isSlot(key) ? { put: 'late', requests: 1_000_000 } : undefined;

  it('ends as outcome unknown, and its repeat has one effect: the first put lands before', async () => {
    const world = await new LogWorld().start();
    await world.fill(3);
    world.bucket.script = blackout;
    const a = world.process('a');
    const error = await errorOf(world.run(a.write('x', { key: 'k', timeoutMs: 5_000 })));
    expect(error).toMatchObject({
      kind: 'unavailable',
      code: 'outcome_unknown',
      outcome: 'unknown',
      details: { idempotency_key: 'k', first_tail: 3 },
    });
    world.bucket.script = () => undefined;
    await world.bucket.landAll();
    const again = await world.run(world.process('b').write('x', { key: 'k', firstTail: 3 }));
    expect(again).toMatchObject({ sequence: 4, counts: { upserted: 1 } });
    expect((await truth(world)).slice(3)).toEqual(['4:x=1']);
  });

  it('ends as outcome unknown, and its repeat has one effect: the first put lands after', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = blackout;
    const a = world.process('a');
    const error = await errorOf(world.run(a.write('x', { key: 'k', timeoutMs: 5_000 })));
    expect(error.details).toMatchObject({ idempotency_key: 'k', first_tail: 0 });
    world.bucket.script = () => undefined;
    const b = world.process('b');
    await world.run(b.write('y'));
    expect(await world.run(b.write('x', { key: 'k', firstTail: 0 }))).toMatchObject({ sequence: 2 });
    await world.bucket.landAll();
    expect(await truth(world)).toEqual(['1:y=1', '2:x=1']);
  });

  it('does not hold up the writes that come after it', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key, nth }) =>
      op === 'put' && isSlot(key) && nth < 3 ? { put: 'late', requests: 1_000_000 } : undefined;
    const a = world.process('a');
    const first = errorOf(a.write('x', { key: 'k', timeoutMs: 10 }));
    const second = a.write('y', { timeoutMs: 60_000 });
    const [error, committed] = await world.run(Promise.all([first, second]));
    expect(error.code).toBe('outcome_unknown');
    expect(committed.sequence).toBe(1);
    await world.bucket.landAll();
    expect(await truth(world)).toEqual(['1:y=1']);
  });

  it('ends at its deadline although the put never answers', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key }) => (op === 'put' && isSlot(key) ? { slow: 10_000_000 } : undefined);
    const a = world.process('a');
    const error = await errorOf(world.run(a.write('x', { key: 'k', timeoutMs: 5_000 })));
    expect(error).toMatchObject({
      code: 'outcome_unknown',
      details: { idempotency_key: 'k', first_tail: 0 },
    });
    expect(world.time.nowMs).toBeLessThan(6_000);
    expect(await truth(world)).toEqual(['1:x=1']);
  });

  it('says unknown too when a repeat runs out of time before it was tried at all', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = blackout;
    await errorOf(world.run(world.process('a').write('x', { key: 'k', timeoutMs: 5_000 })));
    // The first put is still in flight: nothing that happens to its repeat makes `not applied` true.
    world.bucket.script = ({ op, key }) => (op === 'put' && isSlot(key) ? { before: 20_000 } : undefined);
    const b = world.process('b');
    const other = b.write('y', { timeoutMs: 60_000 });
    const repeat = errorOf(b.write('x', { key: 'k', firstTail: 0, timeoutMs: 5_000 }));
    const newcomer = errorOf(b.write('z', { timeoutMs: 5_000 }));
    const land = world.time.sleep(10_000).then(() => world.bucket.landAll());
    const [unknown, timeout] = await world.run(Promise.all([repeat, newcomer, other, land]));
    expect(unknown).toMatchObject({
      code: 'outcome_unknown',
      outcome: 'unknown',
      details: { first_tail: 0 },
    });
    expect(timeout).toMatchObject({ code: 'timeout', outcome: 'not_applied' });
    expect(await truth(world)).toEqual(['1:x=1', '2:y=1']);
  });

  it.each(['unavailable', 'flipped', 'truncated'] as const)(
    'says unknown when the slot cannot be read back: %s',
    async (get) => {
      const world = await new LogWorld().start();
      world.bucket.script = ({ op, key }) => {
        if (!isSlot(key)) return undefined;
        return op === 'put' ? { put: 'landed' } : { get };
      };
      const error = await errorOf(world.run(world.process('a').write('x', { key: 'k', timeoutMs: 3_000 })));
      const kind = get === 'unavailable' ? 'unavailable' : 'corrupt';
      expect(error).toMatchObject({
        kind,
        outcome: 'unknown',
        details: { idempotency_key: 'k', first_tail: 0 },
      });
      expect(await truth(world)).toEqual(['1:x=1']);
    },
  );

  it('says unknown when the slot is won and the head cannot be read', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a', { retrying: false });
    await world.run(a.read());
    world.bucket.script = ({ op, key }) =>
      op === 'get' && key.endsWith('/head') ? { get: 'unavailable' } : undefined;
    const error = await errorOf(world.run(a.write('x', { key: 'k' })));
    expect(error).toMatchObject({ code: 'outcome_unknown', details: { first_tail: 0 } });
    world.bucket.script = () => undefined;
    expect(await world.run(a.write('x', { key: 'k', firstTail: 0 }))).toMatchObject({ sequence: 1 });
    expect(await truth(world)).toEqual(['1:x=1']);
  });

  it('says unknown when a key is found in the log and the head cannot be read', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a', { retrying: false });
    await world.run(a.write('x', { key: 'k' }));
    world.bucket.script = ({ op, key }) =>
      op === 'get' && key.endsWith('/head') ? { get: 'unavailable' } : undefined;
    const error = await errorOf(world.run(a.write('x', { key: 'k' })));
    expect(error).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' });
  });
});

describe('keys', () => {
  it('give the first answer again, in any process', async () => {
    const world = await new LogWorld().start();
    const [a, b] = [world.process('a'), world.process('b')];
    const first = await world.run(a.write('x', { key: 'k' }));
    await world.run(b.write('y'));
    expect(await world.run(a.write('x', { key: 'k' }))).toEqual(first);
    expect(await world.run(b.write('x', { key: 'k' }))).toEqual(first);
    expect(await truth(world)).toEqual(['1:x=1', '2:y=1']);
  });

  it('refuse another request, and apply nothing of it', async () => {
    const world = await new LogWorld().start();
    const [a, b] = [world.process('a'), world.process('b')];
    await world.run(a.write('x', { key: 'k' }));
    for (const process of [a, b]) {
      const error = await errorOf(world.run(process.write('x', { key: 'k', value: 2 })));
      expect(error).toMatchObject({
        kind: 'conflict',
        code: 'idempotency_key_reused',
        outcome: 'not_applied',
        details: { idempotency_key: 'k', sequence: 1 },
      });
    }
    expect(await truth(world)).toEqual(['1:x=1']);
  });

  it('used twice at once have one effect, and the second answer is the first', async () => {
    for (const shared of [true, false]) {
      const world = await new LogWorld().start();
      const [a, b] = [world.process('a', { shared }), world.process('b', { shared })];
      const calls = [a, a, b, a, b].map((process) => process.write('x', { key: 'k' }));
      const answers = await world.run(Promise.all(calls));
      expect(new Set(answers.map(({ sequence: seq }) => seq)).size).toBe(1);
      expect(await truth(world)).toHaveLength(1);
    }
  });

  it('used at once for two requests are applied for one and refused for the other', async () => {
    const world = await new LogWorld().start();
    const [a, b] = [world.process('a'), world.process('b')];
    const calls = [a.write('x', { key: 'k', value: 1 }), b.write('x', { key: 'k', value: 2 })];
    const ends = await world.run(Promise.allSettled(calls));
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const won = ends.findIndex(({ status }) => status === 'fulfilled') + 1;
    expect(await truth(world)).toEqual([`1:x=${won}`]);
  });

  it('that a read brings in while a repeat waits for the head are seen before the next slot is built', async () => {
    // A repeat and a new write share a round; while the repeat asks for the head, a read of the same process takes in
    // a slot that already holds the new write's key, with another request.
    const world = await new LogWorld().start();
    const [a, b] = [world.process('a'), world.process('b')];
    await world.run(a.write('x', { key: 'old' }));
    await world.run(b.write('y', { key: 'k', value: 1 }));
    world.bucket.script = ({ process, op, key, nth }) =>
      process === 'a' && op === 'get' && key.endsWith('/head') && nth === 3 ? { slow: 1_000 } : undefined;
    const repeat = a.write('x', { key: 'old' });
    const queued = [a.write('x', { key: 'old' }), a.write('y', { key: 'k', value: 2 })].map((w) =>
      errorOrSeq(w),
    );
    const read = world.time.sleep(30).then(() => a.read());
    const [, ends] = await world.run(Promise.all([Promise.all([repeat, read]), Promise.all(queued)]));
    expect(
      world.bucket.trace.filter(({ process, key }) => process === 'a' && key.endsWith('/head')).length,
    ).toBeGreaterThan(4);
    expect(ends).toEqual([1, 'idempotency_key_reused']);
    expect(await truth(world)).toEqual(['1:x=1', '2:y=1']);
  });

  it('stay known over 65,536 writes and answer 409 beyond, once the first tail is out of reach', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.write('x', { key: 'k' }));
    let chain = await world.run(a.log.read('strong', (state) => state.chain));
    const keysPerSlot = limits.keysPerSlot;
    const slots = limits.windowKeys / keysPerSlot;
    for (let slot = 0; slot < slots; slot++) {
      const batches = Array.from({ length: keysPerSlot }, (_, i) => {
        const key = `${slot}-${i}`;
        return slotBatch(key, upsertBatch(key, 1));
      });
      chain = (await world.forceSlot(slot + 2, chain, batches)).chain;
      if (slot === slots - 2) {
        // 65,280 keys and ours: within reach.
        expect(await world.run(a.write('x', { key: 'k', firstTail: 0 }))).toMatchObject({ sequence: 1 });
      }
    }
    await world.run(a.read());
    const late = await errorOf(world.run(a.write('x', { key: 'k', firstTail: 0 })));
    expect(late).toMatchObject({ kind: 'conflict', code: 'idempotency_window_passed' });
    expect(late.outcome).not.toBe('not_applied');
    expect(await world.run(a.position())).toBe(slots + 1);
    // From a tail that the window still reaches, the absence of a key is proof.
    expect(await world.run(a.write('x', { key: 'new', firstTail: 1 }))).toMatchObject({
      sequence: slots + 2,
    });
  });
});

async function errorOrSeq(work: Promise<{ readonly sequence: number }>): Promise<string | number> {
  return await work.then(
    ({ sequence: seq }) => seq,
    (error: { readonly code: string }) => error.code,
  );
}

describe('rivals', () => {
  it('32 processes at once are all acknowledged, in few slots', async () => {
    const world = await new LogWorld().start();
    const processes = Array.from({ length: 32 }, (_, i) => world.process(`p${i}`));
    const all = await world.run(
      Promise.all(processes.map((process, i) => process.write(`x${i}`, { value: i }))),
    );
    expect(new Set(all.map(({ sequence: seq }) => seq)).size).toBeLessThan(5);
    const found = await truth(world);
    all.forEach(({ sequence: seq }, i) => expect(found).toContain(`${seq}:x${i}=${i}`));
    expect(found).toHaveLength(32);
  });

  it('see each other in the order of real time', async () => {
    const world = await new LogWorld().start();
    const [a, b] = [world.process('a'), world.process('b')];
    let last = 0;
    for (let round = 0; round < 10; round++) {
      for (const process of [a, b]) {
        const { sequence: seq } = await world.run(process.write('x', { value: round }));
        expect(seq).toBeGreaterThan(last);
        last = seq;
        expect((await world.run(a.read())).at(-1)?.seq).toBe(seq);
        expect((await world.run(b.read())).at(-1)?.seq).toBe(seq);
      }
    }
  });

  it('add up: writes that depend on the state are computed from the slot before theirs', async () => {
    for (const shared of [true, false]) {
      const world = await new LogWorld().start();
      const processes = ['a', 'b', 'c'].map((name) => world.process(name, { shared }));
      const calls = Array.from({ length: 30 }, (_, i) => processes[i % 3]!.write('n', { increment: true }));
      await world.run(Promise.all(calls));
      expect((await world.run(processes[0]!.read())).at(-1)?.value).toBe(30);
      expect((await truth(world)).at(-1)).toMatch(/:n=30$/);
    }
  });

  it('cannot slip a batch computed from an older state past the readers', async () => {
    const world = await new LogWorld().start();
    const [first] = await world.fill(1);
    const stale = slotBatch('stale', upsertBatch('n', 1), { resolvedAt: 0 });
    const good = slotBatch('good', upsertBatch('m', 1), { resolvedAt: 1 });
    const ahead = slotBatch('ahead', upsertBatch('o', 1), { resolvedAt: 2 });
    const second = await world.forceSlot(2, first!.chain, [stale, good, ahead]);
    // The same key again, resolved in time: the first time it had no effect, so this is its one effect.
    await world.forceSlot(3, second.chain, [slotBatch('stale', upsertBatch('n', 9), { resolvedAt: 2 })]);
    expect(await truth(world)).toEqual(['1:fill-1=1', '2:m=1', '3:n=9']);
  });

  it('cannot slip a key past the readers a second time', async () => {
    const world = await new LogWorld().start();
    const first = await world.forceSlot(1, CHAIN_START, [
      slotBatch('k', upsertBatch('x', 1)),
      slotBatch('k', upsertBatch('x', 2)),
      slotBatch('l', upsertBatch('y', 1)),
    ]);
    await world.forceSlot(2, first.chain, [
      slotBatch('l', upsertBatch('y', 2)),
      slotBatch('m', upsertBatch('z', 1)),
    ]);
    expect(await truth(world)).toEqual(['1:x=1', '1:y=1', '2:z=1']);
  });
});
