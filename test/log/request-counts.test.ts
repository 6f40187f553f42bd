/** What an operation costs in requests, bodies and dependent round trips, by the accounting wrapper. */
import { describe, expect, it } from 'vitest';
import { usageBetween } from '../../core/store/index.js';
import type { StoreUsage } from '../../core/store/index.js';
import { LogWorld } from './fixture.js';
import type { LogProcess } from './fixture.js';

/** Nobody waits for the root of a collection without segments. */
async function allAnswered(world: LogWorld): Promise<void> {
  await world.run(world.time.sleep(1_000));
}

async function costOf(
  world: LogWorld,
  process: LogProcess,
  work: () => Promise<unknown>,
): Promise<StoreUsage> {
  await allAnswered(world);
  const before = process.store.snapshot();
  await world.run(work());
  await allAnswered(world);
  return usageBetween(before, process.store.snapshot());
}

/** The outcomes that occurred. */
function outcomes(usage: StoreUsage): Record<string, number> {
  return Object.fromEntries(Object.entries(usage.outcomes).filter(([, count]) => count > 0));
}

describe('cost', () => {
  it('of an uncontended write: 1 PUT, 1 conditional GET without a body, in 2 round trips', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.read());
    for (let i = 0; i < 3; i++) {
      const cost = await costOf(world, a, () => a.write('x'));
      expect(outcomes(cost)).toEqual({ put_applied: 1, get_unchanged: 1 });
      expect(cost).toMatchObject({ requests: 2, roundTrips: 2, bytesRead: 0 });
    }
  });

  it('of 200 writes at once: as much as of two', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.read());
    const cost = await costOf(world, a, () =>
      Promise.all(Array.from({ length: 200 }, (_, i) => a.write(`x${i}`))),
    );
    expect(outcomes(cost)).toEqual({ put_applied: 2, get_unchanged: 2 });
  });

  it('of a write after the head changed: its body once, not again at every write', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.read());
    await world.forceHead({});
    expect(outcomes(await costOf(world, a, () => a.write('x')))).toEqual({ put_applied: 1, get_found: 1 });
    expect(outcomes(await costOf(world, a, () => a.write('x')))).toEqual({
      put_applied: 1,
      get_unchanged: 1,
    });
  });

  it('of a warm strong read with nothing new: 2 requests in 1 round trip, no body', async () => {
    const world = await new LogWorld().start();
    await world.fill(5);
    const a = world.process('a');
    await world.run(a.read());
    const cost = await costOf(world, a, () => a.read());
    expect(outcomes(cost)).toEqual({ get_unchanged: 1, get_absent: 1 });
    expect(cost).toMatchObject({ requests: 2, roundTrips: 1, bytesRead: 0 });
    // So it is right after a write of the same process.
    await world.run(a.write('x'));
    expect(await costOf(world, a, () => a.read())).toMatchObject({
      requests: 2,
      roundTrips: 1,
      bytesRead: 0,
    });
  });

  it('of strong reads that begin in one step: as much as of one', async () => {
    const world = await new LogWorld().start();
    await world.fill(5);
    const a = world.process('a');
    await world.run(a.read());
    const cost = await costOf(world, a, () => Promise.all(Array.from({ length: 16 }, () => a.read())));
    expect(outcomes(cost)).toEqual({ get_unchanged: 1, get_absent: 1 });
  });

  it('of a cold read: head, root and LIST together, then the slots together', async () => {
    const world = await new LogWorld().start();
    await world.fill(10);
    const a = world.process('a');
    const cost = await costOf(world, a, () => a.read());
    expect(outcomes(cost)).toEqual({ get_found: 11, get_absent: 1, list_answered: 1 });
    expect(cost).toMatchObject({ requests: 13, roundTrips: 2, keysListed: 1 });
  });

  it('of a repeat that is known: 1 conditional GET', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.write('x', { key: 'k' }));
    const cost = await costOf(world, a, () => a.write('x', { key: 'k' }));
    expect(outcomes(cost)).toEqual({ get_unchanged: 1 });
  });

  it('of an eventual read of a young state: nothing', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.read());
    expect(await costOf(world, a, () => a.read('eventual'))).toMatchObject({ requests: 0 });
  });
});
