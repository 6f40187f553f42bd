/**
 * A Worker that opens the R2 store on its own binding, tries it, and answers what it saw: for r2-worker.test.ts. Each path is one
 * try, so that one invocation cannot lean on another; all share one store, as the requests of a deployed Worker do.
 */
import { openR2Store } from '../../../core/r2.js';
import type { R2Binding } from '../../../core/r2.js';
import type { GetResult, ObjectStore } from '../../../core/store/index.js';

interface Environment {
  readonly BUCKET: R2Binding;
}

let shared: ObjectStore | undefined;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (found: GetResult): string =>
  found.status === 'found' ? new TextDecoder().decode(found.bytes) : found.status;

async function failureOf(call: Promise<unknown>): Promise<object> {
  try {
    return { settled: await call };
  } catch (error) {
    const { kind, code, outcome } = error as Record<string, unknown>;
    return { kind, code, outcome };
  }
}

/** 17 MiB and a bit: three parts, of bytes that tell where they are. */
function largeBody(): Uint8Array {
  const words = new Uint32Array(17 * 262_144 + 3);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at, 0x9e3779b1);
  return new Uint8Array(words.buffer);
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

const tries: Readonly<Record<string, (store: ObjectStore, bucket: R2Binding) => Promise<unknown>>> = {
  '/conditions': async (store) => {
    const put = (body: string, condition: Parameters<ObjectStore['put']>[2]['if']) =>
      store.put('conditions', bytesOf(body), { if: condition });
    const first = await put('first', 'absent');
    if (first.status !== 'applied') return first;
    const again = await put('again', 'absent');
    const swapped = await put('second', { version: first.version });
    const stale = await put('third', { version: first.version });
    const missing = await store.put('missing', bytesOf('x'), { if: { version: first.version } });
    const body = textOf(await store.get('conditions'));
    const dated = Math.abs(first.modifiedMs - Date.now()) < 60_000;
    return [again.status, swapped.status, stale.status, missing.status, body, dated];
  },
  '/racers': async (store) => {
    const ends = await Promise.all(
      Array.from({ length: 32 }, (_, racer) => store.put('raced', bytesOf(`${racer}`), { if: 'absent' })),
    );
    const winners = ends.flatMap(({ status }, racer) => (status === 'applied' ? [`${racer}`] : []));
    const refused = ends.filter(({ status }) => status === 'refused').length;
    return [winners.length, refused, textOf(await store.get('raced')) === winners[0]];
  },
  '/reads': async (store) => {
    const end = await store.put('read', bytesOf('0123456789'), { if: 'any' });
    if (end.status !== 'applied') return end;
    const ranged = (offset: number, length: number) => store.get('read', { range: { offset, length } });
    const into = new Uint8Array(64);
    const lent = await store.get('read', { into });
    return [
      textOf(await ranged(2, 3)),
      textOf(await ranged(8, 30)),
      await failureOf(ranged(10, 1)),
      await failureOf(ranged(11, 1)),
      textOf(await store.get('read', { unless: end.version })),
      textOf(await store.get('nothing')),
      textOf(lent),
      lent.status === 'found' && lent.bytes.buffer === into.buffer,
    ];
  },
  '/lists': async (store, bucket) => {
    for (let at = 0; at < 5; at++) await store.put(`list/${at}`, bytesOf('x'), { if: 'any' });
    /** A page ends where R2 likes. */
    const short: R2Binding = Object.assign(Object.create(bucket) as R2Binding, {
      list: (options: { readonly limit: number }) => bucket.list({ ...options, limit: 1 } as never),
    });
    const paged = await openR2Store(short, { selfTest: false });
    const names = async (options?: object): Promise<string> =>
      (await paged.list('list/', options)).map(({ key, size }) => `${key.slice(5)}:${size}`).join();
    const all = await names();
    await store.delete(['list/0', 'list/4', 'list/none']);
    return [all, await names({ after: 'list/1', limit: 2 }), await names({ limit: 1 })];
  },
  '/uploads': async (store) => {
    const body = largeBody();
    const upload = await store.upload('large');
    for (let at = 0; at < body.length; at += 3_000_001) await upload.write(body.subarray(at, at + 3_000_001));
    await upload.finish();
    const found = await store.get('large');
    const range = { offset: 8_388_600, length: 100 };
    const part = await store.get('large', { range });
    const given = await store.upload('given up');
    await given.write(body.subarray(0, 9_000_000));
    await given.abort();
    return [
      found.status === 'found' && isSame(found.bytes, body),
      part.status === 'found' && isSame(part.bytes, body.subarray(range.offset, range.offset + range.length)),
      (await store.get('given up')).status,
    ];
  },
  '/late': async (_, bucket) => {
    const slow: R2Binding = Object.assign(Object.create(bucket) as R2Binding, {
      put: async (key: string, value: Uint8Array, options: object) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return await bucket.put(key, value, options);
      },
      get: async (key: string, options: object) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return await bucket.get(key, options);
      },
    });
    const hasty = await openR2Store(slow, { selfTest: false, answerMs: 20 });
    const put = await hasty.put('late', bytesOf('late'), { if: 'absent' });
    const got = await failureOf(hasty.get('late'));
    // What nobody waits for any more comes meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 400));
    return [put.status, got, textOf(await (await openR2Store(bucket, { selfTest: false })).get('late'))];
  },
  '/self-test': async (_, bucket) => {
    let asked = 0;
    const counting = new Proxy(bucket, {
      get: (target, name) => {
        const method = (target as unknown as Record<PropertyKey, unknown>)[name];
        if (typeof method !== 'function') return method;
        return (...given: unknown[]): unknown => {
          asked += 1;
          return method.apply(target, given) as unknown;
        };
      },
    });
    await openR2Store(counting, { prefix: 'tested' });
    const left = await (await openR2Store(bucket, { selfTest: false, prefix: 'tested' })).list('');
    return [asked, left.length];
  },
};

const worker = {
  async fetch(request: Request, { BUCKET }: Environment): Promise<Response> {
    shared ??= await openR2Store(BUCKET, { selfTest: false });
    const found = tries[new URL(request.url).pathname];
    if (found === undefined) return new Response(null, { status: 404 });
    return Response.json(await found(shared, BUCKET));
  },
};

export { worker as default };
