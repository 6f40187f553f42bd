/**
 * The test that a bucket of R2 has to pass before it is trusted: what it costs, and that it refuses one that breaks any
 * promise. The bucket is a real one in workerd; a binding before it takes out of requests what the broken one would not
 * look at, and turns answers around.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openR2Store } from '../../../core/r2.js';
import type { R2Condition } from '../../../core/store/adapters/r2/r2-binding.js';
import { systemSleep } from '../../../core/system-ports.js';
import { hasRuntimes } from '../install.js';
import { startR2 } from './bucket.js';
import type { LocalR2 } from './bucket.js';
import { SpoiltBucket } from './spoilt-bucket.js';
import type { SpoilRule } from './spoilt-bucket.js';

describe.skipIf(!hasRuntimes())('the self-test of the R2 store', () => {
  let r2: LocalR2;

  beforeAll(async () => {
    r2 = await startR2();
  });
  afterAll(() => r2.close());

  const leftIn = async (): Promise<readonly unknown[]> =>
    (await openR2Store(r2.bind(), { selfTest: false })).list('');
  /** Nobody here minds the pauses. */
  const hasty = { sleep: (ms: number, signal?: AbortSignal) => systemSleep(ms < 5_000 ? 1 : ms, signal) };

  it('takes 10 requests and two pauses, and leaves nothing behind', async () => {
    const bucket = new SpoiltBucket(r2.bind());
    const pauses: number[] = [];
    await openR2Store(
      bucket,
      { prefix: 'p' },
      {
        sleep: async (ms, signal) => {
          if (signal === undefined) pauses.push(ms);
          await hasty.sleep(ms, signal);
        },
      },
    );
    const count = (method: string): number => bucket.seen.filter((each) => each === method).length;
    expect(bucket.seen).toHaveLength(10);
    expect(['put', 'get', 'list', 'delete'].map(count)).toEqual([7, 1, 1, 1]);
    expect(pauses).toEqual([1_100, 1_100]);
    expect(await leftIn()).toEqual([]);
  });

  it('passes in one round where R2 takes one write per second and key', async () => {
    const written = new Map<string, number>();
    const bucket = new SpoiltBucket(r2.bind(), {
      before: ({ method, key }) => {
        if (method !== 'put') return;
        const waited = Date.now() - (written.get(key) ?? 0);
        written.set(key, Date.now());
        if (waited < 1_000) throw new Error('put: Reduce your rate of requests for the same object. (10058)');
      },
    });
    await openR2Store(bucket);
    expect(bucket.seen).toHaveLength(10);
  });

  const unless = (name: keyof R2Condition, rule: 'put' | 'get'): SpoilRule => ({
    [rule]: ({ onlyIf, ...rest }: { readonly onlyIf?: R2Condition }) =>
      onlyIf?.[name] === undefined ? { onlyIf, ...rest } : rest,
  });

  it.each<readonly [string, SpoilRule, string]>([
    ['looks at no condition of a creation', unless('etagDoesNotMatch', 'put'), 'conditional create'],
    ['looks at no condition of a swap', unless('etagMatches', 'put'), 'conditional swap'],
    ['looks at no condition of a get', unless('etagDoesNotMatch', 'get'), 'conditional get'],
    [
      'matches nothing',
      {
        put: (options) =>
          options.onlyIf?.etagMatches === undefined ? options : { ...options, onlyIf: { etagMatches: '0' } },
      },
      'conditional swap',
    ],
    [
      'lists from the start whatever is asked',
      { list: ({ prefix, limit }) => ({ prefix, limit }) },
      'ordered list',
    ],
    [
      'lists backwards',
      {
        page: (page) => ({ ...page, objects: page.objects.toReversed() }),
        // Found out while puts are under way.
        before: ({ method }) => systemSleep(method === 'put' ? 50 : 0),
      },
      'ordered list',
    ],
  ])('refuses a bucket that %s, and leaves nothing in it', async (_, rule, promise) => {
    const bucket = new SpoiltBucket(r2.bind(), rule);
    const opened = openR2Store(bucket, { prefix: 'some/prefix', name: 'BOX' }, hasty);
    await expect(opened).rejects.toMatchObject({
      kind: 'invalid',
      code: 'store_unfit',
      details: { store: 'r2://BOX/some/prefix/', failed: expect.stringContaining(promise) as unknown },
    });
    expect(bucket.underWay).toBe(0);
    expect(await leftIn()).toEqual([]);
  });

  it('asks again where R2 left something open, and gives up in the end', async () => {
    const bucket = new SpoiltBucket(r2.bind());
    const busy = (): never => {
      throw new Error('put: Service is temporarily unavailable. (10043)');
    };
    bucket.use({ before: () => (bucket.seen.length === 3 ? busy() : undefined) });
    await openR2Store(bucket, {}, hasty);
    expect(bucket.seen.length).toBeGreaterThan(10);
    bucket.use({ before: busy });
    await expect(openR2Store(bucket, {}, hasty)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_busy',
    });
  });

  it('lets whoever may only read do so', async () => {
    const bucket = new SpoiltBucket(r2.bind(), {
      before: ({ method }) => {
        if (method === 'put' || method === 'delete') throw new Error(`${method}: no (10003)`);
      },
    });
    const store = await openR2Store(bucket, {}, hasty);
    expect(bucket.seen.toSorted()).toEqual(['list', 'put', 'put', 'put', 'put']);
    await expect(store.put('key', new Uint8Array(1), { if: 'any' })).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'store_forbidden',
      outcome: 'not_applied',
    });
  });
});
