/**
 * The conformance suite of the ObjectStore port: every adapter runs it whole. It uses only the port, and clients of one
 * bucket that share nothing but the bucket where the harness can open more than one.
 *
 * Held here: of any number of racers on one key exactly one is applied, in creation and in swap; a stale version is
 * refused; what a put applied is in the next get and list; bodies come back whole and owned by the caller; ranges, also
 * across the end; lists in the order of UTF-8 bytes with any `after` and `limit`; 10,000 keys; a body of 256 MiB; empty
 * bodies; odd keys; versions that change with every write; dates; typed refusal of bad requests. Short answers and wrong
 * credentials where the harness can make them.
 *
 * Buckets are shared between the tests of a run: each test works under a prefix of its own.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareUtf8, utf8Decode, utf8Encode } from '../../core/base/bytes.js';
import { limits } from '../../core/base/limits.js';
import type { GetResult, ObjectStore, PutResult, StoreVersion } from '../../core/store/index.js';
import { oddKeys } from './odd-keys.js';
import { checkAgainstMap, storeCall } from './store-calls.js';
import { describeUploads } from './uploads.js';

export interface ObjectStoreHarness {
  /** A client of the bucket under test. */
  readonly store: ObjectStore;
  /** One more client of the same bucket, as another process would have it. */
  readonly openAnother?: () => Promise<ObjectStore>;
  /** What the port allows and few adapters need. */
  readonly leeway?: {
    /** Versions are digests of bodies: the same bytes under the same key have the same one. */
    readonly versionsReturn?: boolean;
    /** Losers of a race of swaps may not be told: whoever is told nothing looks at the object. */
    readonly undecidedSwaps?: boolean;
    /** Keys that the store has no names for: whoever asks for one is told so. */
    readonly noNames?: RegExp;
  };
  /** Keys of the test of many, where an emulator takes longer with each that it has. */
  readonly manyKeys?: number;
  /** Bytes of the large body, where nobody has the memory for more. */
  readonly largeBytes?: number;
  readonly dispose: () => Promise<void>;
}

/** Faults that only some adapters can be put through; their tests exist only where the hook does. */
export interface ObjectStoreFaults {
  /** A client that the store must turn away: wrong credentials. */
  readonly openForbidden?: () => Promise<ObjectStore>;
  /** Makes the next answers for the object of `key` shorter than they promise to be. */
  readonly shorten?: (key: string) => Promise<void>;
}

const RACERS = 32;
const MANY_KEYS = 10_000;
const LARGE_BYTES = 256 * 1024 * 1024;
const SLOW_MS = 600_000;

export function describeObjectStore(
  adapter: string,
  open: () => Promise<ObjectStoreHarness>,
  faults: ObjectStoreFaults = {},
): void {
  describe(`object store: ${adapter}`, () => {
    let harness: ObjectStoreHarness;
    let store: ObjectStore;
    let others: readonly ObjectStore[];
    let tests = 0;
    const run = Math.floor(Math.random() * 2 ** 40).toString(36);
    const fresh = (): string => `t/${run}/${++tests}/`;

    beforeAll(async () => {
      harness = await open();
      store = harness.store;
      const another = await harness.openAnother?.();
      others = another === undefined ? [store] : [store, another];
    });
    afterAll(async () => {
      await harness.dispose();
    });

    describe('conditions', () => {
      it('applies a creation once and refuses it ever after', async () => {
        const key = `${fresh()}slot`;
        expect((await store.put(key, text('first'), { if: 'absent' })).status).toBe('applied');
        expect(await store.put(key, text('second'), { if: 'absent' })).toEqual({ status: 'refused' });
        expect(await bodyOf(store, key)).toBe('first');
      });

      it(`lets exactly one of ${RACERS} creators win, and its body is the one that stays`, async () => {
        for (let round = 0; round < 8; round++) {
          const key = `${fresh()}slot`;
          const ends = await race((racer) => client(racer).put(key, text(`body ${racer}`), { if: 'absent' }));
          const winner = onlyWinner(ends);
          expect(await bodyOf(store, key)).toBe(`body ${winner}`);
        }
      });

      it(`lets exactly one of ${RACERS} swappers win, at the first swap of an object and at later ones`, async () => {
        const key = `${fresh()}head`;
        let version = mustBeApplied(await store.put(key, text('start'), { if: 'absent' }));
        for (let round = 0; round < 12; round++) {
          const ends = await race((racer) =>
            client(racer).put(key, text(`${round}/${racer}`), { if: { version } }),
          );
          const found = await mustBeFound(store, key);
          const [wonRound, winner] = utf8Decode(found.bytes).split('/').map(Number) as [number, number];
          expect(wonRound).toBe(round);
          expectOneWinner(ends, winner, harness.leeway?.undecidedSwaps === true);
          const end = ends[winner]!;
          if (end.status === 'applied') expect(found.version).toBe(end.version);
          version = found.version;
        }
      });

      it('refuses a stale version, a version of another object, and any version of an absent one', async () => {
        const prefix = fresh();
        const stale = mustBeApplied(await store.put(`${prefix}a`, text('1'), { if: 'absent' }));
        const current = mustBeApplied(await store.put(`${prefix}a`, text('2'), { if: { version: stale } }));
        const other = mustBeApplied(await store.put(`${prefix}b`, text('2'), { if: 'absent' }));
        const refused = { status: 'refused' };
        expect(await store.put(`${prefix}a`, text('3'), { if: { version: stale } })).toEqual(refused);
        expect(await store.put(`${prefix}a`, text('3'), { if: 'absent' })).toEqual(refused);
        expect(await store.put(`${prefix}c`, text('3'), { if: { version: current } })).toEqual(refused);
        expect(await bodyOf(store, `${prefix}a`)).toBe('2');
        // Some stores' versions are hashes of the body: then the two are the same state, and no harm is done.
        const crossed = await store.put(`${prefix}a`, text('3'), { if: { version: other } });
        expect(crossed.status === 'refused' || other === current).toBe(true);
        expect(await store.get(`${prefix}c`)).toEqual({ status: 'absent' });
      });

      it('replaces without a condition, plain objects and swapped ones', async () => {
        const key = `${fresh()}any`;
        mustBeApplied(await store.put(key, text('1'), { if: 'any' }));
        const second = mustBeApplied(await store.put(key, text('two'), { if: 'any' }));
        expect(await bodyOf(store, key)).toBe('two');
        mustBeApplied(await store.put(key, text('3'), { if: { version: second } }));
        mustBeApplied(await store.put(key, text('four'), { if: 'any' }));
        expect(await bodyOf(store, key)).toBe('four');
        expect(await store.put(key, text('5'), { if: { version: second } })).toEqual({ status: 'refused' });
      });

      it('loses no increment of concurrent read-modify-swap loops', async () => {
        const key = `${fresh()}counter`;
        mustBeApplied(await store.put(key, text('0'), { if: 'absent' }));
        await Promise.all(
          Array.from({ length: 8 }, async (_, worker) => {
            for (let done = 0; done < 5; done++) await increment(client(worker), key, `${worker}.${done}`);
          }),
        );
        expect((await bodyOf(store, key)).split(' ')[0]).toBe('40');
      });

      it('takes keys up again after a deletion, with versions that never come back', async () => {
        const key = `${fresh()}phoenix`;
        const seen = new Set<StoreVersion>();
        for (let life = 0; life < 6; life++) {
          const body = harness.leeway?.versionsReturn === true ? `body of life ${life}` : 'same body';
          let version = mustBeApplied(await store.put(key, text(body), { if: 'absent' }));
          expect(seen.has(version)).toBe(false);
          seen.add(version);
          for (const old of seen) {
            if (old === version) continue;
            expect(await store.put(key, text('stale'), { if: { version: old } })).toEqual({
              status: 'refused',
            });
          }
          if (life % 2 === 1) {
            version = mustBeApplied(await store.put(key, text(`another ${body}`), { if: { version } }));
            seen.add(version);
          }
          await store.delete([key]);
          expect(await store.get(key)).toEqual({ status: 'absent' });
          expect(await store.get(key, { unless: version })).toEqual({ status: 'absent' });
          expect(await store.list(key)).toEqual([]);
        }
      });

      /** Client of a racer: neighbours use different ones. */
      function client(racer: number): ObjectStore {
        return others[racer % others.length]!;
      }
    });

    describe('bodies', () => {
      it('answers what was written, at once and to everybody', async () => {
        const prefix = fresh();
        for (let at = 0; at < 20; at++) {
          const key = `${prefix}${at}`;
          const version = mustBeApplied(await store.put(key, text(`body ${at}`), { if: 'absent' }));
          for (const reader of others) {
            const found = await mustBeFound(reader, key);
            expect(utf8Decode(found.bytes)).toBe(`body ${at}`);
            expect(found.version).toBe(version);
            expect(found.size).toBe(found.bytes.length);
            expect(await reader.list(key)).toEqual([{ key, size: found.size }]);
          }
        }
      });

      it('keeps empty bodies, of every kind of put', async () => {
        const key = `${fresh()}empty`;
        const empty = new Uint8Array(0);
        const first = mustBeApplied(await store.put(key, empty, { if: 'absent' }));
        expect(await mustBeFound(store, key)).toMatchObject({ bytes: empty, size: 0 });
        mustBeApplied(await store.put(key, empty, { if: { version: first } }));
        mustBeApplied(await store.put(key, empty, { if: 'any' }));
        expect(await store.list(key)).toEqual([{ key, size: 0 }]);
        expect(await mustBeFound(store, key)).toMatchObject({ bytes: empty, size: 0 });
      });

      it('shares no memory with its callers', async () => {
        const key = `${fresh()}owned`;
        const backing = new Uint8Array(64).fill(7);
        const body = backing.subarray(16, 32);
        mustBeApplied(await store.put(key, body, { if: 'absent' }));
        backing.fill(1);
        const first = await mustBeFound(store, key);
        expect(first.bytes).toEqual(new Uint8Array(16).fill(7));
        expect(Object.getPrototypeOf(first.bytes)).toBe(Uint8Array.prototype);
        first.bytes.fill(2);
        expect((await mustBeFound(store, key)).bytes).toEqual(new Uint8Array(16).fill(7));
      });

      it('answers ranges exactly, cut at the end, refused past it', async () => {
        const key = `${fresh()}ranged`;
        const body = new Uint8Array(1_000).map((_, at) => at % 251);
        const created = mustBeApplied(await store.put(key, body, { if: 'absent' }));
        await checkRanges(key, body);
        // The same once more for an object that has been swapped.
        const next = body.toReversed();
        mustBeApplied(await store.put(key, next, { if: { version: created } }));
        await checkRanges(key, next);
        const small = `${fresh()}empty`;
        mustBeApplied(await store.put(small, new Uint8Array(0), { if: 'absent' }));
        await expectInvalid(store.get(small, { range: { offset: 0, length: 1 } }));
      });

      async function checkRanges(key: string, body: Uint8Array): Promise<void> {
        const { version } = await mustBeFound(store, key);
        for (const [offset, length] of [
          [0, 1],
          [0, 1_000],
          [1, 16],
          [500, 500],
          [999, 1],
          [999, 64],
          [0, 5_000],
        ] as const) {
          const found = await mustBeFound(store, key, { range: { offset, length } });
          expect(found.bytes).toEqual(body.slice(offset, offset + length));
          expect(found).toMatchObject({ size: body.length, version });
        }
        expect(await store.get(key, { range: { offset: 0, length: 1 }, unless: version })).toEqual({
          status: 'unchanged',
        });
        await expectInvalid(store.get(key, { range: { offset: 1_000, length: 1 } }));
        await expectInvalid(store.get(key, { range: { offset: 5_000, length: 10 } }));
        await expectInvalid(store.get(key, { range: { offset: -1, length: 10 } }));
        await expectInvalid(store.get(key, { range: { offset: 0, length: 0 } }));
        await expectInvalid(store.get(key, { range: { offset: 0.5, length: 1 } }));
      }

      it('answers `unchanged` while a version stands, and the object after it', async () => {
        const key = `${fresh()}polled`;
        let version = mustBeApplied(await store.put(key, text('0'), { if: 'absent' }));
        for (let round = 1; round < 12; round++) {
          for (const reader of others)
            expect(await reader.get(key, { unless: version })).toEqual({ status: 'unchanged' });
          const next = mustBeApplied(await store.put(key, text(`${round}`), { if: { version } }));
          expect(next).not.toBe(version);
          for (const reader of others) {
            expect(utf8Decode((await mustBeFound(reader, key, { unless: version })).bytes)).toBe(`${round}`);
          }
          version = next;
        }
      });

      it('dates objects by their last write', async () => {
        const key = `${fresh()}dated`;
        const put = await store.put(key, text('1'), { if: 'absent' });
        if (put.status !== 'applied') throw new Error(put.status);
        const first = await mustBeFound(store, key);
        // Cloud stores round to a second, and say the date of a put in another header than that of a get.
        expect(Math.abs(first.modifiedMs - put.modifiedMs)).toBeLessThanOrEqual(2_000);
        expect(first.modifiedMs).toBeGreaterThan(Date.UTC(2020));
        await store.put(key, text('2'), { if: { version: put.version } });
        const second = await mustBeFound(store, key);
        expect(second.modifiedMs).toBeGreaterThanOrEqual(first.modifiedMs - 2_000);
      });

      it('keeps a large body', { timeout: SLOW_MS }, async () => {
        const key = `${fresh()}large`;
        const length = harness.largeBytes ?? LARGE_BYTES;
        const body = new Uint8Array(length);
        const words = new Uint32Array(body.buffer);
        for (let at = 0; at < words.length; at++) words[at] = Math.imul(at, 0x9e3779b1);
        mustBeApplied(await store.put(key, body, { if: 'any' }));
        const found = await mustBeFound(store, key);
        expect(found.size).toBe(length);
        expect(Buffer.compare(found.bytes, body)).toBe(0);
        const range = { offset: length - 10_001, length: 20_000 };
        expect((await mustBeFound(store, key, { range })).bytes).toEqual(body.slice(range.offset));
        await store.delete([key]);
      });

      it('refuses a conditional put that no cloud takes in one request', async () => {
        const key = `${fresh()}heavy`;
        const body = new Uint8Array(limits.conditionalPutBytes + 1);
        await expect(store.put(key, body, { if: 'absent' })).rejects.toMatchObject({
          kind: 'invalid',
          code: 'limit_exceeded',
          outcome: 'not_applied',
          details: { limit: 'conditionalPutBytes', maximum: limits.conditionalPutBytes },
        });
        expect(await store.get(key)).toEqual({ status: 'absent' });
      });
    });

    describe('keys and lists', () => {
      it('takes odd keys, each for itself', async () => {
        const prefix = fresh();
        const { noNames } = harness.leeway ?? {};
        const odd = oddKeys.filter((key) => noNames?.test(key) !== true).map((key) => prefix + key);
        for (const key of odd) mustBeApplied(await store.put(key, text(key), { if: 'absent' }));
        for (const key of odd) expect(await bodyOf(store, key)).toBe(key);
        const listed = await store.list(prefix);
        expect(listed.map(({ key }) => key)).toEqual(odd.toSorted(compareUtf8));
        for (const key of odd)
          expect((await store.list(key)).some((listedOne) => listedOne.key === key)).toBe(true);
        await store.delete(odd);
        expect(await store.list(prefix)).toEqual([]);
      });

      it('refuses what is no key', async () => {
        const bad = [
          '',
          'x'.repeat(limits.keyBytes + 1),
          '\u00e9'.repeat(limits.keyBytes / 2 + 1),
          'a\ud800b',
        ];
        for (const key of bad) {
          await expectInvalid(store.get(key));
          await expectInvalid(store.put(key, text('x'), { if: 'any' }));
          await expectInvalid(store.delete([key]));
        }
        const { noNames } = harness.leeway ?? {};
        for (const key of oddKeys.filter((each) => noNames?.test(each) === true)) {
          await expectInvalid(store.get(key));
          await expectInvalid(store.put(key, text('x'), { if: 'any' }));
          await expectInvalid(store.upload(key));
        }
        await expectInvalid(store.list('a\udc00'));
        await expectInvalid(store.list('', { limit: 0 }));
        await expectInvalid(store.list('', { limit: 1.5 }));
      });

      it('orders by UTF-8 bytes, with neighbours of "/" and a prefix that ends anywhere', async () => {
        const prefix = fresh();
        const names = [
          'a',
          'a-b',
          'a.b',
          'a/',
          'a/b',
          'a/b/c',
          'a/b-c',
          'a0',
          'a b',
          'aa',
          'A',
          'b/a',
          'é',
          '\u{1f600}',
          '\uffee',
        ];
        for (const name of names) mustBeApplied(await store.put(prefix + name, text('x'), { if: 'absent' }));
        const sorted = names.toSorted(compareUtf8);
        for (const within of ['', 'a', 'a/', 'a/b', 'a-', 'a/b/', 'b', 'b/a', 'c', 'A', '\u{1f600}']) {
          const expected = sorted.filter((name) => name.startsWith(within));
          expect(namesIn(prefix, await store.list(prefix + within)), `prefix "${within}"`).toEqual(expected);
          for (const after of [...names, '', 'a/b/zz', 'a/0', 'zz', '\u{10ffff}']) {
            for (const limit of [1, 2, 100]) {
              const found = await store.list(prefix + within, { after: prefix + after, limit });
              const rest = expected.filter((name) => compareUtf8(name, after) > 0).slice(0, limit);
              expect(namesIn(prefix, found), `prefix "${within}" after "${after}" limit ${limit}`).toEqual(
                rest,
              );
            }
          }
        }
      });

      it('lists thousands of keys in order, whole and in pages', { timeout: SLOW_MS }, async () => {
        const prefix = fresh();
        const length = harness.manyKeys ?? MANY_KEYS;
        const keys = Array.from({ length }, (_, at) => {
          return `${prefix}${at % 7 === 0 ? 'sub/' : 'k'}${((at * 7_919) % length).toString(36)}`;
        });
        await inParallel(keys, 64, async (key) => {
          mustBeApplied(await store.put(key, text(key), { if: 'absent' }));
        });
        const sorted = keys.toSorted(compareUtf8);
        const listed = await store.list(prefix);
        expect(listed.map(({ key }) => key)).toEqual(sorted);
        expect(listed.every(({ key, size }) => size === key.length)).toBe(true);
        const paged: string[] = [];
        for (let after = ''; ; after = paged.at(-1)!) {
          const page = await store.list(prefix, { after, limit: 1_777 });
          if (page.length === 0) break;
          paged.push(...page.map(({ key }) => key));
        }
        expect(paged).toEqual(sorted);
        expect(namesIn('', await store.list(prefix, { limit: 1 }))).toEqual(sorted.slice(0, 1));
        await store.delete(keys);
        expect(await store.list(prefix)).toEqual([]);
      });

      it('deletes what is there and minds nothing that is not', async () => {
        const prefix = fresh();
        for (const name of ['a', 'b', 'c'])
          mustBeApplied(await store.put(prefix + name, text(name), { if: 'absent' }));
        await store.delete([]);
        await store.delete([`${prefix}a`, `${prefix}never`, `${prefix}c`, `${prefix}a`]);
        expect(namesIn(prefix, await store.list(prefix))).toEqual(['b']);
        await store.delete([`${prefix}a`]);
        expect(await store.get(`${prefix}a`)).toEqual({ status: 'absent' });
      });

      it('agrees with a map under any sequence of calls', { timeout: SLOW_MS }, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(storeCall, { maxLength: 30 }), async (calls) =>
            checkAgainstMap(store, fresh(), calls),
          ),
          { numRuns: 30 },
        );
      });
    });

    describeUploads({ clients: () => others, fresh });

    it.each(given(faults.shorten))('detects a short answer', async (shorten) => {
      const key = `${fresh()}short`;
      mustBeApplied(await store.put(key, new Uint8Array(10_000).fill(1), { if: 'absent' }));
      await shorten(key);
      await expect(store.get(key)).rejects.toMatchObject({
        kind: expect.stringMatching(/^(corrupt|unavailable)$/),
      });
    });

    it.each(given(faults.openForbidden))('says so when it is turned away', async (openForbidden) => {
      const stranger = await openForbidden();
      const key = `${fresh()}locked`;
      const denied = { kind: expect.stringMatching(/^(forbidden|unauthenticated)$/) };
      await expect(stranger.put(key, text('x'), { if: 'absent' })).rejects.toMatchObject(denied);
      await expect(stranger.get(key)).rejects.toMatchObject(denied);
      await expect(stranger.list(key)).rejects.toMatchObject(denied);
    });
  });
}

/** One test for a hook that is there, none for one that is not. */
function given<T>(hook: T | undefined): T[] {
  return hook === undefined ? [] : [hook];
}

type Found = Extract<GetResult, { status: 'found' }>;

function text(value: string): Uint8Array {
  return utf8Encode(value);
}

function namesIn(prefix: string, listed: readonly { readonly key: string }[]): string[] {
  return listed.map(({ key }) => key.slice(prefix.length));
}

async function mustBeFound(
  store: ObjectStore,
  key: string,
  options?: Parameters<ObjectStore['get']>[1],
): Promise<Found> {
  const found = await store.get(key, options);
  if (found.status !== 'found') throw new Error(`${key} is ${found.status}`);
  return found;
}

async function bodyOf(store: ObjectStore, key: string): Promise<string> {
  return utf8Decode((await mustBeFound(store, key)).bytes);
}

function mustBeApplied(put: PutResult): StoreVersion {
  if (put.status !== 'applied') throw new Error(`put was ${put.status}`, { cause: put });
  return put.version;
}

async function race(run: (racer: number) => Promise<PutResult>): Promise<readonly PutResult[]> {
  return Promise.all(Array.from({ length: RACERS }, (_, racer) => run(racer)));
}

/** Index of the one that was applied. All others must have been refused. */
function onlyWinner(ends: readonly PutResult[]): number {
  expect(ends.filter(({ status }) => status === 'applied')).toHaveLength(1);
  expect(ends.filter(({ status }) => status === 'refused')).toHaveLength(ends.length - 1);
  return ends.findIndex(({ status }) => status === 'applied');
}

/** The winner is the one whose body is there. Nobody else may have been told that it won, and it not that it lost. */
function expectOneWinner(ends: readonly PutResult[], winner: number, undecided: boolean): void {
  if (!undecided) {
    expect(onlyWinner(ends)).toBe(winner);
    return;
  }
  for (const [racer, { status }] of ends.entries()) {
    expect(racer === winner ? ['applied', 'unknown'] : ['refused', 'unknown']).toContain(status);
  }
}

/** A body is the count and the nonce of whoever wrote it; an unknown end is decided by looking for the own nonce. */
async function increment(store: ObjectStore, key: string, nonce: string): Promise<void> {
  for (;;) {
    const found = await mustBeFound(store, key);
    const [count, ...nonces] = utf8Decode(found.bytes).split(' ');
    if (nonces.includes(nonce)) return;
    const body = text([Number(count) + 1, nonce, ...nonces].join(' '));
    const put = await store.put(key, body, { if: { version: found.version } });
    if (put.status === 'applied') return;
  }
}

async function expectInvalid(request: Promise<unknown>): Promise<void> {
  await expect(request).rejects.toMatchObject({ name: 'CairnError', kind: 'invalid' });
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of rest) await run(item);
    }),
  );
}
