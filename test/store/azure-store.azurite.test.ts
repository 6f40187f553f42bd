/**
 * The Azure store before an emulator whose answers get lost, come late, or are others than the store's: each put ends in one of its
 * three ways, each read in an answer that is true or in a typed error. Also what each call sends, and what is said to whoever may not.
 */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openAzureStore, parseAzureUrl } from '../../core/store/adapters/azure/index.js';
import type { GetOptions, GetResult, ObjectStore } from '../../core/store/index.js';
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
import type { FaultProxy, ProxiedAnswer } from '../engines/fault-proxy.js';

const body = new Uint8Array(20_000).fill(7);

interface Said {
  readonly headers?: Readonly<Record<string, string>>;
  readonly detail?: string;
}

function saying(status: number, code: string, { headers = {}, detail = '' }: Said = {}): ProxiedAnswer {
  const more = `<Message>SECRET</Message><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`;
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml', 'x-ms-error-code': code },
    body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code>${more}</Error>`),
  };
}

const isList = (path: string): boolean => path.includes('comp=list&') || path.endsWith('comp=list');

describe.skipIf(azurite === undefined)('the Azure store', () => {
  let container: string;
  let proxy: FaultProxy;
  let store: ObjectStore;
  let tests = 0;
  /** Where answers are to be waited for in vain: what would take ten seconds takes a fifth of one. */
  let longestMs = Number.POSITIVE_INFINITY;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    container = await makeContainer('faults');
    proxy = await startFaultProxy(azuriteOrigin());
    const ports = {
      ...realPorts,
      // Pauses before another try are shorter than any time that an answer has.
      sleep: (ms: number, signal?: AbortSignal) =>
        realPorts.sleep(ms <= limits.retryMaxMs ? 5 : Math.min(ms, longestMs), signal),
    };
    store = (await openAzureStore(parseAzureUrl(azureUrl(container, proxy.url)), ports)).store;
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
  const seenBy = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
    const before = proxy.seen.length;
    await call();
    return proxy.seen.slice(before);
  };
  const methods = async (call: () => Promise<unknown>): Promise<readonly string[]> =>
    (await seenBy(call)).map((line) => line.split(' ')[0]!);

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
    [500, 'OperationTimedOut'],
    [503, 'ServerBusy'],
    [503, 'OperationTimedOut'],
    [429, 'TooManyRequests'],
    [409, 'AccountBeingCreated'],
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
      spoil({ before: () => saying(status, code) });
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

  it('sends each put once, whatever becomes of it', async () => {
    for (const before of [
      () => saying(500, 'InternalError'),
      () => saying(503, 'ServerBusy', { headers: { 'retry-after': '1' } }),
      () => 'drop' as const,
    ]) {
      spoil({ before });
      expect(await methods(() => store.put(fresh(), body, { if: 'absent' }))).toEqual(['PUT']);
    }
  });

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
    const { store: lister } = await openChangeable(container, azureUrl(container, proxy.url));
    const asked = async (limit: number): Promise<readonly string[]> => {
      const listed: string[] = [];
      const seen = await seenBy(async () => {
        for (const { key } of await lister.list(prefix, { after, limit })) listed.push(key);
      });
      expect(listed).toEqual(keys.slice(4, 4 + limit));
      return seen;
    };
    const [first, ...more] = await asked(2);
    expect(new URL(first!.split(' ')[1]!, proxy.url).searchParams.get('startFrom')).toBe(
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
    const { store: lister } = await openChangeable(container, azureUrl(container, proxy.url));
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

  it('has no more connections than the URL allows, and uses all of them', async () => {
    const url = `${azureUrl(container, proxy.url)}&connections=3&self_test=false`;
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

  it.each([
    [403, 'AuthorizationPermissionMismatch', '', 'forbidden', 'store_forbidden'],
    [403, 'AuthenticationFailed', 'SECRET', 'unauthenticated', 'store_unauthenticated'],
    [
      ...([403, 'AuthenticationFailed'] as const),
      'Signature not valid in the specified time frame: Start [SECRET]',
      ...(['unauthenticated', 'store_credentials_expired'] as const),
    ],
    [
      ...([403, 'AuthenticationFailed'] as const),
      "Request date header too old: 'SECRET'",
      ...(['unauthenticated', 'store_clock_skew'] as const),
    ],
    [
      ...([401, 'InvalidAuthenticationInfo'] as const),
      'Lifetime validation failed. The token is expired.',
      ...(['unauthenticated', 'store_credentials_expired'] as const),
    ],
    [404, 'ContainerNotFound', '', 'not_found', 'store_not_found'],
    [503, 'ServerBusy', '', 'unavailable', 'store_busy'],
  ])('gives %d %s (%s) a type in every call, and repeats nothing secret', async (...row) => {
    const [status, code, detail, kind, ours] = row;
    spoil({ before: () => saying(status, code, { detail, headers: { 'retry-after': '3' } }) });
    const upload = await store.upload(fresh());
    for (const call of [
      () => store.get(fresh()),
      () => store.list(''),
      () => store.delete([fresh()]),
      // A busy store is asked again, at its own pace.
      ...(kind === 'unavailable'
        ? []
        : [
            async () => {
              await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
              await upload.finish();
            },
          ]),
    ]) {
      const thrown: unknown = await call().catch((error: unknown) => error);
      expect(thrown).toMatchObject({ kind, code: ours });
      if (kind === 'unavailable') expect(thrown).toMatchObject({ retryAfterS: 3 });
      const shown = inspect(thrown, { depth: 10 });
      expect(shown).not.toMatch(/SECRET|SharedKey/);
      expect(shown).not.toContain(azurite!.key);
    }
    await upload.abort();
  });

  it('stops deleting where it may not, and names the key', async () => {
    const keys = Array.from({ length: 200 }, () => fresh());
    let asked = 0;
    spoil({
      before: () => (asked++ === 0 ? saying(403, 'AuthorizationPermissionMismatch') : undefined),
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

  it('repeats a block of an upload, and decides its end where the answer is lost', async () => {
    const key = fresh();
    const parts = new Uint8Array(2 * limits.uploadPartBytes).fill(3);
    let blocks = 0;
    let lists = 0;
    spoil({
      after: ({ path }) => {
        if (path.includes('comp=blocklist')) return lists++ === 0 ? 'drop' : undefined;
        return path.includes('comp=block') && blocks++ === 0 ? 'drop' : undefined;
      },
    });
    const first = await store.upload(key);
    await first.write(parts);
    await first.finish();
    expect([blocks, lists]).toEqual([3, 1]);
    expect(await store.list(key)).toEqual([{ key, size: parts.length }]);
    const second = await store.upload(key);
    await second.write(parts);
    spoil({ before: ({ path }) => (path.includes('comp=blocklist') ? 'drop' : undefined) });
    await expect(second.finish()).rejects.toMatchObject({
      ...{ kind: 'unavailable', code: 'upload_unknown', outcome: 'unknown' },
    });
    spoil({});
    await second.abort();
    // What is there is the first.
    expect(await store.list(key)).toEqual([{ key, size: parts.length }]);
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
      const url = `${azureUrl(container, proxy.url)}&encryption_scope=mine&self_test=false`;
      const { store: scoped } = await openAzureStore(parseAzureUrl(url), realPorts);
      expect((await scoped.put(fresh(), body, { if: 'absent' })).status).toBe('applied');
      const upload = await scoped.upload(fresh());
      await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
      await upload.finish();
      expect(scopes).toEqual(['mine', 'mine', 'mine', 'mine']);
    });
  });
});
