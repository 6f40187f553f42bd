/**
 * The suite of what may become of the requests of a store in a bucket: they get lost, their answers come late, come short, or say
 * an error. Every such store runs it whole, with a harness that does this to the real requests.
 *
 * Held here: a put is sent once, and where it may have been applied it ends as `unknown`, whether it was or not; it throws only
 * where it surely was not. A read ends in the object or in a typed error, never in part of a body or another range. Errors have
 * a type in every call, and repeat nothing secret. Parts of an upload are sent again, its end is decided by what is there, and
 * one that is given up leaves nothing.
 */
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ErrorKind } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import type { ObjectStore } from '../../core/store/index.js';
import type { Patience } from './patience.js';

/** An error of the store's, in its own words. */
export interface StoreSays {
  /** Of HTTP, where the store speaks it. */
  readonly status?: number;
  readonly code: string;
  /** What the store says beside the code. */
  readonly detail?: string;
}

/** `drop`: the connection breaks. `hang`: nobody answers. */
export type CallEnd = 'drop' | 'hang' | StoreSays;

/** What a request is for. `part` and `join` are of uploads. */
export type CallRole = 'put' | 'part' | 'join' | 'other';

/** Bytes of a body after which it breaks off, or after which nothing more comes; or a range that begins a byte too early. */
export type BodyFault = { readonly cutAt: number } | { readonly stallAt: number } | 'earlier range';

export interface CallRule {
  /** Before the store has heard of it. */
  readonly before?: (role: CallRole) => CallEnd | undefined;
  /** Once the store has done it. */
  readonly after?: (role: CallRole) => CallEnd | undefined;
  /** Of all bodies. */
  readonly body?: BodyFault;
}

export interface FaultHarness {
  readonly store: ObjectStore;
  /** With the sleep of this one the store was opened. */
  readonly patience: Patience;
  /** Until the next rule, or the end of the test. */
  readonly spoil: (rule: CallRule) => void;
  /** What the store's errors ask for. */
  readonly retryAfterS: number;
  /** What no error may show. */
  readonly secrets: readonly string[];
  /** Uploads that the store keeps parts of, where it can be asked. */
  readonly unfinished?: () => Promise<number>;
}

export interface FaultCases {
  /** After these nobody knows of a put. */
  readonly undecided: readonly StoreSays[];
  /** Ours, of a read whose body ends too early or not at all. */
  readonly brokenBody: 'store_answer' | 'store_unavailable';
  readonly typed: readonly (StoreSays & { readonly kind: ErrorKind; readonly ours: string })[];
}

interface FaultBench {
  readonly harness: () => FaultHarness;
  readonly fresh: () => string;
}

const body = new Uint8Array(20_000).fill(7);

export function describeFaults(name: string, open: () => FaultHarness, cases: FaultCases): void {
  describe(`faults: ${name}`, () => {
    let harness: FaultHarness;
    let tests = 0;
    beforeAll(() => {
      harness = open();
    });
    const bench = { harness: () => harness, fresh: () => `faults/${++tests}` };
    describePuts(bench, cases);
    describeReads(bench, cases);
    describeErrors(bench, cases);
    describeUploads(bench);
  });
}

function describePuts({ harness, fresh }: FaultBench, { undecided, typed }: FaultCases): void {
  const create = (key: string) => harness().store.put(key, body, { if: 'absent' });

  it.each(['drop', 'hang'] as const)('does not know of a put that ends in: %s', async (end) => {
    const { store, spoil, patience } = harness();
    const [lost, done] = [fresh(), fresh()];
    const put = (key: string) => (end === 'hang' ? patience.inVain(() => create(key)) : create(key));
    spoil({ before: () => end });
    expect((await put(lost)).status).toBe('unknown');
    let applied: (() => void) | undefined;
    const passed = new Promise<void>((resolve) => (applied = resolve));
    spoil({
      after: () => {
        applied?.();
        return end;
      },
    });
    expect((await put(done)).status).toBe('unknown');
    await passed;
    spoil({});
    expect(await store.get(lost)).toEqual({ status: 'absent' });
    expect((await store.get(done)).status).toBe('found');
    expect(await create(done)).toEqual({ status: 'refused' });
  });

  it.each(named(undecided))(
    'does not know of a put that was answered with %s, applied or not',
    async (_, says) => {
      const { store, spoil } = harness();
      const [lost, done] = [fresh(), fresh()];
      const unknown = { status: 'unknown', cause: { kind: 'unavailable', outcome: 'unknown' } };
      spoil({ before: () => says });
      expect(await create(lost)).toMatchObject(unknown);
      spoil({ after: () => says });
      expect(await create(done)).toMatchObject(unknown);
      spoil({});
      expect(await store.get(lost)).toEqual({ status: 'absent' });
      expect((await store.get(done)).status).toBe('found');
    },
  );

  it('sends each put once, whatever becomes of it', async () => {
    const { spoil, patience } = harness();
    for (const end of ['drop', 'hang', ...undecided, ...typed] as const) {
      const sent: CallRole[] = [];
      spoil({
        before: (role) => {
          sent.push(role);
          return end;
        },
      });
      const put = (): Promise<unknown> => create(fresh()).catch(() => {});
      await (end === 'hang' ? patience.inVain(put) : put());
      expect(sent, inspect(end)).toEqual(['put']);
    }
  });
}

function describeReads({ harness, fresh }: FaultBench, { brokenBody }: FaultCases): void {
  it('takes no answer for a body that breaks off, stalls, or is another range', async () => {
    const { store, spoil, patience } = harness();
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const range = { offset: 10, length: 15_000 };
    for (const [fault, stalls] of [
      [{ cutAt: 9_000 }, false],
      [{ stallAt: 9_000 }, true],
    ] as const) {
      spoil({ body: fault });
      for (const options of [{}, { range }]) {
        const get = () => store.get(key, options);
        const end = stalls ? patience.inVain(get) : get();
        await expect(end).rejects.toMatchObject({ kind: 'unavailable', code: brokenBody });
      }
    }
    spoil({ body: 'earlier range' });
    await expect(store.get(key, { range })).rejects.toMatchObject({ code: 'store_answer' });
    spoil({});
    expect((await store.get(key, { range })).status).toBe('found');
  });

  it('reads into memory that is lent', async () => {
    const { store } = harness();
    const key = fresh();
    await store.put(key, body, { if: 'absent' });
    const into = new Uint8Array(30_000);
    const found = await store.get(key, { into });
    if (found.status !== 'found') throw new Error(found.status);
    expect(found.bytes.buffer).toBe(into.buffer);
    expect(found.bytes).toEqual(body);
  });
}

function describeErrors({ harness, fresh }: FaultBench, { typed }: FaultCases): void {
  it.each(named(typed))('gives %s a type in every call, and repeats nothing secret', async (_, says) => {
    const { store, spoil, secrets, retryAfterS } = harness();
    const { kind, ours } = says;
    const again = kind === 'unavailable';
    spoil({ before: () => says });
    const upload = await store.upload(fresh());
    const put = async (): Promise<void> => {
      const end = await store.put(fresh(), body, { if: 'any' });
      if (end.status === 'unknown') throw end.cause;
    };
    const uploaded = async (): Promise<void> => {
      await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
      await upload.finish();
    };
    for (const [call, more] of [
      [() => store.get(fresh()), {}],
      [() => store.list(''), {}],
      [() => store.delete([fresh()]), {}],
      [put, { outcome: again ? 'unknown' : 'not_applied' }],
      [uploaded, {}],
    ] as const) {
      const thrown: unknown = await call().catch((error: unknown) => error);
      expect(thrown).toMatchObject({ kind, code: ours, ...more, ...(again ? { retryAfterS } : {}) });
      const shown = inspect(thrown, { depth: 10 });
      for (const secret of secrets) expect(shown).not.toContain(secret);
    }
    await upload.abort();
  });
}

function describeUploads({ harness, fresh }: FaultBench): void {
  const parts = new Uint8Array(2 * limits.uploadPartBytes + 5).map((_, at) => (at * 31) % 251);
  const mustBeParts = async (key: string): Promise<void> => {
    const found = await harness().store.get(key);
    if (found.status !== 'found') throw new Error(found.status);
    expect(Buffer.compare(found.bytes, parts)).toBe(0);
  };

  it.each(['before', 'after'] as const)('repeats a part that is lost %s the store has it', async (when) => {
    const { store, spoil } = harness();
    const key = fresh();
    const uploaded = async (lost: number): Promise<number> => {
      let seen = 0;
      spoil({ [when]: (role: CallRole) => (role === 'part' && seen++ < lost ? 'drop' : undefined) });
      const upload = await store.upload(key);
      await upload.write(parts);
      await upload.finish();
      return seen;
    };
    const plain = await uploaded(0);
    await store.delete([key]);
    const more = (await uploaded(1)) - plain;
    // A store that can be asked how far it is need not be sent again what it has.
    expect(when === 'before' ? [1] : [0, 1]).toContain(more);
    await mustBeParts(key);
  });

  it.each(['before', 'after'] as const)(
    'finds out what became of an upload whose end is lost %s the store has it',
    async (when) => {
      const { store, spoil } = harness();
      const key = fresh();
      await store.put(key, body, { if: 'absent' });
      const upload = await store.upload(key);
      await upload.write(parts);
      let joins = 0;
      spoil({ [when]: (role: CallRole) => (role === 'join' && ++joins <= 2 ? 'drop' : undefined) });
      await upload.finish();
      // Where the first one made the object, its nonce says so, and nothing is joined again.
      expect(joins).toBe(when === 'before' ? 3 : 1);
      await mustBeParts(key);
    },
  );

  it.each([
    ['its own', ['join']],
    ['any question', ['join', 'other']],
  ] as const)(
    'fails an upload whose end is not heard of, nor the answer to %s, and says that it may be there',
    async (_, lost: readonly CallRole[]) => {
      const { store, spoil } = harness();
      const key = fresh();
      const upload = await store.upload(key);
      await upload.write(parts);
      // What another one has put there is not taken for its own.
      await store.put(key, body, { if: 'absent' });
      spoil({ before: (role) => (lost.includes(role) ? 'drop' : undefined) });
      await expect(upload.finish()).rejects.toMatchObject({
        ...{ kind: 'unavailable', code: 'upload_unknown', outcome: 'unknown' },
      });
      spoil({});
      await upload.abort();
      expect(await store.get(key)).toMatchObject({ status: 'found', size: body.length });
    },
  );

  it('leaves nothing behind of an upload that is given up', async () => {
    const { store, unfinished } = harness();
    const key = fresh();
    const before = await unfinished?.();
    const upload = await store.upload(key);
    await upload.write(parts);
    if (before !== undefined) expect(await unfinished!()).toBe(before + 1);
    await upload.abort();
    expect(await unfinished?.()).toBe(before);
    expect(await store.get(key)).toEqual({ status: 'absent' });
  });
}

/** With names for the titles of tests. */
function named<T extends StoreSays>(cases: readonly T[]): (readonly [string, T])[] {
  return cases.map((says) => {
    const { status, code, detail } = says;
    return [[status, code, detail].filter((word) => word !== undefined).join(' '), says] as const;
  });
}
