/**
 * The Azure store before an emulator whose answers get lost, come late, or are others than the store's: each put ends in one of its
 * three ways, each read in an answer that is true or in a typed error. Also what each call sends, and what is said to whoever may not.
 */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openAzureStore, parseAzureUrl } from '../../core/store/adapters/azure/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import {
  azureUrl,
  azurite,
  azuriteOrigin,
  containerClient,
  makeContainer,
  openChangeable,
  openStore,
  realPorts,
  sasOf,
  withVariables,
} from '../engines/azurite/container.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { ProxiedAnswer, ProxiedRequest } from '../engines/fault-proxy.js';
import { describeFaults } from './bucket-faults.js';
import type { CallRole, StoreSays } from './bucket-faults.js';
import { openProxied, proxiedHarness } from './proxied-store.js';
import type { ProxiedStore } from './proxied-store.js';

const body = new Uint8Array(20_000).fill(7);

function saying({ status = 500, code, detail = '' }: StoreSays): ProxiedAnswer {
  const more = `<Message>SECRET</Message><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`;
  return {
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
    body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code>${more}</Error>`),
  };
}

function roleOf({ method, path }: ProxiedRequest): CallRole {
  if (method !== 'PUT') return 'other';
  if (path.includes('comp=blocklist')) return 'join';
  return path.includes('comp=block') ? 'part' : 'put';
}

const isList = (path: string): boolean => path.includes('comp=list&') || path.endsWith('comp=list');

describe.skipIf(azurite === undefined)('the Azure store', () => {
  let container: string;
  let proxied: ProxiedStore;
  let store: ObjectStore;
  let tests = 0;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    container = await makeContainer('faults');
    proxied = await openProxied(azuriteOrigin(), (url, ports) =>
      openAzureStore(parseAzureUrl(azureUrl(container, url)), ports),
    );
    store = proxied.store;
  });
  afterAll(async () => {
    await proxied?.close();
  });

  const spoil: ProxiedStore['spoil'] = (rule) => proxied.spoil(rule);
  const seenBy: ProxiedStore['seenBy'] = (call) => proxied.seenBy(call);
  const methods: ProxiedStore['methodsOf'] = (call) => proxied.methodsOf(call);

  describeFaults(
    'Azure',
    () => proxiedHarness(proxied, { saying, roleOf, secrets: ['SECRET', 'SharedKey', azurite!.key] }),
    {
      brokenBody: 'store_unavailable',
      undecided: [
        { status: 500, code: 'InternalError' },
        { status: 500, code: 'OperationTimedOut' },
        { status: 503, code: 'ServerBusy' },
        { status: 503, code: 'OperationTimedOut' },
        { status: 429, code: 'TooManyRequests' },
        { status: 409, code: 'AccountBeingCreated' },
      ],
      typed: [
        { status: 403, code: 'AuthorizationPermissionMismatch', kind: 'forbidden', ours: 'store_forbidden' },
        {
          ...{ status: 403, code: 'AuthenticationFailed', detail: 'SECRET' },
          ...{ kind: 'unauthenticated', ours: 'store_unauthenticated' },
        },
        {
          ...{ status: 403, code: 'AuthenticationFailed' },
          detail: 'Signature not valid in the specified time frame: Start [SECRET]',
          ...{ kind: 'unauthenticated', ours: 'store_credentials_expired' },
        },
        {
          ...{ status: 403, code: 'AuthenticationFailed', detail: "Request date header too old: 'SECRET'" },
          ...{ kind: 'unauthenticated', ours: 'store_clock_skew' },
        },
        {
          ...{ status: 401, code: 'InvalidAuthenticationInfo' },
          detail: 'Lifetime validation failed. The token is expired.',
          ...{ kind: 'unauthenticated', ours: 'store_credentials_expired' },
        },
        { status: 404, code: 'ContainerNotFound', kind: 'not_found', ours: 'store_not_found' },
        { status: 503, code: 'ServerBusy', kind: 'unavailable', ours: 'store_busy' },
      ],
    },
  );

  it('takes 409 and 412 for a refusal only where they are about the condition of the put', async () => {
    const swap = { if: { version: await versionOf(fresh()) } } as const;
    for (const [status, code, options, end] of [
      [409, 'BlobAlreadyExists', { if: 'absent' }, 'refused'],
      [412, 'ConditionNotMet', { if: 'absent' }, 'refused'],
      [412, 'ConditionNotMet', swap, 'refused'],
      [404, 'BlobNotFound', swap, 'refused'],
      [412, 'LeaseIdMissing', swap, 'store_refused'],
      [412, 'LeaseIdMissing', { if: 'absent' }, 'store_refused'],
      [409, 'BlobImmutableDueToPolicy', swap, 'store_refused'],
      [409, 'InvalidBlobType', { if: 'any' }, 'store_refused'],
      [409, 'BlobUsesCustomerSpecifiedEncryption', swap, 'store_customer_key'],
      [409, 'ContainerBeingDeleted', { if: 'absent' }, 'store_not_found'],
    ] as const) {
      spoil({ before: () => saying({ status, code }) });
      const put = store.put(fresh(), body, options);
      if (end === 'refused') expect(await put, code).toEqual({ status: 'refused' });
      else await expect(put, code).rejects.toMatchObject({ code: end, outcome: 'not_applied' });
    }
  });

  async function versionOf(key: string) {
    const put = await store.put(key, body, { if: 'any' });
    if (put.status !== 'applied') throw new Error(put.status);
    return put.version;
  }

  it('says for each call how many requests it is', async () => {
    const key = fresh();
    expect(await methods(() => store.put(key, body, { if: 'absent' }))).toEqual(['PUT']);
    expect(await methods(() => store.get(key))).toEqual(['GET']);
    expect(await methods(() => store.list('key/', { limit: 1 }))).toEqual(['GET']);
    expect(await methods(() => store.delete([key, 'none/1', key, 'none/2']))).toEqual([
      ...['DELETE', 'DELETE', 'DELETE'],
    ]);
    const upload = async (bytes: number): Promise<void> => {
      const begun = await store.upload(key);
      await begun.write(new Uint8Array(bytes));
      await begun.finish();
    };
    expect(await methods(() => upload(limits.uploadPartBytes))).toEqual(['PUT']);
    const parts = await seenBy(() => upload(limits.uploadPartBytes + 1));
    expect(parts.map((line) => /comp=(\w+)/.exec(line)?.[1])).toEqual(['block', 'block', 'blocklist']);
  });

  it('asks for the start of a list, and is right where nobody looks at that', async () => {
    const prefix = `${fresh()}/`;
    const keys = Array.from({ length: 9 }, (_, at) => `${prefix}${at}`);
    for (const key of keys) await store.put(key, body, { if: 'absent' });
    const after = `${prefix}3`;
    const { store: lister } = await openChangeable(container, azureUrl(container, proxied.proxy.url));
    const asked = async (limit: number): Promise<readonly string[]> => {
      const listed: string[] = [];
      const seen = await seenBy(async () => {
        for (const { key } of await lister.list(prefix, { after, limit })) listed.push(key);
      });
      expect(listed).toEqual(keys.slice(4, 4 + limit));
      return seen;
    };
    const [first, ...more] = await asked(2);
    expect(new URL(first!.split(' ')[1]!, proxied.proxy.url).searchParams.get('startFrom')).toBe(
      `some/prefix/${after}`,
    );
    // azurite begins with the first name, three to a page, and then with what is asked for at most.
    expect(more).toHaveLength(1);
    expect(more[0]).not.toContain('startFrom');
    expect(more[0]).toContain('maxresults=1000');
    // As Azure itself does it: from the name, included.
    spoil({
      before: (request) => {
        if (request.path.includes('startFrom'))
          request.path += `&marker=${encodeURIComponent(`some/prefix/${prefix}2`)}`;
      },
    });
    expect(await asked(2)).toHaveLength(1);
  });

  it('follows tokens over pages that are short or empty', async () => {
    const prefix = `${fresh()}/`;
    const keys = Array.from({ length: 4 }, (_, at) => `${prefix}${at}`);
    for (const key of keys) await store.put(key, body, { if: 'absent' });
    const { store: lister } = await openChangeable(container, azureUrl(container, proxied.proxy.url));
    spoil({
      before: (request) => {
        if (isList(request.path)) request.path = request.path.replace(/maxresults=\d+/, 'maxresults=1');
      },
      after: ({ path }, answer) => {
        // The second page has nothing, and a token.
        if (!path.includes(encodeURIComponent(`${prefix}0`))) return;
        const text = answer.body.toString().replace(/<Blob>.*<\/Blob>/s, '');
        answer.body = Buffer.from(text);
        answer.headers['content-length'] = String(answer.body.length);
      },
    });
    expect((await lister.list(prefix)).map(({ key }) => key)).toEqual([keys[0], keys[2], keys[3]]);
  });

  it('leaves out what is no key of the store', async () => {
    const prefix = fresh();
    await store.put(`${prefix}/mine.`, body, { if: 'absent' });
    const others = containerClient(container);
    for (const name of ['/a!', '/b~', '/c[zz', '/d\u{D7A3}z']) {
      await others.getBlockBlobClient(`some/prefix/${prefix}${name}`).upload('x', 1);
    }
    expect((await store.list(prefix)).map(({ key }) => key)).toEqual([`${prefix}/mine.`]);
  });

  it('sends an MD5 with each body, and lets the store check what it gets', async () => {
    const sent: boolean[] = [];
    const md5Fits = (bytes: Buffer, md5: unknown): boolean =>
      md5 === createHash('md5').update(bytes).digest('base64');
    spoil({
      before: ({ method, path, headers, body: bytes }) => {
        if (method === 'PUT' && !path.includes('comp=blocklist'))
          sent.push(md5Fits(bytes, headers['content-md5']));
      },
    });
    await store.put(fresh(), body, { if: 'absent' });
    const upload = await store.upload(fresh());
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(sent).toEqual([true, true, true]);
    const key = fresh();
    spoil({
      before: (request) => {
        if (request.method === 'PUT') request.body[100]! ^= 1;
      },
    });
    // azurite's own words; Azure's are Md5Mismatch, which the table of faults has.
    await expect(store.put(key, body, { if: 'absent' })).rejects.toMatchObject({
      details: { error: 'InvalidOperation' },
    });
    spoil({});
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });

  it('has no more connections than the URL allows, and uses all of them', async () => {
    const url = `${azureUrl(container, proxied.proxy.url)}&connections=3&self_test=false`;
    const { store: narrow } = await openAzureStore(parseAzureUrl(url), realPorts);
    const key = fresh();
    await narrow.put(key, body, { if: 'absent' });
    let most = 0;
    let under = 0;
    spoil({
      before: () => void (most = Math.max(most, ++under)),
      after: () => void under--,
    });
    const ends = await Promise.all(Array.from({ length: 24 }, () => narrow.get(key)));
    expect(ends.every(({ status }) => status === 'found')).toBe(true);
    expect(most).toBe(3);
  });

  it('stops deleting where it may not, and names the key', async () => {
    const keys = Array.from({ length: 200 }, () => fresh());
    let asked = 0;
    spoil({
      before: () =>
        asked++ === 0 ? saying({ status: 403, code: 'AuthorizationPermissionMismatch' }) : undefined,
    });
    const sent = await methods(() =>
      expect(store.delete(keys)).rejects.toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('d of a SAS'),
        details: { key: expect.stringMatching(/^key\//) },
      }),
    );
    expect(sent.length).toBeLessThan(keys.length / 2);
  });

  it('refuses a key whose name would be too long', async () => {
    const key = '\u{1f600}'.repeat(200);
    const refused = { kind: 'invalid', code: 'key_too_long' };
    await expect(store.get(key)).rejects.toMatchObject(refused);
    await expect(store.put(key, body, { if: 'absent' })).rejects.toMatchObject(refused);
    await expect(store.upload(key)).rejects.toMatchObject(refused);
    await expect(store.delete([key])).rejects.toMatchObject(refused);
    expect(await store.list(key)).toEqual([]);
  });

  describe('opened with', () => {
    const plain = (name: string): string => azureUrl(name, azuriteOrigin());
    const stranger = { kind: 'unauthenticated', code: 'store_unauthenticated' };

    it('a connection string, where the URL names no account', async () => {
      const { key, endpoint } = azurite!;
      const url = `az://${container}/connection`;
      const connection = `DefaultEndpointsProtocol=http;AccountName=cairntest;AccountKey=${key};BlobEndpoint=${endpoint};`;
      await withVariables({ AZURE_STORAGE_CONNECTION_STRING: connection }, async () => {
        await (await open(url)).close();
      });
      const broken = { AZURE_STORAGE_CONNECTION_STRING: 'DefaultEndpointsProtocol=SECRET;AccountKey=SECRET' };
      const thrown: unknown = await withVariables(broken, () => open(url)).catch((error: unknown) => error);
      expect(thrown).toMatchObject(stranger);
      expect(inspect(thrown, { depth: 10 })).not.toContain('SECRET');
    });

    it('a SAS: all that it allows, and what it does not', async () => {
      const mine = await makeContainer('sas');
      const all = await openStore(plain(mine));
      await all.put('key', body, { if: 'absent' });
      const token = await sasOf(mine, 'rl');
      const { store: readable, sent } = await withVariables({ AZURE_STORAGE_SAS_TOKEN: `?${token}` }, () =>
        openAzureStore(parseAzureUrl(plain(mine)), realPorts),
      );
      expect(sent()).toBe(5);
      expect(await readable.get('key')).toMatchObject({ status: 'found', size: body.length });
      expect(await readable.get('missing')).toEqual({ status: 'absent' });
      expect(await readable.list('')).toEqual([{ key: 'key', size: body.length }]);
      const denied = { kind: 'forbidden', code: 'store_forbidden' };
      await expect(readable.put('key', body, { if: 'any' })).rejects.toMatchObject({
        ...denied,
        outcome: 'not_applied',
        message: expect.stringContaining('c and w of a SAS'),
      });
      await expect(readable.delete(['key'])).rejects.toMatchObject(denied);
    });

    it('a SAS that has expired, or a wrong key', async () => {
      for (const given of [
        { AZURE_STORAGE_SAS_TOKEN: await sasOf(container, 'rcwdl', -60_000) },
        { AZURE_STORAGE_ACCOUNT: 'cairntest', AZURE_STORAGE_KEY: 'd3Jvbmc=' },
      ]) {
        const thrown: unknown = await withVariables(given, () => open(plain(container))).catch(
          (error: unknown) => error,
        );
        // azurite calls both a failure of authorization; Azure's own codes are in the table of faults.
        expect(thrown).toMatchObject({ kind: 'forbidden', details: { error: 'AuthorizationFailure' } });
        expect(inspect(thrown, { depth: 10 })).not.toMatch(/sig=|d3Jvbmc/);
      }
    });

    it('nothing', async () => {
      const opening = (url: string): Promise<unknown> => withVariables({}, () => open(url));
      await expect(opening(plain(container))).rejects.toMatchObject({
        ...stranger,
        message: expect.stringContaining('over https only'),
      });
      // Entra's, of which there are none: nothing is sent to the store.
      await expect(opening(`az://${container}?endpoint=https://127.0.0.1:9`)).rejects.toMatchObject({
        ...stranger,
        message: expect.stringContaining('no credentials were found'),
      });
      await expect(opening(`az://${container}`)).rejects.toMatchObject({
        code: 'invalid_store_url',
        message: expect.stringContaining('AZURE_STORAGE_ACCOUNT'),
      });
    });

    it('a container that is not there, an address where nobody is, a copy that lags behind', async () => {
      await expect(open(plain('no-such-container'))).rejects.toMatchObject({
        kind: 'not_found',
        code: 'store_not_found',
      });
      const refused = await startFaultProxy(azuriteOrigin());
      await refused.close();
      await expect(openStore(azureUrl(container, refused.url))).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'store_unavailable',
      });
      await expect(
        open(`az://${container}?endpoint=https://mine-secondary.blob.core.windows.net`),
      ).rejects.toMatchObject({
        code: 'store_unfit',
        details: { failed: 'strong reads' },
      });
    });

    it('a customer key over http, of a wrong length, or beside a scope', async () => {
      const refused = { kind: 'invalid', code: 'invalid_customer_key' };
      const customerKey = new Uint8Array(32);
      await expect(open(plain(container), { customerKey })).rejects.toMatchObject(refused);
      await expect(open(plain(container), { customerKey: new Uint8Array(31) })).rejects.toMatchObject(
        refused,
      );
      await expect(open(`${plain(container)}&encryption_scope=mine`, { customerKey })).rejects.toMatchObject(
        refused,
      );
    });

    it('a scope of encryption, which goes with whatever makes a blob', async () => {
      const scopes: unknown[] = [];
      spoil({
        before: ({ method, headers }) => {
          if (method === 'PUT') scopes.push(headers['x-ms-encryption-scope']);
        },
      });
      const url = `${azureUrl(container, proxied.proxy.url)}&encryption_scope=mine&self_test=false`;
      const { store: scoped } = await openAzureStore(parseAzureUrl(url), realPorts);
      expect((await scoped.put(fresh(), body, { if: 'absent' })).status).toBe('applied');
      const upload = await scoped.upload(fresh());
      await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
      await upload.finish();
      expect(scopes).toEqual(['mine', 'mine', 'mine', 'mine']);
    });
  });
});
