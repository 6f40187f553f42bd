/**
 * Reads: what a strong read may answer from, and when it must look again. Strategy: slots and heads put into the bucket
 * by force, the reader's own clock turned, requests slowed one by one; the sink fails when used after its release.
 *
 * Held here: an acknowledged write is in every later strong read (3), a read answers only on an active head (21).
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import type { Clock } from '../../core/base/ports.js';
import { headKey, slotKey } from '../../core/log/layout.js';
import { errorOf, LogWorld, slotBatch, upsertBatch } from './fixture.js';
import type { LogProcess } from './fixture.js';
import type { StoreRequest } from './faulty-store.js';

const requestsOf = (world: LogWorld, process: string): StoreRequest[] =>
  world.bucket.trace.filter((request) => request.process === process);

const isHead = (key: string): boolean => key.endsWith('/head');

async function warm(world: LogWorld, name: string, options: Parameters<LogWorld['process']>[1] = {}) {
  const process = world.process(name, options);
  await world.run(process.read());
  world.bucket.trace.length = 0;
  return process;
}

describe('a strong read', () => {
  it('sees every slot up to the first that is missing, however many', async () => {
    for (const count of [0, 1, 2, 3, 4, 5, 40]) {
      const world = await new LogWorld().start();
      const [first] = await world.fill(1);
      const a = await warm(world, 'a');
      await world.fill(count, first!.chain, 2);
      expect((await world.run(a.read())).map(({ seq }) => seq)).toEqual(
        Array.from({ length: count + 1 }, (_, i) => i + 1),
      );
      expect((await world.run(world.process('b').read())).length).toBe(count + 1);
    }
  });

  it('is refused on a dropped collection, whether the state is warm or cold', async () => {
    const world = await new LogWorld().start();
    await world.fill(2);
    const a = await warm(world, 'a');
    await world.forceHead({ state: 'dropped' });
    for (const process of [a, world.process('b')]) {
      expect(await errorOf(world.run(process.read()))).toMatchObject({ code: 'collection_gone' });
    }
    await world.bucket.truth.delete([headKey(world.uid)]);
    for (const process of [a, world.process('c')]) {
      expect(await errorOf(world.run(process.read()))).toMatchObject({ code: 'collection_gone' });
    }
  });

  it('never joins a freshening that began before it', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a', { latencyMs: () => 10 });
    const b = world.process('b');
    // The probe and the head are read at 10 ms and answered at 20 ms; the write ends in between.
    const early = a.read();
    const late = (async () => {
      await world.time.sleep(12);
      await b.write('x');
      expect(world.time.nowMs).toBeLessThan(200);
      return await a.read();
    })();
    const seen = await world.run(Promise.all([early, late]));
    expect(seen[1].map(({ id }) => id)).toEqual(['x']);
  });

  it('that comes while one is under way waits for the next, though the write ended during the first', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    world.bucket.script = ({ process, op, key }) =>
      process === 'a' && op === 'get' && key.includes('/log/') ? { slow: 1_000 } : undefined;
    const early = a.read();
    await world.run(world.process('b').write('x'));
    const late = [a.read(), a.read(), a.read()];
    const [first, ...others] = await world.run(Promise.all([early, ...late]));
    expect(first).toEqual([]);
    for (const effects of others) expect(effects.map(({ id }) => id)).toEqual(['x']);
    // Three readers, one freshening: the probe of slot 1 by the early one, then slots 1 and 2.
    expect(requestsOf(world, 'a').filter(({ key }) => key.includes('/log/'))).toHaveLength(3);
  });

  it('shares nothing where promises must not cross requests', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a', { shared: false });
    await world.run(Promise.all([a.read(), a.read(), a.read()]));
    expect(requestsOf(world, 'a')).toHaveLength(6);
  });

  it('goes on when another of its process took the slots in first', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a', { shared: false });
    world.bucket.script = ({ nth, key }) => (isHead(key) ? { slow: 1_000 * (nth % 3) } : undefined);
    await world.fill(3);
    const all = await world.run(Promise.all([a.read(), a.read(), a.read()]));
    for (const effects of all) expect(effects.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe('an eventual read', () => {
  it('makes no request while the state is younger than ten seconds, and is strong then', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    await world.run(world.process('b').write('x'));
    world.time.jump(limits.eventualStalenessMs - 100);
    expect(await world.run(a.read('eventual'))).toEqual([]);
    expect(requestsOf(world, 'a')).toEqual([]);
    world.time.jump(100);
    expect(await world.run(a.read('eventual'))).toHaveLength(1);
  });

  it('counts the age from the first request of the last freshening, not from its end', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    world.bucket.script = ({ process, key }) =>
      process === 'a' && isHead(key) ? { slow: 9_000 } : undefined;
    await world.run(a.read());
    world.bucket.trace.length = 0;
    world.time.jump(1_000);
    await world.run(a.read('eventual'));
    expect(requestsOf(world, 'a').length).toBeGreaterThan(0);
  });

  it('is strong in a process that knows nothing', async () => {
    const world = await new LogWorld().start();
    await world.fill(3);
    expect(await world.run(world.process('a').read('eventual'))).toHaveLength(3);
  });

  it('stays young through the writes of its own process', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    world.time.jump(9_000);
    await world.run(a.write('x'));
    world.time.jump(9_000);
    world.bucket.trace.length = 0;
    expect(await world.run(a.read('eventual'))).toHaveLength(1);
    expect(requestsOf(world, 'a')).toEqual([]);
  });
});

describe('a slow read', () => {
  const headReads = (world: LogWorld): number =>
    requestsOf(world, 'a').filter(({ op, key }) => op === 'get' && isHead(key)).length;
  const half = limits.fenceMs / 2;

  it.each([
    { what: 'just in time', slow: half - 10, heads: 1 },
    { what: 'half the fence long', slow: half, heads: 2 },
    { what: 'far longer', slow: 10 * half, heads: 2 },
  ])('$what: $heads reads of the head', async ({ slow, heads }) => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    world.bucket.script = ({ op, key }) => (op === 'get' && key.includes('/log/') ? { slow } : undefined);
    await world.run(a.read());
    expect(headReads(world)).toBe(heads);
  });

  it.each([
    { what: 'goes back', wallJumpMs: -1, heads: 2 },
    { what: 'leaps ahead', wallJumpMs: limits.fenceMs, heads: 2 },
    { what: 'goes on', wallJumpMs: 0, heads: 1 },
  ])('by a wall clock that $what: $heads reads of the head', async ({ wallJumpMs, heads }) => {
    const world = await new LogWorld().start();
    let offset = 0;
    const { clock } = world.time;
    // A wall clock that stands still but for the jump.
    const own: Clock = { wallMs: () => 1_000_000 + offset, monotonicMs: () => clock.monotonicMs() };
    const a = await warm(world, 'a', { clock: own });
    world.bucket.script = () => {
      offset = wallJumpMs;
      return undefined;
    };
    await world.run(a.read());
    expect(headReads(world)).toBe(heads);
  });

  it('in a cold process looks at the head again, and finds the collection dropped meanwhile', async () => {
    const world = await new LogWorld().start();
    await world.fill(2);
    world.bucket.script = async ({ op, key }) => {
      if (op !== 'get' || key !== slotKey(world.uid, sequence(2))) return undefined;
      await world.forceHead({ state: 'dropped' });
      return { slow: half };
    };
    expect(await errorOf(world.run(world.process('a').read()))).toMatchObject({ code: 'collection_gone' });
  });

  it('whose list answered long ago loads again when the slots it names are gone', async () => {
    const world = await new LogWorld().start();
    const slots = await world.fill(5);
    let collected = false;
    world.bucket.script = async ({ op }) => {
      if (op !== 'list' || collected) return undefined;
      collected = true;
      return { slow: 5 * half };
    };
    const a = world.process('a');
    const read = a.read();
    const collect = (async () => {
      await world.time.sleep(half);
      await world.forceHead({ foldedSeq: sequence(4), foldedChain: slots[3]!.chain, gcFloor: sequence(4) });
      await world.deleteSlots(1, 4);
    })();
    const [effects] = await world.run(Promise.all([read, collect]));
    expect(effects.map(({ seq }) => seq)).toEqual([5]);
  });
});

describe('a state that is replaced', () => {
  it('is never read or written after its release', async () => {
    const world = await new LogWorld().start();
    await world.fill(5);
    const a = await warm(world, 'a');
    const readers = Array.from({ length: 8 }, (_, i) => readOften(world, a, i));
    const reloads = (async () => {
      for (let i = 0; i < 10; i++) {
        await world.time.sleep(3);
        await a.log.load();
        a.log.unload();
      }
    })();
    const writers = Array.from({ length: 5 }, (_, i) => a.write(`x${i}`, { increment: true }));
    await world.run(Promise.all([...readers, reloads, ...writers]));
    const used = a.sinks.filter((sink) => !sink.released);
    expect(used).toHaveLength(1);
    expect(used[0]).toBe(a.log.state?.sink);
    expect(await world.run(a.read())).toHaveLength(10);
  });

  it('by one of several reads that share a freshening is not read by the others', async () => {
    const world = await new LogWorld().start();
    await world.fill(2);
    const a = await warm(world, 'a');
    const first = a.read();
    const unloading = a.log.read('strong', (state) => {
      const { length } = state.sink.effects;
      a.log.unload();
      return length;
    });
    const others = [a.read(), a.read()];
    const [, length, ...rest] = await world.run(Promise.all([first, unloading, ...others]));
    expect([length, ...rest.map((effects) => effects.length)]).toEqual([2, 2, 2]);
  });

  it('leaves nothing behind when the log is closed during a load', async () => {
    const world = await new LogWorld().start();
    await world.fill(3);
    const a = world.process('a');
    const read = errorOf(a.read());
    const close = world.time.sleep(3).then(() => a.log.release());
    const [error] = await world.run(Promise.all([read, close]));
    expect(error.code).toBe('closed');
    expect(a.sinks.every((sink) => sink.released)).toBe(true);
  });

  it('is dropped where half of a slot is in it: nobody ever reads half a slot', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    const [sink] = a.sinks;
    sink!.failsAt = 'second';
    const batches = [slotBatch('1', upsertBatch('first', 1)), slotBatch('2', upsertBatch('second', 2))];
    await world.forceSlot(1, '0'.repeat(64), batches);
    expect(await errorOf(world.run(a.read()))).toMatchObject({ code: 'memory_budget_exceeded' });
    expect(sink!.released).toBe(true);
    expect((await world.run(a.read('eventual'))).map(({ id }) => id)).toEqual(['first', 'second']);
  });

  it('is dropped, and the write acknowledged, where the own slot does not fit into memory', async () => {
    const world = await new LogWorld().start();
    const a = await warm(world, 'a');
    a.sinks[0]!.failsAt = 'x';
    expect(await world.run(a.write('x'))).toMatchObject({ sequence: 1 });
    expect(a.sinks[0]!.released).toBe(true);
    expect(await world.run(a.read())).toHaveLength(1);
  });
});

async function readOften(world: LogWorld, process: LogProcess, seed: number): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await world.time.sleep((seed * 7 + i * 3) % 11);
    const effects = await process.read(i % 3 === 0 ? 'eventual' : 'strong');
    expect(effects.length).toBeGreaterThanOrEqual(5);
  }
}

describe('damage', () => {
  it('of a slot is a corrupt error in every process, and other reads go on after it is mended', async () => {
    const world = await new LogWorld().start();
    await world.fill(3);
    const a = await warm(world, 'a');
    for (const get of ['flipped', 'truncated'] as const) {
      world.bucket.script = ({ op, key }) =>
        op === 'get' && key === slotKey(world.uid, sequence(2)) ? { get } : undefined;
      const error = await errorOf(world.run(world.process(get).read()));
      expect(error).toMatchObject({ kind: 'corrupt', details: { key: slotKey(world.uid, sequence(2)) } });
    }
    world.bucket.script = ({ op, key }) => (op === 'get' && isHead(key) ? { get: 'flipped' } : undefined);
    const error = await errorOf(world.run(world.process('h').read()));
    expect(error).toMatchObject({ kind: 'corrupt', details: { key: headKey(world.uid) } });
    world.bucket.script = () => undefined;
    expect(await world.run(a.read())).toHaveLength(3);
  });

  it('that loses a slot in the middle is corruption, not a matter of time', async () => {
    const world = await new LogWorld().start();
    await world.fill(5);
    await world.deleteSlots(3, 3);
    const error = await errorOf(world.run(world.process('a').read()));
    expect(error).toMatchObject({ kind: 'corrupt', details: { key: slotKey(world.uid, sequence(3)) } });
  });

  it('that puts another slot in the place of one is found by the chain', async () => {
    const world = await new LogWorld().start();
    const [first] = await world.fill(3);
    await world.forceSlot(2, first!.chain, [slotBatch('other', upsertBatch('other', 1))]);
    const error = await errorOf(world.run(world.process('a').read()));
    expect(error).toMatchObject({ kind: 'corrupt', details: { key: slotKey(world.uid, sequence(3)) } });
  });

  it('survives requests that fail now and then', async () => {
    const world = await new LogWorld().start();
    await world.fill(30);
    world.bucket.script = ({ op, nth }) => {
      if (nth % 3 === 2) return undefined;
      if (op === 'get') return { get: 'unavailable' };
      return op === 'list' ? { list: 'unavailable' } : undefined;
    };
    expect(await world.run(world.process('a').read())).toHaveLength(30);
  });
});
