/**
 * Who asks Google Cloud Storage, and by what keys it encrypts: Application Default Credentials in a file, tokens that come to their
 * end, permissions, a project that pays, keys of the client and of Cloud KMS. All of it at a fake.
 */
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { openGcsStore, parseGcsUrl } from '../../core/store/adapters/gcs/index.js';
import type { BucketOptions } from '../../core/store/adapters/bucket/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { everything, gcsUrl, makeBucket, realPorts } from '../engines/gcs-fake/bucket.js';
import type { FakeBucket } from '../engines/gcs-fake/objects.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import { writeCredentials } from '../engines/gcs-fake/tokens.js';
import { selfSigned } from '../engines/self-signed.js';

const body = new Uint8Array(3_000).fill(5);
const kmsKey = 'projects/p/locations/eu/keyRings/r/cryptoKeys/k';

describe('access to Google Cloud Storage', async () => {
  const fake = await startGcsFake();
  const opened: ObjectStore[] = [];
  let bucket: FakeBucket;
  let file: string;

  beforeEach(async () => {
    bucket = makeBucket(fake, []);
    file = await writeCredentials(fake.tokenUrl);
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = file;
    Object.assign(fake.tokens, { permissions: everything, lifeS: 3_600, refusal: undefined });
  });
  afterEach(async () => {
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
    for (const store of opened.splice(0)) await store.close();
  });
  afterAll(() => fake.close());

  /** As over https: with credentials. */
  async function openAs(parameters: string = '', options: BucketOptions = {}): Promise<ObjectStore> {
    const location = { ...parseGcsUrl(gcsUrl(bucket, fake.url) + parameters), anonymous: false };
    const { store } = await openGcsStore(location, realPorts, options);
    opened.push(store);
    return store;
  }

  const withoutSecrets = async (call: Promise<unknown>): Promise<unknown> => {
    const thrown: unknown = await call.then(
      () => new Error('was not refused'),
      (error: unknown) => error,
    );
    expect(inspect(thrown, { depth: 10 })).not.toMatch(/SECRET|Bearer/);
    return thrown;
  };

  it('asks for a token once, and shows none', async () => {
    const before = fake.tokens.made;
    const store = await openAs();
    for (let at = 0; at < 5; at++) await store.put(`${at}`, body, { if: 'absent' });
    expect(fake.tokens.made - before).toBe(1);
    expect(inspect(store, { depth: 10, showHidden: true })).not.toMatch(/SECRET/);
  });

  it('gets a new token where the old one has not long to live', async () => {
    fake.tokens.lifeS = 1;
    const before = fake.tokens.made;
    const store = await openAs();
    await store.put('key', body, { if: 'absent' });
    await realPorts.sleep(1_100);
    expect((await store.get('key')).status).toBe('found');
    expect(fake.tokens.made - before).toBeGreaterThan(1);
  });

  it('says so where credentials come to their end, does not repeat a put, and goes on with new ones', async () => {
    const store = await openAs();
    fake.tokens.revoke();
    expect(await withoutSecrets(store.put('key', body, { if: 'absent' }))).toMatchObject({
      kind: 'unauthenticated',
      code: 'store_credentials_expired',
      outcome: 'not_applied',
    });
    expect(bucket.sorted()).toEqual([]);
    expect((await store.put('key', body, { if: 'absent' })).status).toBe('applied');
  });

  it.each([
    [400, { error: 'invalid_grant', error_description: 'SECRET' }, 'store_credentials_expired'],
    [401, { error: 'invalid_client', error_description: 'SECRET' }, 'store_unauthenticated'],
  ])('says so where %d is what there is for a token: %j', async (status, document, code) => {
    fake.tokens.refusal = { status, document };
    expect(await withoutSecrets(openAs())).toMatchObject({ kind: 'unauthenticated', code });
  });

  it('says so where there are no credentials, or none that can be read', async () => {
    const none = { kind: 'unauthenticated', code: 'store_unauthenticated' };
    await writeFile(file, '{"private_key": SECRET');
    expect(await withoutSecrets(openAs())).toMatchObject(none);
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = `${file}-that-is-not-there`;
    expect(await withoutSecrets(openAs())).toMatchObject(none);
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
    expect(await withoutSecrets(openAs())).toMatchObject({
      ...none,
      message: expect.stringContaining('no credentials were found'),
    });
  });

  it('knows that a put never left, where nobody hands out a token', async () => {
    const store = await openAs('&self_test=false');
    const elsewhere = await startGcsFake();
    await elsewhere.close();
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = await writeCredentials(elsewhere.tokenUrl);
    expect(await withoutSecrets(store.put('key', body, { if: 'absent' }))).toMatchObject({
      kind: 'unavailable',
      code: 'store_unavailable',
      outcome: 'not_applied',
    });
  });

  it.each(['', '/storage/v1'])(
    'finds an emulator by the variable of the SDK: %j behind the host',
    async (end) => {
      const open = makeBucket(fake);
      process.env['STORAGE_EMULATOR_HOST'] = fake.url + end;
      onTestFinished(() => void delete process.env['STORAGE_EMULATOR_HOST']);
      const before = fake.tokens.made;
      const { store } = await openGcsStore(parseGcsUrl(`gs://${open.name}/p`), realPorts);
      opened.push(store);
      await store.put('key', body, { if: 'absent' });
      expect(open.sorted().map(({ name }) => name)).toEqual(['p/key']);
      expect(fake.tokens.made).toBe(before);
    },
  );

  it('names the permission that is missing, also where a missing key looks forbidden', async () => {
    fake.tokens.permissions = ['objects.get', 'objects.create'];
    const store = await openAs('&self_test=false');
    const denied = (permission: string): object => ({
      kind: 'forbidden',
      code: 'store_forbidden',
      message: expect.stringMatching(new RegExp(`missing is storage\\.${permission}$`)),
    });
    expect(await withoutSecrets(store.get('none'))).toMatchObject(denied('objects.list'));
    expect(await withoutSecrets(store.list(''))).toMatchObject(denied('objects.list'));
    expect(await withoutSecrets(store.delete(['none']))).toMatchObject(denied('objects.delete'));
    expect((await store.put('key', body, { if: 'absent' })).status).toBe('applied');
    expect(await withoutSecrets(store.put('key', body, { if: 'any' }))).toMatchObject(
      denied('objects.delete'),
    );
  });

  it('opens a bucket whose rules it may not read', async () => {
    fake.tokens.permissions = everything.filter((permission) => permission !== 'buckets.get');
    bucket.lifecycle = { rule: [{ action: { type: 'Delete' }, condition: { age: 1 } }] };
    const store = await openAs();
    expect(await store.list('')).toEqual([]);
  });

  it('names the project that pays, in every request', async () => {
    bucket.requesterPays = true;
    expect(await withoutSecrets(openAs())).toMatchObject({
      code: 'store_refused',
      message: expect.stringContaining('name a project by project='),
    });
    const store = await openAs('&project=my-project');
    const upload = await store.upload('large');
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(await store.list('')).toHaveLength(1);
    await store.delete(['large']);
  });

  it('has what it puts encrypted by a key in Cloud KMS', async () => {
    const store = await openAs(`&kms_key=${kmsKey}`);
    await store.put('small', body, { if: 'absent' });
    const upload = await store.upload('large');
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(bucket.sorted().map(({ kmsKeyName }) => kmsKeyName)).toEqual([kmsKey, kmsKey]);
  });

  it('sends a key of the client with all that touches a body, and says so where it is another', async () => {
    const [mine, theirs] = [1, 2].map((byte) => ({ customerKey: new Uint8Array(32).fill(byte) }));
    const store = await openAs('', mine);
    await store.put('small', body, { if: 'absent' });
    const upload = await store.upload('large');
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(bucket.sorted().every(({ keySha256 }) => keySha256 !== undefined)).toBe(true);
    expect(await store.get('small')).toMatchObject({ status: 'found', bytes: body });
    const wrong = { kind: 'forbidden', code: 'store_customer_key' };
    expect(await withoutSecrets((await openAs('', theirs)).get('small'))).toMatchObject(wrong);
    const plain = await openAs();
    expect(await withoutSecrets(plain.get('small'))).toMatchObject(wrong);
    await plain.put('plain', body, { if: 'absent' });
    expect(await withoutSecrets(store.get('plain'))).toMatchObject(wrong);
    expect(inspect(store, { depth: 10 })).not.toMatch(/AQEBAQ/);
  });

  it.each([
    ['http://192.0.2.1:4443', true],
    ['http://localhost.example.org', true],
    ['http://localhost:4443', false],
    ['http://[::1]:4443', false],
    ['https://storage-a.p.googleapis.com', false],
  ])('of a key of the client for %s: refused is %s', async (endpoint, refused) => {
    const customerKey = new Uint8Array(32);
    const opening = async (parameters: string): Promise<void> => {
      const location = parseGcsUrl(`gs://bucket?self_test=false${parameters}`);
      const { store } = await openGcsStore(location, realPorts, { customerKey });
      await store.close();
    };
    const openings = [opening(`&endpoint=${endpoint}`)];
    process.env['STORAGE_EMULATOR_HOST'] = endpoint;
    onTestFinished(() => void delete process.env['STORAGE_EMULATOR_HOST']);
    openings.push(opening(''));
    for (const end of await Promise.allSettled(openings))
      expect(end).toMatchObject(
        refused
          ? { status: 'rejected', reason: { kind: 'invalid', code: 'invalid_customer_key' } }
          : { status: 'fulfilled' },
      );
  });

  it('takes an empty variable for none, and its scheme as it is written', async () => {
    const trusted = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    onTestFinished(() => {
      for (const name of ['STORAGE_EMULATOR_HOST', 'NODE_TLS_REJECT_UNAUTHORIZED']) delete process.env[name];
      if (trusted !== undefined) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = trusted;
    });
    process.env['STORAGE_EMULATOR_HOST'] = '';
    // Refused where the address is not that of Google.
    const customerKey = new Uint8Array(32);
    const google = await openGcsStore(parseGcsUrl('gs://bucket?self_test=false'), realPorts, { customerKey });
    opened.push(google.store);
    // The certificate is nobody's.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    const proxy = await startFaultProxy(fake.url, selfSigned());
    onTestFinished(() => proxy.close());
    process.env['STORAGE_EMULATOR_HOST'] = proxy.url.replace('https:', 'HTTPS:');
    const open = makeBucket(fake);
    const { store } = await openGcsStore(parseGcsUrl(`gs://${open.name}?self_test=false`), realPorts);
    opened.push(store);
    expect((await store.put('key', body, { if: 'absent' })).status).toBe('applied');
  });

  it('takes keys of 32 bytes, and not two ways to encrypt', async () => {
    const refused = { kind: 'invalid', code: 'invalid_customer_key' };
    await expect(openAs('', { customerKey: new Uint8Array(31) })).rejects.toMatchObject(refused);
    const both = openAs(`&kms_key=${kmsKey}`, { customerKey: new Uint8Array(32) });
    await expect(both).rejects.toMatchObject(refused);
  });
});
