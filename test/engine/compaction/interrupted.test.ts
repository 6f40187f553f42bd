/**
 * Crash at every step: a compaction is called off, or its process dies, at each of its calls of the store. Whatever is left behind,
 * every record is there, and whoever compacts next gets through (invariants 8, 10 and 20).
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import { lendToNobody } from '../../../core/kernel/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { World } from './world.js';
import type { Process } from './world.js';

/** Runs `before` in front of every call of the store. */
function watched(store: ObjectStore, before: (method: string) => void): ObjectStore {
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name);
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          before(String(name));
          const answer: unknown = await (value as (...args: unknown[]) => unknown).apply(of, given);
          return name === 'upload' ? wrap(answer as object) : answer;
        };
      },
    });
  return wrap(store);
}

async function preparedWorld(): Promise<{ readonly world: World; readonly writer: Process }> {
  const world = await new World().start();
  const writer = world.process();
  const put = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `id${from + i}`, x: from + i }));
  await writer.write({ put: put(0, 90) });
  await writer.compact();
  await writer.write({ put: put(200, 12), hide: ['id5'] });
  await writer.compact({ flat: true });
  await writer.write({ put: put(80, 30), remove: ['id1', 'id205'], hide: ['id2', 'id206'] });
  return { world, writer };
}

async function mustHold(world: World, process: Process): Promise<void> {
  const there = new Map(await process.contents());
  expect(there).toEqual(new Map(world.model));
}

/** How many calls the compaction makes when nobody disturbs it. */
async function countCalls(): Promise<number> {
  const { world } = await preparedWorld();
  let calls = 0;
  const process = world.process((store) => watched(store, () => calls++));
  const { segmentsMerged } = await process.compact();
  expect(segmentsMerged).toBe(1);
  return calls;
}

describe('a compaction', () => {
  it('that is called off at any step changes nothing and leaves no job', async () => {
    const calls = await countCalls();
    let cancelled = 0;
    for (let at = 1; at <= calls; at++) {
      const { world, writer } = await preparedWorld();
      const before = await world.head();
      const controller = new AbortController();
      let made = 0;
      const process = world.process((store) => watched(store, () => ++made === at && controller.abort()));
      const outcome = await process.compact({ signal: controller.signal }).catch((error: unknown) => error);
      const head = await world.head();
      expect(head.jobs).toEqual([]);
      if (outcome instanceof CairnError) {
        expect(outcome.code).toBe('compaction_cancelled');
        expect(head.segments).toEqual(before.segments);
        cancelled++;
      }
      await mustHold(world, writer);
      await mustHold(world, process);
      expect((await writer.compact()).foldedSlots).toBe(outcome instanceof CairnError ? 1 : 0);
      await mustHold(world, writer);
    }
    expect(cancelled).toBeGreaterThan(calls / 2);
  });

  it('that is called off in the middle of any work gives memory back, and takes back what threads are at', async () => {
    const world = await new World().start();
    const put = Array.from({ length: limits.flatRows }, (_, i) => ({ id: `id${i}`, x: i }));
    await world.process().write({ put });
    const process = world.process();
    let atThreads = 0;
    process.kernel.threads = {
      count: 1,
      lend(arena, scratch) {
        const lent = lendToNobody(arena, scratch);
        atThreads++;
        return { all: (calls) => lent.all(calls), takeBack: () => (atThreads--, lent.takeBack()) };
      },
    };
    await process.contents();
    const used = (): number => process.kernel.pool.usage().usedBytes;
    const before = used();
    for (let most = 1; ; most += Math.ceil(most / 4)) {
      let looks = 0;
      const signal = {
        get aborted(): boolean {
          return ++looks > most;
        },
      };
      const outcome = await process.compact({ signal }).catch((error: unknown) => error);
      expect([most, atThreads, used()]).toEqual([most, 0, before]);
      if (!(outcome instanceof CairnError)) break;
      expect(outcome.code).toBe('compaction_cancelled');
    }
  });

  it('that dies at any step is taken for dead after an hour', async () => {
    const calls = await countCalls();
    let left = 0;
    for (let at = 1; at <= calls; at++) {
      const { world, writer } = await preparedWorld();
      let made = 0;
      const die = (): void => {
        if (++made >= at) throw new CairnError('unavailable', 'store_unavailable', 'the process is dead');
      };
      await world
        .process((store) => watched(store, die))
        .compact()
        .catch(() => {});
      await mustHold(world, writer);
      const { jobs } = await world.head();
      if (jobs.length > 0) {
        left++;
        expect((await writer.compact()).foldedSlots).toBe(0);
        world.clock.advance(limits.deadJobMs);
      }
      const { foldedSlots } = await writer.compact();
      const head = await world.head();
      expect([foldedSlots, head.foldedSeq, head.jobs]).toEqual([foldedSlots, 3, []]);
      await mustHold(world, writer);
      await mustHold(world, world.process());
    }
    expect(left).toBeGreaterThan(3);
  });
});
