/**
 * Swaps of the head. Strategy: an edit that changes nothing but the version, so that every swap that counts twice, is lost
 * or goes over another's shows in it; every end of a put, on the head and on the copy.
 *
 * Held here: one lineage (12), version never goes back (6), every superseded head has its copy, byte for byte.
 */
import { describe, expect, it } from 'vitest';
import { headVersion } from '../../core/base/ids.js';
import { sealHead } from '../../core/log/head-codec.js';
import { swapHead } from '../../core/log/head-swap.js';
import { limits } from '../../core/base/limits.js';
import type { LogContext } from '../../core/log/index.js';
import { headCopyKey, headKey } from '../../core/log/layout.js';
import { meteringStore } from '../../core/store/index.js';
import type { Fault } from './faulty-store.js';
import { digests, errorOf, LogWorld } from './fixture.js';

async function bytesOf(world: LogWorld, key: string): Promise<Uint8Array | undefined> {
  const got = await world.bucket.truth.get(key);
  return got.status === 'found' ? got.bytes : undefined;
}

const isHead = (key: string): boolean => key.endsWith('/head');
const isCopy = (key: string): boolean => key.includes('/heads/');

describe('a swap', () => {
  const ends: readonly { readonly name: string; readonly faults: readonly Fault[] }[] = [
    { name: 'applied', faults: [] },
    { name: 'applied without an answer', faults: [{ put: 'landed' }] },
    { name: 'not applied without an answer', faults: [{ put: 'lost' }] },
    { name: 'refused by its own silent retry', faults: [{ put: 'retried' }] },
    { name: 'late, before the second try', faults: [{ put: 'late', requests: 0 }] },
    { name: 'late, after the second try', faults: [{ put: 'late', requests: 6 }] },
  ];
  it.each(ends)('counts once when its put is $name', async ({ faults }) => {
    const world = await new LogWorld().start();
    const before = await bytesOf(world, headKey(world.uid));
    world.bucket.script = ({ op, key, nth }) => (op === 'put' && isHead(key) ? faults[nth] : undefined);
    const { context } = world.process('a');
    const swapped = await world.run(swapHead(context, () => ({})));
    await world.bucket.landAll();
    expect(swapped?.version).toBe(2);
    expect(sealHead(digests, await world.head())).toEqual(sealHead(digests, swapped!));
    expect(await bytesOf(world, headCopyKey(world.uid, headVersion(1)))).toEqual(before);
  });

  it.each(ends)('keeps its copy when the put of that is $name', async ({ faults }) => {
    const world = await new LogWorld().start();
    const before = await bytesOf(world, headKey(world.uid));
    world.bucket.script = ({ op, key, nth }) => (op === 'put' && isCopy(key) ? faults[nth] : undefined);
    await world.run(swapHead(world.process('a').context, () => ({})));
    expect(await bytesOf(world, headCopyKey(world.uid, headVersion(1)))).toEqual(before);
  });

  it('never replaces a head before the copy is there', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key }) => (op === 'put' && isCopy(key) ? { put: 'lost' } : undefined);
    const error = await errorOf(world.run(swapHead(world.process('a').context, () => ({}))));
    expect(error).toMatchObject({ kind: 'unavailable', outcome: 'not_applied' });
    expect((await world.head()).version).toBe(1);
  });

  it('by 12 rivals counts 12 times, in one line', async () => {
    const world = await new LogWorld().start();
    const rivals = Array.from({ length: 12 }, (_, i) => world.process(`p${i}`).context);
    const swapped = await world.run(Promise.all(rivals.map((context) => swapHead(context, () => ({})))));
    const head = await world.head();
    expect(head.version).toBe(13);
    expect(new Set([head.nonce, ...head.nonces])).toEqual(
      new Set(['0'.repeat(32), ...swapped.map((own) => own!.nonce)]),
    );
    for (let version = 1; version < 13; version++) {
      expect(await bytesOf(world, headCopyKey(world.uid, headVersion(version)))).toBeDefined();
    }
  });

  it('that stalls does not go over what came meanwhile', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ process, op, key, nth }) =>
      process === 'slow' && op === 'put' && isHead(key) && nth === 0 ? { before: 60_000 } : undefined;
    const slow = swapHead(world.process('slow').context, (head) =>
      head.state === 'active' ? { state: 'dropped' } : undefined,
    );
    const quick = world.time
      .sleep(1_000)
      .then(() => swapHead(world.process('b').context, () => ({ state: 'dropped' })));
    const [seen, made] = await world.run(Promise.all([slow, quick]));
    expect((await world.head()).nonce).toBe(made!.nonce);
    expect(seen!.nonce).toBe(made!.nonce);
  });

  it('does nothing where there is nothing to do, or no head', async () => {
    const world = await new LogWorld().start();
    const { context } = world.process('a');
    expect((await world.run(swapHead(context, () => undefined)))?.version).toBe(1);
    await world.bucket.truth.delete([headKey(world.uid)]);
    expect(await world.run(swapHead(context, () => ({})))).toBeUndefined();
  });

  it('that is never decided ends as unknown', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key }) => (op === 'put' && isHead(key) ? { put: 'lost' } : undefined);
    const error = await errorOf(world.run(swapHead(world.process('a').context, () => ({}))));
    expect(error).toMatchObject({ kind: 'unavailable', outcome: 'unknown' });
  });
});

describe('a swap whose invocation has no request left', () => {
  // One read, the copy and the head, and what a put leaves.
  const limited = (context: LogContext): LogContext => {
    const invocation = { limit: 3 + limits.invocationPutReserve, used: 0 };
    return { ...context, store: meteringStore(context.store, { current: () => invocation }) };
  };

  it('is not known of where a put of it is under way', async () => {
    const world = await new LogWorld().start();
    world.bucket.script = ({ op, key }) =>
      op === 'put' && isHead(key) ? { put: 'late', requests: 1_000 } : undefined;
    const error = await errorOf(world.run(swapHead(limited(world.process('a').context), () => ({}))));
    expect(error).toMatchObject({ code: 'subrequests_exhausted', outcome: 'unknown' });
    await world.bucket.landAll();
    expect((await world.head()).version).toBe(2);
  });

  it('was not applied where another took its place', async () => {
    const world = await new LogWorld().start();
    const rival = world.process('b').context;
    let asked = 0;
    const decide = async (): Promise<object> => {
      if (asked++ === 0) await swapHead(rival, () => ({}));
      return {};
    };
    const error = await errorOf(world.run(swapHead(limited(world.process('a').context), decide)));
    expect(error).toMatchObject({ code: 'subrequests_exhausted', outcome: 'not_applied' });
    expect((await world.head()).version).toBe(2);
  });
});
