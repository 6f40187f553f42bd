/**
 * The store in Google Cloud Storage before a fake whose answers get lost, come late, or are others than the store's: each put ends
 * in one of its three ways, each read in an answer that is true or in a typed error. Also what each call sends.
 */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openGcsStore, parseGcsUrl } from '../../core/store/adapters/gcs/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { gcsUrl, makeBucket, openStore } from '../engines/gcs-fake/bucket.js';
import { errorDocument } from '../engines/gcs-fake/refusal.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { ProxiedAnswer, ProxiedRequest } from '../engines/fault-proxy.js';
import { describeFaults } from './bucket-faults.js';
import type { CallRole, StoreSays } from './bucket-faults.js';
import { openProxied, proxiedHarness } from './proxied-store.js';
import type { ProxiedStore } from './proxied-store.js';

const body = new Uint8Array(20_000).fill(7);

function saying({ status = 500, code }: StoreSays): ProxiedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: errorDocument({ status, reason: code, message: 'SECRET' }),
  };
}

function roleOf({ method, path, headers }: ProxiedRequest): CallRole {
  if (method === 'POST' && path.includes('uploadType=multipart')) return 'put';
  const range = String(headers['content-range']);
  if (method !== 'PUT' || range === 'bytes */*') return 'other';
  return range.endsWith('/*') ? 'part' : 'join';
}

describe('the store in Google Cloud Storage', async () => {
  const fake = await startGcsFake();
  const bucket = makeBucket(fake);
  let proxied: ProxiedStore;
  let store: ObjectStore;
  let tests = 0;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    proxied = await openProxied(fake.url, (url, ports) =>
      openGcsStore(parseGcsUrl(gcsUrl(bucket, url)), ports),
    );
    store = proxied.store;
  });
  afterAll(async () => {
    await proxied?.close();
    await fake.close();
  });

  const spoil: ProxiedStore['spoil'] = (rule) => proxied.spoil(rule);
  const counted: ProxiedStore['methodsOf'] = (call) => proxied.methodsOf(call);
  const uploaded = async (key: string, bytes: Uint8Array): Promise<void> => {
    const begun = await store.upload(key);
    await begun.write(bytes);
    await begun.finish();
  };

  describeFaults(
    'Google Cloud Storage',
    () =>
      proxiedHarness(proxied, {
        saying,
        roleOf,
        secrets: ['SECRET', 'upload_id'],
        unfinished: async () => fake.sessions.unfinished,
      }),
    {
      brokenBody: 'store_unavailable',
      undecided: [
        { status: 500, code: 'backendError' },
        { status: 503, code: 'backendError' },
        { status: 409, code: 'conflict' },
        { status: 429, code: 'rateLimitExceeded' },
        { status: 408, code: 'requestTimeout' },
      ],
      typed: [
        { status: 403, code: 'forbidden', kind: 'forbidden', ours: 'store_forbidden' },
        { status: 401, code: 'authError', kind: 'unauthenticated', ours: 'store_unauthenticated' },
        { status: 429, code: 'rateLimitExceeded', kind: 'unavailable', ours: 'store_busy' },
        { status: 503, code: 'backendError', kind: 'unavailable', ours: 'store_busy' },
      ],
    },
  );

  it.each([
    ['is no JSON', { body: Buffer.from('SECRET') }],
    ['is no object', { body: Buffer.from('{}') }],
    ['is of another size', { body: Buffer.from('{"generation":"7","size":"1"}') }],
    ['breaks off', { cutAt: 10 }],
  ] as const)('does not know of a put whose answer %s', async (_, change) => {
    spoil({
      after: (__, answer) => {
        Object.assign(answer, change);
        answer.headers['content-length'] = String(answer.body.length);
      },
    });
    const end = await store.put(fresh(), body, { if: 'absent' });
    expect(end).toMatchObject({ status: 'unknown', cause: { kind: 'unavailable' } });
    expect(inspect(end, { depth: 10 })).not.toMatch(/SECRET/);
  });

  it('says a refusal by a policy from one by a condition', async () => {
    spoil({ before: () => saying({ status: 412, code: 'orgPolicyConstraintFailed' }) });
    await expect(store.put(fresh(), body, { if: 'absent' })).rejects.toMatchObject({ code: 'store_refused' });
    spoil({ before: () => saying({ status: 412, code: 'conditionNotMet' }) });
    expect(await store.put(fresh(), body, { if: 'absent' })).toEqual({ status: 'refused' });
  });

  it('says for each call how many requests it is', async () => {
    const key = fresh();
    expect(await counted(() => store.put(key, body, { if: 'absent' }))).toEqual(['POST']);
    expect(await counted(() => store.get(key))).toEqual(['GET']);
    expect(await counted(() => store.list('key/', { limit: 1 }))).toEqual(['GET']);
    const keys = Array.from({ length: 100 }, (_, at) => `none/${at}`);
    expect(await counted(() => store.delete([...keys, ...keys]))).toEqual(keys.map(() => 'DELETE'));
    const { uploadPartBytes } = limits;
    expect(await counted(() => uploaded(key, new Uint8Array(uploadPartBytes)))).toEqual(['POST']);
    const more = new Uint8Array(uploadPartBytes + 1);
    expect(await counted(() => uploaded(key, more))).toEqual(['POST', 'PUT', 'PUT']);
    const twice = new Uint8Array(2 * uploadPartBytes);
    expect(await counted(() => uploaded(key, twice))).toEqual(['POST', 'PUT', 'PUT', 'PUT']);
  });

  it('keeps no more connections than it may', async () => {
    const narrow = await openStore(`${gcsUrl(bucket, proxied.proxy.url)}&connections=2`);
    let [now, most] = [0, 0];
    spoil({
      before: () => {
        most = Math.max(most, ++now);
      },
      after: () => {
        now--;
      },
    });
    await narrow.delete(Array.from({ length: 40 }, (_, at) => `none/${at}`));
    expect(most).toBe(2);
    await narrow.close();
  });

  it('holds no connection of a body that it does not read', async () => {
    const key = fresh();
    await store.put(key, new Uint8Array(3_000_000), { if: 'absent' });
    const single = await openStore(`${gcsUrl(bucket, proxied.proxy.url)}&connections=1`);
    spoil({ after: (_, { headers }) => void delete headers['x-goog-generation'] });
    await expect(single.get(key)).rejects.toMatchObject({ code: 'store_answer' });
    spoil({});
    expect(await single.get(key)).toMatchObject({ status: 'found', size: 3_000_000 });
    await single.close();
  });

  it('lets the store check what it sends', async () => {
    const key = fresh();
    const flip = ({ method, body: sent }: ProxiedRequest): void => {
      if (method !== 'GET' && sent.length > 10_000) sent[10_000]! ^= 1;
    };
    spoil({ before: flip });
    expect((await store.put(key, body, { if: 'absent' })).status).toBe('unknown');
    const bytes = new Uint8Array(limits.uploadPartBytes + 20_000);
    await expect(uploaded(key, bytes)).rejects.toMatchObject({ kind: 'unavailable' });
    spoil({});
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });

  it('takes no answer for a body without its range, for another body, or for one of no generation', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const range = { offset: 10, length: 15_000 };
    spoil({ before: ({ headers }) => void delete headers['range'] });
    await expect(store.get(key, { range })).rejects.toMatchObject({ kind: 'unavailable' });
    spoil({ after: (_, answer) => void (answer.body[5]! ^= 1) });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'store_answer' });
    spoil({ after: (_, { headers }) => void delete headers['x-goog-generation'] });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'store_answer' });
    spoil({});
    expect((await store.get(key, { range })).status).toBe('found');
  });

  it('takes an answer for a missing object only where the store says so', async () => {
    spoil({ before: () => ({ status: 404, headers: {}, body: Buffer.from('<html>not here</html>') }) });
    await expect(store.get(fresh())).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.delete([fresh()])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('follows tokens over short and empty pages, and asks for one key more than it may not have', async () => {
    const prefix = `${fresh()}/`;
    for (const name of ['a', 'b', 'c', 'd']) await store.put(prefix + name, body, { if: 'absent' });
    bucket.raggedPages = true;
    onTestFinished(() => void (bucket.raggedPages = false));
    for (let turn = 0; turn < 3; turn++) {
      const listed = await store.list(prefix, { after: `${prefix}a`, limit: 2 });
      expect(listed.map(({ key }) => key)).toEqual([`${prefix}b`, `${prefix}c`]);
      const between = await store.list(prefix, { after: `${prefix}a!` });
      expect(between.map(({ key }) => key.at(-1))).toEqual(['b', 'c', 'd']);
    }
  });

  describe('in an upload', () => {
    const parts = new Uint8Array(2 * limits.uploadPartBytes + 5).map((_, at) => (at * 31) % 251);
    const isThere = async (key: string): Promise<boolean> => {
      const found = await store.get(key);
      return found.status === 'found' && Buffer.compare(found.bytes, parts) === 0;
    };
    const isPut = (request: ProxiedRequest): boolean => request.method === 'PUT';

    it.each([0, 1, 2])('goes on from where the store is, where the answer to part %d is lost', async (at) => {
      const key = fresh();
      let seen = 0;
      spoil({ after: (request) => (isPut(request) && seen++ === at ? 'drop' : undefined) });
      // Of the end the object itself is asked, of others the session.
      const question = at === 2 ? 'GET' : 'PUT';
      const sent = await counted(() => uploaded(key, parts));
      expect(sent.toSorted()).toEqual(['POST', 'PUT', 'PUT', 'PUT', question].toSorted());
      expect(await isThere(key)).toBe(true);
    });

    it.each([0, 1, 2])('sends part %d again that never came', async (at) => {
      const key = fresh();
      let seen = 0;
      spoil({
        before: (request) =>
          isPut(request) && seen++ === at ? saying({ status: 503, code: 'backendError' }) : undefined,
      });
      await uploaded(key, parts);
      expect(await isThere(key)).toBe(true);
    });

    it('sends what the store did not keep of a part', async () => {
      const key = fresh();
      bucket.keeps = (bytes) => Math.floor(bytes / 2 / 262_144) * 262_144 || bytes;
      onTestFinished(() => void (bucket.keeps = (bytes) => bytes));
      expect((await counted(() => uploaded(key, parts))).length).toBeGreaterThan(6);
      expect(await isThere(key)).toBe(true);
    });

    it('gives up where the store keeps nothing of a part', async () => {
      bucket.keeps = () => 0;
      onTestFinished(() => void (bucket.keeps = (bytes) => bytes));
      await expect(uploaded(fresh(), parts)).rejects.toMatchObject({ code: 'store_answer' });
    });

    it('says so where the session is gone', async () => {
      const upload = await store.upload(fresh());
      await upload.write(parts);
      fake.sessions.forget();
      const thrown: unknown = await upload.finish().catch((error: unknown) => error);
      expect(thrown).toMatchObject({
        code: 'store_refused',
        message: expect.stringContaining('SessionGone'),
      });
      await upload.abort();
    });
  });

  it('says what is missing when it is opened', async () => {
    const url = `gs://no-such-bucket/?endpoint=${encodeURIComponent(fake.url)}`;
    await expect(open(url)).rejects.toMatchObject({ kind: 'not_found', code: 'store_not_found' });
    const refused = await startFaultProxy(fake.url);
    await refused.close();
    await expect(openStore(gcsUrl(bucket, refused.url))).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_unavailable',
    });
  });

  it('has no names with line ends, nor longer ones than the store', async () => {
    await expect(store.put('a\nb', body, { if: 'any' })).rejects.toMatchObject({ code: 'invalid_key' });
    const long = 'x'.repeat(limits.keyBytes - 'some/prefix/'.length);
    expect((await store.put(long, body, { if: 'absent' })).status).toBe('applied');
    await expect(store.put(`${long}x`, body, { if: 'any' })).rejects.toMatchObject({ code: 'key_too_long' });
  });
});
