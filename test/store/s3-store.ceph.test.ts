/**
 * The S3 store before a real gateway whose answers get lost, come late, or are others than the store's: each put ends in one of
 * its three ways, each read in an answer that is true or in a typed error. Also what each call sends, and what is said to
 * whoever may not.
 */
import { createHash } from 'node:crypto';
import process from 'node:process';
import { inspect } from 'node:util';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openS3Store, parseS3Url } from '../../core/store/adapters/s3/index.js';
import type { GetOptions, GetResult, ObjectStore } from '../../core/store/index.js';
import { gateways, makeBucket, openStore, realPorts, s3Url } from '../engines/ceph/bucket.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, ProxiedAnswer } from '../engines/fault-proxy.js';

const body = new Uint8Array(20_000).fill(7);

function saying(status: number, code: string, headers: Readonly<Record<string, string>> = {}): ProxiedAnswer {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>SECRET</Message></Error>`),
  };
}

describe.skipIf(gateways.length === 0)('the S3 store', () => {
  let bucket: string;
  let proxy: FaultProxy;
  let store: ObjectStore;
  let tests = 0;
  /** Where answers are to be waited for in vain: what would take ten seconds takes a fifth of one. */
  let longestMs = Number.POSITIVE_INFINITY;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    bucket = await makeBucket('faults');
    proxy = await startFaultProxy(gateways[0]!);
    const ports = {
      ...realPorts,
      sleep: (ms: number, signal?: AbortSignal) => realPorts.sleep(Math.min(ms, longestMs), signal),
    };
    store = (await openS3Store(parseS3Url(s3Url(bucket, proxy.url)), ports)).store;
  });
  afterAll(async () => {
    await store?.close();
    await proxy?.close();
  });

  const spoil: FaultProxy['use'] = (rule) => {
    proxy.use(rule);
    onTestFinished(() => proxy.use({}));
  };
  const inVain = async <T>(call: () => Promise<T>): Promise<T> => {
    longestMs = 200;
    try {
      return await call();
    } finally {
      longestMs = Number.POSITIVE_INFINITY;
    }
  };

  it.each(['drop', 'hang'] as const)('does not know of a put that ends in: %s', async (end) => {
    const [lost, done] = [fresh(), fresh()];
    const put = (key: string) => () => store.put(key, body, { if: 'absent' });
    spoil({ before: () => end });
    expect((await (end === 'hang' ? inVain(put(lost)) : put(lost)())).status).toBe('unknown');
    let applied: (() => void) | undefined;
    const passed = new Promise<void>((resolve) => (applied = resolve));
    spoil({
      after: () => {
        applied?.();
        return end;
      },
    });
    expect((await (end === 'hang' ? inVain(put(done)) : put(done)())).status).toBe('unknown');
    await passed;
    spoil({});
    expect(await store.get(lost)).toEqual({ status: 'absent' });
    expect((await store.get(done)).status).toBe('found');
    expect(await store.put(done, body, { if: 'absent' })).toEqual({ status: 'refused' });
  });

  it.each([
    [500, 'InternalError'],
    [503, 'SlowDown'],
    [409, 'ConditionalRequestConflict'],
    [429, 'TooManyRequests'],
  ])('does not know of a put that was answered with %d %s, applied or not', async (status, code) => {
    const [lost, done] = [fresh(), fresh()];
    spoil({ before: () => saying(status, code) });
    expect((await store.put(lost, body, { if: 'absent' })).status).toBe('unknown');
    spoil({ after: (_, answer) => void Object.assign(answer, saying(status, code)) });
    expect((await store.put(done, body, { if: 'absent' })).status).toBe('unknown');
    spoil({});
    expect(await store.get(lost)).toEqual({ status: 'absent' });
    expect((await store.get(done)).status).toBe('found');
  });

  it('sends each put once, whatever becomes of it', async () => {
    const before = proxy.seen.length;
    spoil({ before: () => saying(500, 'InternalError') });
    await store.put(fresh(), body, { if: 'absent' });
    expect(proxy.seen.length - before).toBe(1);
  });

  it('says for each call how many requests it is', async () => {
    const key = fresh();
    const counted = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = proxy.seen.length;
      await call();
      return proxy.seen.slice(before).map((line) => line.split(' ')[0]!);
    };
    expect(await counted(() => store.put(key, body, { if: 'absent' }))).toEqual(['PUT']);
    expect(await counted(() => store.get(key))).toEqual(['GET']);
    expect(await counted(() => store.list('key/', { limit: 1 }))).toEqual(['GET']);
    const keys = Array.from({ length: limits.deleteKeys + 1 }, (_, at) => `none/${at}`);
    expect(await counted(() => store.delete(keys))).toEqual(['POST', 'POST']);
    const upload = async (bytes: number): Promise<void> => {
      const begun = await store.upload(key);
      await begun.write(new Uint8Array(bytes));
      await begun.finish();
    };
    expect(await counted(() => upload(limits.uploadPartBytes))).toEqual(['PUT']);
    expect(await counted(() => upload(limits.uploadPartBytes + 1))).toEqual(['POST', 'PUT', 'PUT', 'POST']);
  });

  it('sends deletions with an MD5 and no other checksum', async () => {
    const sent: unknown[] = [];
    spoil({
      before: ({ method, headers, body: xml }) => {
        if (method !== 'POST') return;
        const checksums = Object.keys(headers).filter((name) => /checksum/.test(name));
        sent.push(headers['content-md5'] === createHash('md5').update(xml).digest('base64'), checksums);
      },
    });
    await store.delete([fresh()]);
    expect(sent).toEqual([true, []]);
  });

  it('lets the store check what it sends', async () => {
    const key = fresh();
    spoil({
      before: (request) => {
        if (request.method === 'PUT') request.body[100]! ^= 1;
      },
    });
    expect((await store.put(key, body, { if: 'absent' })).status).toBe('unknown');
    spoil({});
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });

  it('takes no answer for a body that breaks off, stalls, or is another range', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const range = { offset: 10, length: 15_000 };
    for (const change of [{ cutAt: 9_000 }, { stallAt: 9_000 }] as readonly Partial<ProxiedAnswer>[]) {
      spoil({ after: (_, answer) => void Object.assign(answer, change) });
      const get = (options?: GetOptions) => () => store.get(key, options);
      const ends = change.stallAt === undefined ? (call: () => Promise<GetResult>) => call() : inVain;
      await expect(ends(get())).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(ends(get({ range }))).rejects.toMatchObject({ kind: 'unavailable' });
    }
    spoil({ after: (_, { headers }) => void (headers['content-range'] = 'bytes 9-15008/20000') });
    await expect(store.get(key, { range })).rejects.toMatchObject({ code: 'store_answer' });
    spoil({});
    expect((await store.get(key, { range })).status).toBe('found');
  });

  it('reads into memory that is lent', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const into = new Uint8Array(30_000);
    const found = await store.get(key, { into });
    if (found.status !== 'found') throw new Error(found.status);
    expect(found.bytes.buffer).toBe(into.buffer);
    expect(found.bytes).toEqual(body);
  });

  it.each([
    [403, 'AccessDenied', 'forbidden', 'store_forbidden'],
    [400, 'ExpiredToken', 'unauthenticated', 'store_credentials_expired'],
    [403, 'RequestTimeTooSkewed', 'unauthenticated', 'store_clock_skew'],
    [301, 'PermanentRedirect', 'invalid', 'store_region'],
    [503, 'SlowDown', 'unavailable', 'store_busy'],
  ])('gives %d %s a type in every call, and repeats nothing secret', async (status, code, kind, ours) => {
    const headers = { 'retry-after': '3', 'x-amz-bucket-region': 'eu-north-1' };
    spoil({ before: () => saying(status, code, headers) });
    const upload = await store.upload(fresh());
    for (const call of [
      () => store.get(fresh()),
      () => store.list(''),
      () => store.delete([fresh()]),
      () => upload.write(new Uint8Array(limits.uploadPartBytes + 1)),
    ]) {
      const thrown: unknown = await call().catch((error: unknown) => error);
      expect(thrown).toMatchObject({ kind, code: ours });
      if (kind === 'unavailable') expect(thrown).toMatchObject({ retryAfterS: 3 });
      expect(inspect(thrown, { depth: 10 })).not.toMatch(/SECRET|testtest|Signature=/);
    }
    await upload.abort();
  });

  it('names the keys that a deletion of many left there', async () => {
    const keys = [fresh(), fresh()];
    for (const key of keys) await store.put(key, body, { if: 'absent' });
    const error = `<Error><Key>some/prefix/${keys[1]}</Key><Code>AccessDenied</Code></Error>`;
    spoil({
      before: ({ method }) =>
        method === 'POST'
          ? { ...saying(200, ''), body: Buffer.from(`<DeleteResult>${error}</DeleteResult>`) }
          : undefined,
    });
    await expect(store.delete(keys)).rejects.toMatchObject({
      kind: 'forbidden',
      details: { key: keys[1], not_deleted: [keys[1]] },
    });
  });

  it('repeats a part of an upload', async () => {
    const key = fresh();
    const parts = new Uint8Array(2 * limits.uploadPartBytes).fill(3);
    let spoiled = 0;
    spoil({ after: ({ method }) => (method === 'PUT' && spoiled++ === 0 ? 'drop' : undefined) });
    const upload = await store.upload(key);
    await upload.write(parts);
    await upload.finish();
    expect(spoiled).toBe(3);
    expect(await store.list(key)).toEqual([{ key, size: parts.length }]);
  });

  it.each(['before', 'after'] as const)(
    'finds out what became of an upload whose end is lost %s the store has it',
    async (when) => {
      const key = fresh();
      const parts = new Uint8Array(limits.uploadPartBytes + 100).fill(4);
      await store.put(key, body, { if: 'absent' });
      const upload = await store.upload(key);
      await upload.write(parts);
      const joins: string[] = [];
      const isJoin = (path: string): boolean => /\?uploadId=[^&]+$/.test(path);
      spoil({
        [when]: ({ method, path }: { readonly method: string; readonly path: string }) => {
          if (method !== 'POST' || !isJoin(path)) return undefined;
          joins.push(path);
          return joins.length <= 2 ? ('drop' as const) : undefined;
        },
      });
      await upload.finish();
      // Where the first one made the object, its nonce says so, and nothing is joined again.
      expect(joins).toHaveLength(when === 'before' ? 3 : 1);
      const found = await store.get(key);
      if (found.status !== 'found') throw new Error(found.status);
      expect(Buffer.compare(found.bytes, parts)).toBe(0);
    },
  );

  it('fails an upload whose end nobody hears of, and says that it may be there', async () => {
    const upload = await store.upload(fresh());
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    spoil({
      before: ({ method, path }) => (method === 'PUT' || !path.includes('key/') ? undefined : 'drop'),
    });
    await expect(upload.finish()).rejects.toMatchObject({ code: 'upload_unknown', outcome: 'unknown' });
    spoil({});
    await upload.abort();
  });

  it('leaves no parts behind of an upload that is given up', async () => {
    const upload = await store.upload(fresh());
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    const client = new S3Client({ endpoint: gateways[1]!, region: 'us-east-1', forcePathStyle: true });
    const begun = async (): Promise<number> =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
    const with1 = await begun();
    await upload.abort();
    expect(await begun()).toBe(with1 - 1);
    client.destroy();
  });

  it('says what is missing when it is opened', async () => {
    await expect(open(s3Url('no-such-bucket', gateways[0]!))).rejects.toMatchObject({
      kind: 'not_found',
      code: 'store_not_found',
    });
    const variables = { ...process.env };
    onTestFinished(() => void Object.assign(process.env, variables));
    const stranger = { kind: 'unauthenticated', code: 'store_unauthenticated' };
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    await expect(open(s3Url(bucket, gateways[0]!))).rejects.toMatchObject(stranger);
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    await expect(open(s3Url(bucket, gateways[0]!))).rejects.toMatchObject(stranger);
    Object.assign(process.env, variables);
    const refused = await startFaultProxy(gateways[0]!);
    await refused.close();
    await expect(openStore(s3Url(bucket, refused.url))).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_unavailable',
    });
  });
});
