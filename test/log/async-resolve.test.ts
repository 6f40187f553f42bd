/**
 * Batches that depend on the state and take time to compute. Strategy: a resolve that waits while the world moves on:
 * others write, a read takes the slots in, a fold replaces the sink, the caller gives up.
 *
 * Held here: such a batch takes effect only in the slot after the sequence it was computed from (5, 11).
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { sequence } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import type { WritePlan } from '../../core/log/pending-write.js';
import { errorOf, LogWorld, oneUpserted, requestHashOf, upsertBatch } from './fixture.js';
import type { LogProcess, RecordingSink } from './fixture.js';

interface Resolved {
  /** The sequence whose state it saw when it was called. */
  readonly at: number;
  readonly before: number;
}

/** Adds one to `id`; `during` runs before it reads the state. */
function counting(
  id: string,
  calls: Resolved[],
  during: (call: number) => Promise<void>,
): WritePlan<RecordingSink> {
  return {
    resolve: async ({ state, before, seq }) => {
      const held = before.findLast((batch) => batch.ids[0] === id)?.vectors[0];
      calls.push({ at: seq - 1, before: before.length });
      await during(calls.length);
      return { batch: upsertBatch(id, (held ?? state.sink.value(id) ?? 0) + 1), counts: oneUpserted };
    },
  };
}

let keys = 0;
function commit(process: LogProcess, plan: WritePlan<RecordingSink>, timeoutMs = 30_000) {
  const key = `async-${keys++}`;
  const requestHash = requestHashOf(key, {});
  return process.committer.commit({ plan, key, requestHash, firstTail: undefined, timeoutMs });
}

async function warm(shared = true): Promise<{ world: LogWorld; a: LogProcess; b: LogProcess }> {
  const world = await new LogWorld().start();
  const [a, b] = [world.process('a', { shared }), world.process('b')];
  await world.run(a.write('n', { value: 1 }));
  return { world, a, b };
}

describe('a batch that takes time to compute', () => {
  it.each([true, false])(
    'is computed again where slots were taken in meanwhile (shared: %s)',
    async (shared) => {
      const { world, a, b } = await warm(shared);
      const calls: Resolved[] = [];
      const plan = counting('n', calls, async (call) => {
        if (call > 2) return;
        await b.write('n', { increment: true });
        await a.read();
      });
      expect(await world.run(commit(a, plan))).toMatchObject({ sequence: 4 });
      expect(calls.map(({ at }) => at)).toEqual([1, 2, 3]);
      expect((await world.run(a.read())).map(({ value }) => value)).toEqual([1, 2, 3, 4]);
    },
  );

  it('is computed again where another won the slot', async () => {
    const { world, a, b } = await warm();
    const calls: Resolved[] = [];
    const plan = counting('n', calls, async (call) => {
      if (call === 1) await b.write('n', { increment: true });
    });
    expect(await world.run(commit(a, plan))).toMatchObject({ sequence: 3 });
    expect(calls.map(({ at }) => at)).toEqual([1, 2]);
    expect((await world.run(world.process('judge').read())).map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  it.each([true, false])(
    'is given up where slots are taken in each time that it is computed (shared: %s)',
    async (shared) => {
      const { world, a, b } = await warm(shared);
      const calls: Resolved[] = [];
      const plan = counting('n', calls, async () => {
        await b.write('n', { increment: true });
        await a.read();
      });
      const error = await world.run(errorOf(commit(a, plan, 1_000_000_000)));
      expect([error.kind, error.code, error.outcome]).toEqual(['conflict', 'contended', 'not_applied']);
      expect(calls).toHaveLength(limits.resolveTries);
      expect((await world.run(a.read())).length).toBe(1 + limits.resolveTries);
    },
  );

  it('comes after those before it in its slot', async () => {
    const { world, a } = await warm();
    const calls: Resolved[] = [];
    const wait = () => world.time.sleep(20);
    const plans = Array.from({ length: 5 }, () => counting('n', calls, wait));
    const ends = await world.run(Promise.all(plans.map((plan) => commit(a, plan))));
    const effects = await world.run(a.read());
    expect(effects.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(effects.slice(1).map(({ seq }) => seq)).toEqual(ends.map((end) => end.sequence));
    expect(Math.max(...calls.map(({ before }) => before))).toBeGreaterThan(2);
  });

  it('is computed again where its sink was replaced under it, and what it threw then does not count', async () => {
    const { world, a } = await warm();
    const { chain } = a.log.state!;
    let calls = 0;
    const plan: WritePlan<RecordingSink> = {
      resolve: async ({ state }) => {
        const { sink } = state;
        if (calls++ === 0) {
          await world.forceHead({ foldedSeq: sequence(1), foldedChain: chain });
          await a.read();
          await a.log.settle();
        }
        // Fails where it was released meanwhile.
        return { batch: upsertBatch('n', sink.value('n')! + 1), counts: oneUpserted };
      },
    };
    expect(await world.run(commit(a, plan))).toMatchObject({ sequence: 2 });
    expect([calls, a.log.state!.base.foldedSeq]).toEqual([2, 1]);
  });

  it('that fails ends its own write only', async () => {
    const { world, a } = await warm();
    const refused = new CairnError('conflict', 'condition_failed', 'no', { outcome: 'not_applied' });
    const failing: WritePlan<RecordingSink> = {
      resolve: async () => {
        await world.time.sleep(5);
        throw refused;
      },
    };
    const [error, other] = await world.run(
      Promise.all([
        errorOf(commit(a, failing)),
        commit(
          a,
          counting('n', [], async () => {}),
        ),
      ]),
    );
    expect([error, other.sequence]).toEqual([refused, 2]);
  });

  it('that its caller no longer waits for is not written', async () => {
    const { world, a } = await warm();
    const slow = commit(
      a,
      counting('n', [], () => world.time.sleep(1_000)),
      100,
    );
    const error = await errorOf(world.run(slow));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'not_applied' });
    expect(await world.run(a.write('y'))).toMatchObject({ sequence: 2 });
    expect((await world.run(a.read())).map(({ id }) => id)).toEqual(['n', 'y']);
  });
});
