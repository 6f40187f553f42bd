/**
 * The test that a bucket has to pass before it is trusted: what it costs on a store that keeps its promises, and that it
 * refuses one that breaks any of them. The store is a real one; a proxy before it takes out of requests what the broken store
 * would not look at, and turns answers around.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openS3Store, parseS3Url } from '../../core/store/adapters/s3/index.js';
import { gateways, makeBucket, openStore, realPorts, s3Url } from '../engines/ceph/bucket.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, FaultRule, ProxiedRequest } from '../engines/fault-proxy.js';

describe.skipIf(gateways.length === 0)('the self-test of the S3 store', () => {
  let bucket: string;

  beforeAll(async () => {
    bucket = await makeBucket('self-test', 'open');
  });

  async function proxied(rule: FaultRule = {}): Promise<FaultProxy> {
    const proxy = await startFaultProxy(gateways[0]!);
    onTestFinished(() => proxy.close());
    proxy.use(rule);
    return proxy;
  }

  /** Without the signature, which covers what is changed: the bucket is open to everyone. */
  function changing(change: (request: ProxiedRequest) => void): FaultRule {
    return {
      before: (request) => {
        delete request.headers['authorization'];
        change(request);
      },
    };
  }

  const quoting = (request: ProxiedRequest): void => {
    const given = request.headers['if-match'];
    // A store that wants quotes and takes nothing else for an ETag.
    if (given !== undefined) {
      request.headers['if-match'] = /^".*"$/.test(String(given)) ? String(given).replaceAll('"', '') : '0';
    }
  };

  it('takes 12 requests on a store that wants If-Match without quotes, and leaves nothing behind', async () => {
    const proxy = await proxied();
    const opened = await openS3Store(parseS3Url(s3Url(bucket, proxy.url)), realPorts);
    expect(opened.sent()).toBe(12);
    expect(proxy.seen).toHaveLength(12);
    expect(await opened.store.list('')).toEqual([]);
    const key = 'swapped';
    const first = await opened.store.put(key, new Uint8Array(1), { if: 'absent' });
    if (first.status !== 'applied') throw new Error(first.status);
    const swap = { if: { version: first.version } } as const;
    expect((await opened.store.put(key, new Uint8Array(2), swap)).status).toBe('applied');
    await opened.store.delete([key]);
    await opened.store.close();
  });

  it('takes 10 where it is sent as the standard has it', async () => {
    const proxy = await proxied(changing(quoting));
    const { store, sent } = await openS3Store(parseS3Url(s3Url(bucket, proxy.url)), realPorts);
    expect(sent()).toBe(10);
    expect(await store.list('')).toEqual([]);
    await store.close();
  });

  const without = (header: string, method: string): FaultRule =>
    changing((request) => {
      if (request.method === method) delete request.headers[header];
    });
  const withoutStart = changing((request) => {
    request.path = request.path.replace(/start-after=[^&]*&?/, '');
  });
  const backwards: FaultRule = {
    after: ({ path }, answer) => {
      if (!path.includes('list-type=2')) return;
      const text = answer.body.toString();
      const found = text.match(/<Contents>.*?<\/Contents>/gs) ?? [];
      const turned = found.toReversed().join('');
      answer.body = Buffer.from(text.replace(found.join(''), turned));
      answer.headers['content-length'] = String(answer.body.length);
    },
  };

  it.each([
    ['looks at no condition of a creation', without('if-none-match', 'PUT'), 'conditional create'],
    ['looks at no condition of a swap', without('if-match', 'PUT'), 'conditional swap'],
    ['looks at no condition of a get', without('if-none-match', 'GET'), 'conditional get'],
    ['lists from the start whatever is asked', withoutStart, 'ordered list'],
    ['lists backwards', backwards, 'ordered list'],
    [
      'matches nothing',
      changing((request) => {
        if (request.headers['if-match'] !== undefined) request.headers['if-match'] = '0';
      }),
      'conditional swap',
    ],
    [
      'matches everything that has no quotes',
      changing((request) => {
        if (/^[^"]+$/.test(String(request.headers['if-match'] ?? '"'))) delete request.headers['if-match'];
      }),
      'conditional swap',
    ],
  ])('refuses a store that %s, and leaves nothing in it', async (_, rule, promise) => {
    const proxy = await proxied(rule);
    await expect(openStore(s3Url(bucket, proxy.url))).rejects.toMatchObject({
      kind: 'invalid',
      code: 'store_unfit',
      details: { store: `s3://${bucket}/some/prefix/`, failed: expect.stringContaining(promise) },
    });
    const direct = await openStore(s3Url(bucket, gateways[1]!, ''));
    expect(await direct.list('')).toEqual([]);
    await direct.close();
  });

  it('lets whoever may only read do so', async () => {
    const readable = await makeBucket('readable', 'readable');
    const owner = await openStore(s3Url(readable, gateways[0]!));
    await owner.put('key', new Uint8Array(7), { if: 'absent' });
    const proxy = await proxied(changing(() => {}));
    const { store, sent } = await openS3Store(parseS3Url(s3Url(readable, proxy.url)), realPorts);
    expect(sent()).toBe(5);
    expect(await store.get('key')).toMatchObject({ status: 'found', size: 7 });
    expect(await store.list('')).toEqual([{ key: 'key', size: 7 }]);
    const denied = { kind: 'forbidden', code: 'store_forbidden' };
    await expect(store.put('key', new Uint8Array(1), { if: 'any' })).rejects.toMatchObject({
      ...denied,
      outcome: 'not_applied',
    });
    await expect(store.delete(['key'])).rejects.toMatchObject(denied);
    await owner.close();
    await store.close();
  });

  it('asks again where some puts are forbidden and others are not', async () => {
    let puts = 0;
    const proxy = await proxied({
      before: ({ method }) =>
        method === 'PUT' && ++puts === 3 ? { status: 403, headers: {}, body: Buffer.alloc(0) } : undefined,
    });
    const { store, sent } = await openS3Store(parseS3Url(s3Url(bucket, proxy.url)), realPorts);
    expect(sent()).toBeGreaterThan(12);
    expect(await store.list('')).toEqual([]);
    await store.close();
  });

  it('passes a store that takes one write per second and key', async () => {
    const written = new Map<string, number>();
    const proxy = await proxied({
      before: ({ method, path }) => {
        if (method !== 'PUT') return undefined;
        const waited = Date.now() - (written.get(path) ?? 0);
        written.set(path, Date.now());
        return waited < 1_000 ? { status: 429, headers: {}, body: Buffer.alloc(0) } : undefined;
      },
    });
    const { store, sent } = await openS3Store(parseS3Url(s3Url(bucket, proxy.url)), realPorts);
    expect(sent()).toBeGreaterThan(12);
    expect(await store.list('')).toEqual([]);
    await store.close();
  });

  it('asks again where the store left something open, and gives up in the end', async () => {
    let spoiled = 0;
    const busy = { status: 503, headers: {}, body: Buffer.alloc(0) };
    const proxy = await proxied({ before: () => (spoiled++ === 2 ? busy : undefined) });
    const store = await openStore(s3Url(bucket, proxy.url));
    expect(spoiled).toBeGreaterThan(12);
    await store.close();
    const never = await proxied({ before: () => busy });
    await expect(openStore(s3Url(bucket, never.url))).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_busy',
    });
  });
});
