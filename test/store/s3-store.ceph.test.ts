/**
 * The S3 store before a real gateway whose answers get lost, come late, or are others than the store's: each put ends in one of
 * its three ways, each read in an answer that is true or in a typed error. Also what each call sends, and what is said to
 * whoever may not.
 */
import { createHash } from 'node:crypto';
import process from 'node:process';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openS3Store, parseS3Url } from '../../core/store/adapters/s3/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { gateways, makeBucket, openStore, s3Url } from '../engines/ceph/bucket.js';
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
    headers: { 'content-type': 'application/xml', 'x-amz-bucket-region': 'eu-north-1' },
    body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>SECRET</Message></Error>`),
  };
}

function roleOf({ method, path }: ProxiedRequest): CallRole {
  if (method === 'PUT') return path.includes('partNumber=') ? 'part' : 'put';
  return method === 'POST' && /\?uploadId=[^&]+$/.test(path) ? 'join' : 'other';
}

/** By another gateway. */
async function unfinishedUploads(bucket: string): Promise<number> {
  const client = new S3Client({ endpoint: gateways[1]!, region: 'us-east-1', forcePathStyle: true });
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  client.destroy();
  return Uploads?.length ?? 0;
}

describe.skipIf(gateways.length === 0)('the S3 store', () => {
  let bucket: string;
  let proxied: ProxiedStore;
  let store: ObjectStore;
  let tests = 0;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    bucket = await makeBucket('faults');
    proxied = await openProxied(gateways[0]!, (url, ports) =>
      openS3Store(parseS3Url(s3Url(bucket, url)), ports),
    );
    store = proxied.store;
  });
  afterAll(async () => {
    await proxied?.close();
  });

  const spoil: ProxiedStore['spoil'] = (rule) => proxied.spoil(rule);
  const counted: ProxiedStore['methodsOf'] = (call) => proxied.methodsOf(call);

  describeFaults(
    'S3',
    () =>
      proxiedHarness(proxied, {
        saying,
        roleOf,
        secrets: ['SECRET', 'testtest', 'Signature='],
        unfinished: () => unfinishedUploads(bucket),
      }),
    {
      brokenBody: 'store_unavailable',
      undecided: [
        { status: 500, code: 'InternalError' },
        { status: 503, code: 'SlowDown' },
        { status: 409, code: 'ConditionalRequestConflict' },
        { status: 429, code: 'TooManyRequests' },
      ],
      typed: [
        { status: 403, code: 'AccessDenied', kind: 'forbidden', ours: 'store_forbidden' },
        { status: 400, code: 'ExpiredToken', kind: 'unauthenticated', ours: 'store_credentials_expired' },
        { status: 403, code: 'RequestTimeTooSkewed', kind: 'unauthenticated', ours: 'store_clock_skew' },
        { status: 301, code: 'PermanentRedirect', kind: 'invalid', ours: 'store_region' },
        { status: 503, code: 'SlowDown', kind: 'unavailable', ours: 'store_busy' },
      ],
    },
  );

  it('says for each call how many requests it is', async () => {
    const key = fresh();
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

  it('names the keys that a deletion of many left there', async () => {
    const keys = [fresh(), fresh()];
    for (const key of keys) await store.put(key, body, { if: 'absent' });
    const error = `<Error><Key>some/prefix/${keys[1]}</Key><Code>AccessDenied</Code></Error>`;
    spoil({
      before: ({ method }) =>
        method === 'POST'
          ? {
              status: 200,
              headers: { 'content-type': 'application/xml' },
              body: Buffer.from(`<DeleteResult>${error}</DeleteResult>`),
            }
          : undefined,
    });
    await expect(store.delete(keys)).rejects.toMatchObject({
      kind: 'forbidden',
      details: { key: keys[1], not_deleted: [keys[1]] },
    });
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
