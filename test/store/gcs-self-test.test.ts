/**
 * The test that a bucket of Google Cloud Storage has to pass before it is trusted: what it costs on a store that keeps its
 * promises, and that it refuses one that breaks any of them. The store is a fake; a proxy before it takes out of requests what the
 * broken store would not look at, and turns answers around.
 */
import process from 'node:process';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { open } from '../../core/index.js';
import { openGcsStore, parseGcsUrl } from '../../core/store/adapters/gcs/index.js';
import { gcsUrl, makeBucket, openStore, realPorts } from '../engines/gcs-fake/bucket.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { writeCredentials } from '../engines/gcs-fake/tokens.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, FaultRule } from '../engines/fault-proxy.js';

describe('the self-test of the store in Google Cloud Storage', async () => {
  const fake = await startGcsFake();

  afterAll(() => fake.close());

  async function proxied(rule: FaultRule = {}): Promise<FaultProxy> {
    const proxy = await startFaultProxy(fake.url);
    onTestFinished(() => proxy.close());
    proxy.use(rule);
    return proxy;
  }

  it('takes 14 requests, and leaves nothing behind', async () => {
    const bucket = makeBucket(fake);
    const proxy = await proxied();
    const { store, sent } = await openGcsStore(parseGcsUrl(gcsUrl(bucket, proxy.url)), realPorts);
    expect(sent()).toBe(14);
    const methods = proxy.seen.map((line) => line.split(' ')[0]!);
    expect(methods.toSorted().join(' ')).toBe(
      `${'DELETE '.repeat(4)}${'GET '.repeat(3)}${'POST '.repeat(7)}`.trim(),
    );
    expect(bucket.sorted()).toEqual([]);
    await store.close();
  });

  it('can be left out', async () => {
    const url = `${gcsUrl(makeBucket(fake), fake.url)}&self_test=false`;
    const { store, sent } = await openGcsStore(parseGcsUrl(url), realPorts);
    expect(sent()).toBe(0);
    await store.close();
  });

  const without = (parameter: RegExp): FaultRule => ({
    before: (request) => {
      request.path = request.path.replace(parameter, '');
    },
  });
  const backwards: FaultRule = {
    after: ({ path }, answer) => {
      if (!path.includes('maxResults=')) return;
      const page = JSON.parse(answer.body.toString()) as { items?: unknown[] };
      answer.body = Buffer.from(JSON.stringify({ ...page, items: page.items?.toReversed() }));
      answer.headers['content-length'] = String(answer.body.length);
    },
  };

  it.each([
    ['looks at no condition of a creation', without(/&ifGenerationMatch=0/), 'conditional create'],
    ['looks at no condition of a swap', without(/&ifGenerationMatch=[1-9]\d*/), 'conditional swap'],
    ['looks at no condition of a get', without(/&ifGenerationNotMatch=\d+/), 'conditional get'],
    ['lists from the start whatever is asked', without(/&startOffset=[^&]*/), 'ordered list'],
    ['lists backwards', backwards, 'ordered list'],
  ])('refuses a store that %s, and leaves nothing in it', async (_, rule, promise) => {
    const bucket = makeBucket(fake);
    const proxy = await proxied(rule);
    await expect(openStore(gcsUrl(bucket, proxy.url))).rejects.toMatchObject({
      kind: 'invalid',
      code: 'store_unfit',
      details: { store: `gs://${bucket.name}/some/prefix/`, failed: expect.stringContaining(promise) },
    });
    expect(bucket.sorted()).toEqual([]);
  });

  it.each([
    [{ age: 30 }, true],
    [{ age: 30, matchesPrefix: ['other/', 'some/'] }, true],
    [{ age: 30, matchesPrefix: ['some/prefix/c/'] }, true],
    [{ createdBefore: '2999-01-01' }, true],
    [{ age: 1, isLive: true }, true],
    [{ age: 30, matchesPrefix: ['other/'] }, false],
    [{ age: 30, matchesPrefix: ['some/prefix/c'] }, true],
    [{ age: 30, matchesPrefix: ['some/prefix/logs/', 'some/prefix/~probe/'] }, false],
    [{ age: 30, matchesSuffix: ['.tmp', '.del'] }, true],
    [{ age: 30, matchesSuffix: ['eg'] }, true],
    [{ age: 30, matchesSuffix: ['/head'] }, true],
    [{ age: 30, matchesSuffix: ['0-1.seg'] }, true],
    [{ age: 30, matchesSuffix: ['7f'] }, true],
    [{ age: 30, matchesSuffix: ['.tmp', '.mp4', '/', 'overhead'] }, false],
    [{ age: 30, matchesStorageClass: ['STANDARD'] }, true],
    [{ age: 30, matchesStorageClass: ['NEARLINE', 'COLDLINE'] }, false],
    [{ createdBefore: '2020-01-01' }, false],
    [{ age: 30, isLive: false }, false],
    [{ numNewerVersions: 3 }, false],
    [{ daysSinceNoncurrentTime: 7 }, false],
    [{ daysSinceCustomTime: 7 }, false],
  ])('of a bucket that deletes by %j: refused is %s', async (condition, refused) => {
    const bucket = makeBucket(fake);
    bucket.lifecycle = {
      rule: [
        { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 1 } },
        { action: { type: 'Delete' }, condition },
      ],
    };
    const opened = openStore(gcsUrl(bucket, fake.url));
    if (refused) {
      await expect(opened).rejects.toMatchObject({
        code: 'store_unfit',
        message: expect.stringContaining(JSON.stringify(condition)),
      });
    } else await (await opened).close();
    expect(bucket.sorted()).toEqual([]);
  });

  it.each([
    [{ storageClass: 'NEARLINE' }, [], true],
    [{ autoclass: { enabled: true } }, [], true],
    [{}, [{ action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition: { age: 1 } }], true],
    [{ storageClass: 'COLDLINE', autoclass: { enabled: false } }, [], false],
  ])('of a rule by a class, with %j and %j: refused is %s', async (settings, others, refused) => {
    const bucket = Object.assign(makeBucket(fake), settings);
    const condition = { age: 365, matchesStorageClass: ['NEARLINE'] };
    bucket.lifecycle = { rule: [...others, { action: { type: 'Delete' }, condition }] };
    const opened = openStore(gcsUrl(bucket, fake.url));
    if (refused) await expect(opened).rejects.toMatchObject({ code: 'store_unfit' });
    else await (await opened).close();
    expect(bucket.sorted()).toEqual([]);
  });

  it.each([
    ['other/', false],
    ['cat', true],
  ])('of a rule for %s where the whole bucket is ours: refused is %s', async (start, refused) => {
    const bucket = makeBucket(fake);
    bucket.lifecycle = {
      rule: [{ action: { type: 'Delete' }, condition: { age: 1, matchesPrefix: [start] } }],
    };
    const opened = openStore(gcsUrl(bucket, fake.url, ''));
    if (refused) await expect(opened).rejects.toMatchObject({ code: 'store_unfit' });
    else await (await opened).close();
    expect(bucket.sorted()).toEqual([]);
  });

  it('lets whoever may only read do so', async () => {
    const bucket = makeBucket(fake);
    const owner = await openStore(gcsUrl(bucket, fake.url));
    await owner.put('key', new Uint8Array(7), { if: 'absent' });
    fake.tokens.permissions = ['objects.get', 'objects.list'];
    bucket.everyone = new Set();
    const reader = { ...parseGcsUrl(gcsUrl(bucket, fake.url)), anonymous: false };
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = await writeCredentials(fake.tokenUrl);
    onTestFinished(() => void delete process.env['GOOGLE_APPLICATION_CREDENTIALS']);
    const { store, sent } = await openGcsStore(reader, realPorts);
    expect(sent()).toBe(5);
    expect(await store.get('key')).toMatchObject({ status: 'found', size: 7 });
    expect(await store.get('none')).toEqual({ status: 'absent' });
    expect(await store.list('')).toEqual([{ key: 'key', size: 7 }]);
    const denied = { kind: 'forbidden', code: 'store_forbidden' };
    await expect(store.put('key', new Uint8Array(1), { if: 'any' })).rejects.toMatchObject({
      ...denied,
      message: expect.stringMatching(/missing is storage\.objects\.create$/),
      outcome: 'not_applied',
    });
    await expect(store.delete(['key'])).rejects.toMatchObject(denied);
    await owner.close();
    await store.close();
  });

  it('passes a store that takes one write per second and key', async () => {
    const bucket = makeBucket(fake);
    bucket.slowWrites = true;
    const { store, sent } = await openGcsStore(parseGcsUrl(gcsUrl(bucket, fake.url)), realPorts);
    expect(sent()).toBeGreaterThan(14);
    await store.close();
  });

  it('asks again where the store left something open, and gives up in the end', async () => {
    const bucket = makeBucket(fake);
    let spoiled = 0;
    const busy = { status: 503, headers: {}, body: Buffer.alloc(0) };
    const proxy = await proxied({ before: () => (spoiled++ === 2 ? busy : undefined) });
    const store = await openStore(gcsUrl(bucket, proxy.url));
    expect(spoiled).toBeGreaterThan(14);
    await store.close();
    const never = await proxied({ before: () => busy });
    await expect(open(gcsUrl(bucket, never.url))).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_busy',
    });
  });

  it('refuses a clock that is off', async () => {
    const clock = { wallMs: () => Date.now() + 3_600_000 };
    const url = gcsUrl(makeBucket(fake), fake.url);
    await expect(openGcsStore(parseGcsUrl(url), { ...realPorts, clock })).rejects.toMatchObject({
      kind: 'unauthenticated',
      code: 'store_clock_skew',
    });
  });
});
