/**
 * What a store URL and the options of `open` change in the requests to a real store: encryption by its keys and by ours, time,
 * connections and the self-test. That objects are encrypted is read off what the store answers to whoever has no key, or another.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openS3Store, parseS3Url } from '../../core/store/adapters/s3/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { gateways, makeBucket, openStore, realPorts, s3Url } from '../engines/ceph/bucket.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy } from '../engines/fault-proxy.js';

const body = new Uint8Array(20_000).map((_, at) => at % 251);
const customerKey = new Uint8Array(32).fill(0xa5);

describe.skipIf(gateways.length === 0)('settings of the S3 store', () => {
  let bucket: string;
  let client: S3Client;

  beforeAll(async () => {
    bucket = await makeBucket('settings');
    client = new S3Client({ endpoint: gateways[0]!, region: 'us-east-1', forcePathStyle: true });
    return () => client.destroy();
  });

  async function opened(url: string, key?: Uint8Array): Promise<ObjectStore> {
    const options = key === undefined ? {} : { customerKey: key };
    const { store } = await openS3Store(parseS3Url(url), realPorts, options);
    onTestFinished(() => store.close());
    return store;
  }
  async function proxied(): Promise<FaultProxy> {
    const proxy = await startFaultProxy(gateways[0]!);
    onTestFinished(() => proxy.close());
    return proxy;
  }
  const asked = (name: string): { readonly Bucket: string; readonly Key: string } => ({
    Bucket: bucket,
    Key: `some/prefix/${name}`,
  });
  async function uploaded(store: ObjectStore, key: string): Promise<Uint8Array> {
    const large = new Uint8Array(limits.uploadPartBytes + 5).fill(9);
    const upload = await store.upload(key);
    await upload.write(large);
    await upload.finish();
    return large;
  }

  it('encrypts everything with a customer key, and reads it with that one alone', async () => {
    const store = await opened(s3Url(bucket, gateways[0]!), customerKey);
    const put = await store.put('ours', body, { if: 'absent' });
    if (put.status !== 'applied') throw new Error(put.status);
    const large = await uploaded(store, 'ours-large');
    expect(await store.get('ours')).toMatchObject({ status: 'found', bytes: body });
    expect(await store.get('ours', { unless: put.version })).toEqual({ status: 'unchanged' });
    const range = { offset: limits.uploadPartBytes - 3, length: 8 };
    expect(await store.get('ours-large', { range })).toMatchObject({
      bytes: large.subarray(range.offset),
      size: large.length,
    });
    for (const name of ['ours', 'ours-large'])
      await expect(client.send(new GetObjectCommand(asked(name)))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 400 },
      });
    const other = await opened(s3Url(bucket, gateways[0]!), new Uint8Array(32).fill(1));
    await expect(other.get('ours')).rejects.toMatchObject({ code: 'store_customer_key' });
    const without = await opened(s3Url(bucket, gateways[0]!));
    await expect(without.get('ours')).rejects.toMatchObject({ code: 'store_customer_key' });
    expect(await store.put('ours', body, { if: { version: put.version } })).toMatchObject({
      status: 'applied',
    });
  });

  it('runs a database on a customer key', async () => {
    const url = s3Url(bucket, gateways[1]!, 'keyed');
    const database = await open(url, { customerKey });
    onTestFinished(() => database.close());
    const collection = await database.createCollection('c', { dimension: 4 });
    await collection.upsert([{ id: 'a', vector: [1, 2, 3, 4] }]);
    await collection.compact();
    const second = await open(url, { customerKey });
    onTestFinished(() => second.close());
    expect((await second.collection('c').query({ vector: [1, 2, 3, 4] })).matches[0]?.id).toBe('a');
    const keyless = await open(url);
    onTestFinished(() => keyless.close());
    await expect(keyless.collection('c').count()).rejects.toMatchObject({ code: 'store_customer_key' });
  });

  it('names the keys of the store with everything that it makes', async () => {
    const store = await opened(`${s3Url(bucket, gateways[0]!)}&kms_key=test-key`);
    await store.put('theirs', body, { if: 'absent' });
    await uploaded(store, 'theirs-large');
    for (const name of ['theirs', 'theirs-large']) {
      const head = await client.send(new HeadObjectCommand(asked(name)));
      expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'test-key' });
    }
    expect(await store.get('theirs')).toMatchObject({ status: 'found', bytes: body });
  });

  it.each([
    [new Uint8Array(31), ''],
    [new Uint8Array(0), ''],
    [customerKey, '&encryption=AES256'],
  ])('refuses a customer key that is none, or one of two ways', async (key, more) => {
    await expect(opened(s3Url(bucket, gateways[0]!) + more, key)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_customer_key',
    });
  });

  it('sends a customer key over http to this machine alone, whoever names the endpoint', async () => {
    const refused = { kind: 'invalid', code: 'invalid_customer_key' };
    const elsewhere = `s3://${bucket}/p?self_test=false`;
    const named = opened(`${elsewhere}&endpoint=http://192.0.2.1:7480`, customerKey);
    await expect(named).rejects.toMatchObject(refused);
    process.env['AWS_ENDPOINT_URL_S3'] = 'http://192.0.2.1:7480';
    onTestFinished(() => void delete process.env['AWS_ENDPOINT_URL_S3']);
    await expect(opened(elsewhere, customerKey)).rejects.toMatchObject(refused);
    await opened(elsewhere);
  });

  it('sends nothing at the start where the store is trusted', async () => {
    const proxy = await proxied();
    const store = await opened(`${s3Url(bucket, proxy.url)}&self_test=false`);
    expect(proxy.seen).toEqual([]);
    await store.put('trusted', body, { if: 'absent' });
    expect(proxy.seen).toHaveLength(1);
  });

  it('waits for an answer as long as it is told to', async () => {
    const proxy = await proxied();
    const store = await opened(`${s3Url(bucket, proxy.url)}&timeout_ms=150&self_test=false`);
    proxy.use({ before: () => 'hang' });
    expect((await store.put('late', body, { if: 'absent' })).status).toBe('unknown');
    await expect(store.get('late')).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('waits no longer for credentials', async () => {
    const variables = { ...process.env };
    onTestFinished(() => void Object.assign(process.env, variables));
    const config = join(mkdtempSync(join(tmpdir(), 'cairn-aws-')), 'config');
    onTestFinished(() => rmSync(dirname(config), { recursive: true }));
    writeFileSync(config, '[default]\ncredential_process = sleep 5\n');
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
    process.env['AWS_CONFIG_FILE'] = config;
    const proxy = await proxied();
    const store = await opened(`${s3Url(bucket, proxy.url)}&timeout_ms=150&self_test=false`);
    expect((await store.put('never', body, { if: 'absent' })).status).toBe('unknown');
    await expect(store.get('never')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(proxy.seen).toEqual([]);
  });

  it('has no more connections than it is told to', async () => {
    const proxy = await proxied();
    const store = await opened(`${s3Url(bucket, proxy.url)}&connections=2&self_test=false`);
    let under = 0;
    let most = 0;
    proxy.use({
      before: () => void (most = Math.max(most, ++under)),
      after: () => void under--,
    });
    await Promise.all(Array.from({ length: 12 }, () => store.list('')));
    expect(most).toBeLessThanOrEqual(2);
    expect(proxy.seen).toHaveLength(12);
  });
});

describe.skipIf(gateways.length === 0)('a bucket that cannot keep a database', () => {
  it('is refused where a lifecycle rule deletes below our prefix, and taken where it deletes elsewhere', async () => {
    const { PutBucketLifecycleConfigurationCommand } = await import('@aws-sdk/client-s3');
    const bucket = await makeBucket('aging');
    const client = new S3Client({ endpoint: gateways[0]!, region: 'us-east-1', forcePathStyle: true });
    onTestFinished(() => client.destroy());
    const rule = {
      ID: 'old-things',
      Status: 'Enabled',
      Filter: { Prefix: 'some/' },
      Expiration: { Days: 30 },
    } as const;
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: { Rules: [rule] },
      }),
    );
    await expect(openStore(s3Url(bucket, gateways[0]!))).rejects.toMatchObject({
      kind: 'invalid',
      code: 'store_unfit',
      message: expect.stringContaining('old-things'),
    });
    const elsewhere = await openStore(s3Url(bucket, gateways[0]!, 'other'));
    expect(await elsewhere.list('')).toEqual([]);
    await elsewhere.close();
  });

  it.each([-360_000, 360_000])('is refused where its clock is %d ms from ours', async (offsetMs) => {
    const bucket = await makeBucket('clock');
    const proxy = await startFaultProxy(gateways[0]!);
    onTestFinished(() => proxy.close());
    proxy.use({
      after: (_, { headers }) => void (headers['date'] = new Date(Date.now() + offsetMs).toUTCString()),
    });
    await expect(openStore(s3Url(bucket, proxy.url))).rejects.toMatchObject({
      code: 'store_clock_skew',
      details: { maximum_ms: limits.storeClockSkewMs },
    });
    proxy.use({
      after: (_, { headers }) => void (headers['date'] = new Date(Date.now() + 240_000).toUTCString()),
    });
    const near = await openStore(s3Url(bucket, proxy.url));
    expect(await near.list('')).toEqual([]);
    await near.close();
  });
});
