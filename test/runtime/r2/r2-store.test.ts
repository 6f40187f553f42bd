/**
 * The R2 store on a bucket in workerd whose requests get lost, come late, or are answered with what R2 documents to say: each put
 * ends in one of its three ways, each read in an answer that is true or in a typed error. Also what each call asks of the
 * bucket. A binding around the real one does the spoiling (spoilt-bucket.ts); the errors that it throws are made up of R2's codes,
 * as the local R2 turns nobody away.
 */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import { openR2Store } from '../../../core/r2.js';
import type { R2Keyed, R2Stream } from '../../../core/store/adapters/r2/r2-binding.js';
import { meteringStore } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { describeFaults } from '../../store/bucket-faults.js';
import type { BodyFault, CallEnd, CallRole, CallRule } from '../../store/bucket-faults.js';
import { makePatience } from '../../store/patience.js';
import { hasRuntimes } from '../install.js';
import { startR2 } from './bucket.js';
import type { LocalR2 } from './bucket.js';
import { cutAfter, lengthen, never, SpoiltBucket, stallAfter } from './spoilt-bucket.js';
import type { SpoilRule, SpoiltCall } from './spoilt-bucket.js';

const body = new Uint8Array(20_000).fill(7);

const roles = new Map<string, CallRole>([
  ['put', 'put'],
  ['uploadPart', 'part'],
  ['completeMultipartUpload', 'join'],
]);
const roleOf = ({ method }: SpoiltCall): CallRole => roles.get(method) ?? 'other';

async function endCall({ method }: SpoiltCall, end: CallEnd | undefined): Promise<void> {
  if (end === undefined) return;
  if (end === 'hang') await never();
  throw new Error(typeof end === 'object' ? `${method}: no (${end.code})` : 'Network connection lost.');
}

function spoiledBody(fault: BodyFault): SpoilRule {
  if (fault !== 'earlier range')
    return { body: 'cutAt' in fault ? cutAfter(fault.cutAt) : stallAfter(fault.stallAt) };
  return {
    get: ({ range, ...options }) => ({
      ...options,
      ...(range === undefined ? {} : { range: { ...range, offset: range.offset - 1 } }),
    }),
  };
}

describe.skipIf(!hasRuntimes())('the R2 store', () => {
  let r2: LocalR2;
  let bucket: SpoiltBucket;
  let store: ObjectStore;
  let tests = 0;
  const fresh = (): string => `key/${++tests}`;

  beforeAll(async () => {
    r2 = await startR2();
    bucket = new SpoiltBucket(r2.bind());
    store = await openR2Store(bucket, { prefix: '/some/prefix/', selfTest: false }, patience);
  });
  afterAll(() => r2.close());

  const spoil = (rule: SpoilRule): void => {
    bucket.use(rule);
    onTestFinished(() => bucket.use({}));
  };
  const fail = (message: string) => (): never => {
    throw new Error(message);
  };
  const patience = makePatience();
  const { inVain } = patience;
  const asked = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
    const before = bucket.seen.length;
    await call();
    return bucket.seen.slice(before);
  };

  it('is called by the name of its binding and by its prefix', () => {
    expect(store.description).toBe('r2://BUCKET/some/prefix/');
  });

  describeFaults('R2', () => ({ ...{ store, patience, retryAfterS: 1, secrets: [] }, spoil: spoilCalls }), {
    brokenBody: 'store_answer',
    undecided: ['10001', '10058', '10043', '10054', '19999', '0'].map((code) => ({ code })),
    typed: [
      { code: '10002', kind: 'unauthenticated', ours: 'store_unauthenticated' },
      { code: '10003', kind: 'forbidden', ours: 'store_forbidden' },
      { code: '10006', kind: 'not_found', ours: 'store_not_found' },
      { code: '10069', kind: 'forbidden', ours: 'store_forbidden' },
      { code: '10058', kind: 'unavailable', ours: 'store_busy' },
    ],
  });
  function spoilCalls({ before, after, body: fault }: CallRule): void {
    spoil({
      ...(before === undefined ? {} : { before: (call: SpoiltCall) => endCall(call, before(roleOf(call))) }),
      ...(after === undefined ? {} : { after: (call: SpoiltCall) => endCall(call, after(roleOf(call))) }),
      ...(fault === undefined ? {} : spoiledBody(fault)),
    });
  }

  it('says for each call how many requests it is, as an invocation is charged for it', async () => {
    const key = fresh();
    const invocation = { limit: limits.invocationRequests, used: 0 };
    const metered = meteringStore(store, { current: () => invocation });
    const charged = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = { used: invocation.used, seen: bucket.seen.length };
      await call();
      const seen = bucket.seen.slice(before.seen);
      expect(invocation.used - before.used).toBe(seen.length);
      return seen;
    };
    expect(await charged(() => metered.put(key, body, { if: 'absent' }))).toEqual(['put']);
    expect(await charged(() => metered.get(key))).toEqual(['get']);
    expect(await charged(() => metered.list('key/', { limit: 1 }))).toEqual(['list']);
    const keys = Array.from({ length: limits.deleteKeys + 1 }, (_, at) => `none/${at}`);
    expect(await charged(() => metered.delete(keys))).toEqual(['delete', 'delete']);
    const upload = async (bytes: number): Promise<void> => {
      const begun = await metered.upload(key);
      await begun.write(new Uint8Array(bytes));
      await begun.finish();
    };
    expect(await charged(() => upload(limits.uploadPartBytes))).toEqual(['put']);
    expect(await charged(() => upload(limits.uploadPartBytes + 1))).toEqual([
      ...['createMultipartUpload', 'uploadPart', 'uploadPart', 'completeMultipartUpload'],
    ]);
    const given = async (): Promise<void> => {
      const begun = await metered.upload(key);
      await begun.write(new Uint8Array(2 * limits.uploadPartBytes + 1));
      await begun.abort();
    };
    expect(await charged(given)).toEqual([
      ...['createMultipartUpload', 'uploadPart', 'uploadPart', 'abortMultipartUpload'],
    ]);
    for (let at = 0; at < 3; at++) await metered.put(`many/${at}`, body, { if: 'any' });
    expect(await charged(() => metered.list('many/'))).toEqual(['list']);
  });

  it('lets R2 check what it sends', async () => {
    const key = fresh();
    spoil({ value: (bytes) => bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)) });
    const end = await store.put(key, body, { if: 'absent' });
    expect(end).toMatchObject({ status: 'unknown', cause: { details: { error: '10037' } } });
    spoil({});
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });

  it('takes no answer for a body that goes on too long', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    let cancelled = 0;
    spoil({ body: lengthen(3, () => (cancelled += 1)) });
    for (const options of [{}, { range: { offset: 10, length: 15_000 } }]) {
      const answer = { kind: 'unavailable', code: 'store_answer' };
      await expect(store.get(key, options)).rejects.toMatchObject(answer);
    }
    expect(cancelled).toBe(2);
  });

  it('finds out with one request more that a range begins where the object ends', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const get = (offset: number) => async () => {
      const past = { kind: 'invalid', code: 'range_past_end' };
      await expect(store.get(key, { range: { offset, length: 1 } })).rejects.toMatchObject(past);
    };
    expect(await asked(get(body.length))).toEqual(['get', 'head']);
    expect(await asked(get(body.length + 1))).toEqual(['get']);
    spoil({ before: ({ method }) => (method === 'get' ? fail('get: Unspecified error (0)')() : undefined) });
    await expect(store.get(key, { range: { offset: 0, length: 1 } })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_unavailable',
    });
  });

  it('drops what comes late, and lets go of its body', async () => {
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const answers: (() => void)[] = [];
    let cancelled = 0;
    const late = (): Promise<void> => new Promise((resolve) => void answers.push(resolve));
    const watched = (inner: R2Stream): R2Stream => ({
      getReader: () => inner.getReader({ mode: 'byob' }),
      cancel: async () => {
        cancelled += 1;
        await inner.cancel();
      },
    });
    spoil({ after: late, body: watched });
    const silent = { kind: 'unavailable', code: 'store_unavailable' };
    await expect(inVain(() => store.get(key))).rejects.toMatchObject(silent);
    spoil({ after: () => late().then(fail('list: too late (10001)')) });
    await expect(inVain(() => store.list('key/'))).rejects.toMatchObject(silent);
    spoil({ body: watched });
    expect(cancelled).toBe(0);
    for (const answer of answers) answer();
    await expect.poll(() => cancelled).toBe(1);
  });

  it('decides an upload whose answers get lost', { timeout: 120_000 }, async () => {
    const key = fresh();
    const bytes = new Uint8Array(limits.uploadPartBytes + 5).map((_, at) => at % 251);
    const lost = new Map<string, number>();
    /** Of each kind of request. */
    const loseFirst = ({ method }: { readonly method: string }): void => {
      const before = lost.get(method) ?? 0;
      lost.set(method, before + 1);
      if (before === 0) throw new Error('Network connection lost.');
    };
    spoil({ after: loseFirst });
    const upload = await store.upload(key);
    await upload.write(bytes);
    await upload.finish();
    expect(lost.get('completeMultipartUpload')).toBe(1);
    spoil({});
    const found = await store.get(key);
    expect(found.status === 'found' && Buffer.compare(found.bytes, bytes)).toBe(0);
  });

  it('gives up an upload, and what was sent of it', async () => {
    const key = fresh();
    const upload = await store.upload(key);
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    expect(await asked(() => upload.abort())).toContain('abortMultipartUpload');
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });

  // The local R2 takes the key and encrypts nothing, so that this shows only where it goes.
  it('sends the customer key with everything that touches a body, and shows it nowhere', async () => {
    const customerKey = new Uint8Array(32).map((_, at) => at + 65);
    const keyed: string[] = [];
    const note = (method: string, { ssecKey }: R2Keyed = {}): void => {
      if (ssecKey !== undefined && Buffer.compare(new Uint8Array(ssecKey), customerKey) === 0)
        keyed.push(method);
    };
    const inner = r2.bind();
    const watched = Object.assign(Object.create(inner) as typeof inner, {
      put: ((key, value, options) => {
        note('put', options);
        return inner.put(key, value, options);
      }) satisfies typeof inner.put,
      get: ((key, options) => {
        note('get', options);
        return inner.get(key, options);
      }) satisfies typeof inner.get,
      createMultipartUpload: ((key, options) => {
        note('create', options);
        return inner.createMultipartUpload(key, options);
      }) satisfies typeof inner.createMultipartUpload,
      resumeMultipartUpload: ((key, id) => {
        const upload = inner.resumeMultipartUpload(key, id);
        return {
          ...upload,
          uploadPart: (number, value, options) => {
            note('part', options);
            return upload.uploadPart(number, value, options);
          },
        };
      }) satisfies typeof inner.resumeMultipartUpload,
      list: inner.list.bind(inner),
      delete: inner.delete.bind(inner),
      head: inner.head.bind(inner),
    });
    const encrypted = await openR2Store(watched, { customerKey, selfTest: false, prefix: 'encrypted' });
    const key = fresh();
    await encrypted.put(key, body, { if: 'absent' });
    await encrypted.get(key);
    const upload = await encrypted.upload(key);
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(keyed).toEqual(['put', 'get', 'create', 'part', 'part']);
    expect(inspect(encrypted, { depth: 10, showHidden: true })).not.toContain('ABCDEFGH');
    expect(JSON.stringify(encrypted)).not.toContain('65,66,67');
  });

  it("works through miniflare's own stand-in for a binding, which wrangler's getPlatformProxy gives", async () => {
    const proxied = await openR2Store(await r2.proxy(), { prefix: 'proxied' });
    const key = fresh();
    const first = await proxied.put(key, body, { if: 'absent' });
    if (first.status !== 'applied') throw new Error(first.status);
    expect(await proxied.put(key, body, { if: 'absent' })).toEqual({ status: 'refused' });
    expect(await proxied.get(key, { unless: first.version })).toEqual({ status: 'unchanged' });
    expect(await proxied.get(key, { range: { offset: 19_990, length: 50 } })).toMatchObject({
      bytes: body.subarray(19_990),
      size: body.length,
    });
    const upload = await proxied.upload(key);
    await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
    await upload.finish();
    expect(await proxied.list('')).toEqual([{ key, size: limits.uploadPartBytes + 1 }]);
    await proxied.delete([key]);
    expect(await proxied.get(key)).toEqual({ status: 'absent' });
  });
});
