/**
 * Labels: what a slot says about the time of its commit. For people and retention, so they never go back, and a writer
 * whose clock is far off takes the store's date. They decide nothing: a wrong clock loses no write.
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import type { Clock } from '../../core/base/ports.js';
import { slotKey } from '../../core/log/layout.js';
import { openSlot } from '../../core/log/slot-codec.js';
import { digests, LogWorld } from './fixture.js';

async function labelOf(world: LogWorld, seq: number): Promise<number> {
  const got = await world.bucket.truth.get(slotKey(world.uid, sequence(seq)));
  if (got.status !== 'found') throw new Error(`there is no slot ${seq}`);
  return openSlot(digests, world.uid, sequence(seq), got.bytes).label;
}

const skewed = (world: LogWorld, ms: number): Clock => ({
  wallMs: () => world.time.clock.wallMs() + ms,
  monotonicMs: () => world.time.clock.monotonicMs(),
});

describe('labels', () => {
  it('are the writer’s time, and one more than the one before where that is later', async () => {
    const world = await new LogWorld().start();
    const [a, behind] = [world.process('a'), world.process('behind', { clock: skewed(world, -60_000) })];
    await world.run(a.write('x'));
    const first = await labelOf(world, 1);
    expect(Math.abs(first - world.time.clock.wallMs())).toBeLessThan(1_000);
    await world.run(behind.write('x'));
    expect(await labelOf(world, 2)).toBe(first + 1);
  });

  it.each([-1, 1])('follow the store’s date once a clock was found five minutes off (%i)', async (sign) => {
    const world = await new LogWorld().start();
    const near = world.process('near', { clock: skewed(world, sign * (limits.writerClockSkewMs - 1_000)) });
    await world.run(near.write('x'));
    await world.run(near.write('x'));
    const off = sign * (limits.writerClockSkewMs - 1_000);
    if (sign < 0) expect((await labelOf(world, 2)) - world.time.clock.wallMs()).toBeLessThan(off + 1_000);
    world.time.jump(10 * limits.writerClockSkewMs);
    const far = world.process('far', { clock: skewed(world, -3_600_000) });
    await world.run(far.write('x'));
    await world.run(far.write('x'));
    expect(Math.abs((await labelOf(world, 4)) - world.time.clock.wallMs())).toBeLessThan(1_000);
  });

  it('of a mad clock lose nothing', async () => {
    const world = await new LogWorld().start();
    const mad = world.process('mad', { clock: skewed(world, 1e14) });
    const sane = world.process('sane');
    await world.run(mad.write('x', { value: 1 }));
    await world.run(sane.write('x', { value: 2 }));
    await world.run(mad.write('x', { value: 3 }));
    expect((await world.run(sane.read())).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(await labelOf(world, 3)).toBe((await labelOf(world, 1)) + 2);
  });
});
