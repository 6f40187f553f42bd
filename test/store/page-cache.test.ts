/**
 * The page cache: what it answers is what the object holds, checked; it asks the store for no more than it must; it stays
 * within its budget; and no reader waits for another's request.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { knownChecksums, memoryStore, PageCache, PageSet } from '../../core/store/index.js';
import type {
  ByteRange,
  ObjectStore,
  PageChecksums,
  PagedHandle,
  PagedObject,
} from '../../core/store/index.js';

const PAGE = limits.pageBytes;
const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1024 * 1024 });
const digests = createDigests(kernel);
const pagesOf = (bytes: Uint8Array): Uint32Array => digests.crc32cPages(bytes, PAGE);
/** 40 pages, the last one short. */
const body = new Uint8Array(39 * PAGE + 1_234).map((_, at) => (at * 31 + (at >> 9)) & 255);
const pageChecksums = pagesOf(body);

interface Bench {
  readonly store: ObjectStore;
  readonly object: PagedObject;
  /** Ranges in pages, as they were asked for. */
  readonly asked: (readonly [number, number])[];
  flying: number;
  mostFlying: number;
}

async function newBench(bytes = body): Promise<Bench> {
  const inner = memoryStore({ clock: { wallMs: () => 1_000 } });
  await inner.put('key', bytes, { if: 'any' });
  const bench = { asked: [] as (readonly [number, number])[], flying: 0, mostFlying: 0 };
  const store: ObjectStore = {
    description: 'counting',
    get: async (key, options) => {
      const { offset, length } = options!.range!;
      bench.asked.push([offset / PAGE, length / PAGE]);
      bench.mostFlying = Math.max(bench.mostFlying, ++bench.flying);
      await new Promise((resolve) => setTimeout(resolve, 0));
      bench.flying -= 1;
      return inner.get(key, options);
    },
    put: (...request) => inner.put(...request),
    upload: (...request) => inner.upload(...request),
    list: (...request) => inner.list(...request),
    delete: (...request) => inner.delete(...request),
    close: () => inner.close(),
  };
  const checksums = knownChecksums(bytes === body ? pageChecksums : pagesOf(bytes));
  const object = { store, key: 'key', size: bytes.length, checksums, digests };
  return Object.assign(bench, { store, object });
}

/** Answers of the store are here, with what follows from them. */
const settled = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 10));

const pages = (...numbers: readonly number[]): ByteRange[] =>
  numbers.map((number) => ({ offset: number * PAGE + 5, length: 7 }));

function expectRanges(set: PageSet, ranges: readonly ByteRange[]): void {
  for (const { offset, length } of ranges) {
    expect(Buffer.compare(set.bytes(offset, length), body.subarray(offset, offset + length))).toBe(0);
    const copy = set.copyTo(offset, new Uint8Array(length));
    expect(Buffer.compare(copy, body.subarray(offset, offset + length))).toBe(0);
  }
}

describe('the page cache', () => {
  it('answers any ranges, at any budget', async () => {
    const someRange = fc
      .tuple(fc.nat(body.length - 1), fc.nat(3 * PAGE))
      .map(([offset, length]) => ({ offset, length: Math.min(length, body.length - offset) }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(someRange, { maxLength: 6 }), { maxLength: 6 }),
        fc.constantFrom(0, PAGE, 5 * PAGE, 100 * PAGE),
        async (reads, budgetBytes) => {
          const { object } = await newBench();
          const cache = new PageCache({ budgetBytes });
          const handle = cache.register(object);
          for (const ranges of reads) {
            expectRanges(await cache.read(handle, ranges), ranges);
            expect(cache.usage().bytes).toBeLessThanOrEqual(budgetBytes);
            const now = cache.read(handle, ranges);
            if (budgetBytes === 100 * PAGE) expect(now).toBeInstanceOf(PageSet);
            expectRanges(await now, ranges);
          }
        },
      ),
      // An empty range at the start of a page needs no page.
      { numRuns: 40, examples: [[[[{ offset: 0, length: 0 }]], 0]] },
    );
  });

  it('answers views within a page, and at once where all is here', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 100 * PAGE });
    const handle = cache.register(object);
    const first = await cache.read(handle, pages(1));
    const second = cache.read(handle, pages(1));
    if (!(second instanceof PageSet)) throw new Error('not at once');
    expect(second.bytes(PAGE, 3).buffer).toBe(first.bytes(PAGE + 9, 3).buffer);
    expect(cache.read(handle, [])).toBeInstanceOf(PageSet);
    expect(asked).toHaveLength(1);
    expect(cache.usage()).toEqual({ bytes: PAGE, budgetBytes: 100 * PAGE, hits: 1, misses: 1 });
  });

  it('reads ahead what fits beside all that is here, and half of its budget', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 20 * PAGE });
    const handle = cache.register(object);
    const ahead = (first: number, count: number): Promise<void> =>
      cache.readAhead(handle, { offset: first * PAGE, length: count * PAGE });
    await ahead(0, 9);
    // Each would fit by itself.
    await Promise.all([ahead(0, 6), ahead(6, 6)]);
    expect(asked).toEqual([[0, 6]]);
    expect(cache.read(handle, [{ offset: 0, length: 6 * PAGE }])).toBeInstanceOf(PageSet);
    await cache.read(handle, [{ offset: 20 * PAGE, length: 7 * PAGE }]);
    asked.length = 0;
    await ahead(10, 6);
    expect(asked).toEqual([]);
    await ahead(10, 5);
    expect(asked).toEqual([[10, 5]]);
    const all = pages(0, 5, 10, 14, 20, 26);
    expect(cache.read(handle, all)).toBeInstanceOf(PageSet);
  });

  it('reads nothing ahead where others need the memory', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 100 * PAGE, roomBytes: () => 5 * PAGE });
    await cache.readAhead(cache.register(object), { offset: 0, length: 4 * PAGE });
    expect(asked).toEqual([]);
  });

  it('joins neighbours and gaps of two pages into one request, and leaves wider gaps', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 100 * PAGE });
    const handle = cache.register(object);
    await cache.read(handle, pages(9, 2, 3, 3, 6, 13));
    expect(asked).toEqual([
      [2, 8],
      [13, 1],
    ]);
    // What came by the way is kept; the last page is short.
    await cache.read(handle, pages(4, 39, 12));
    expect(asked.slice(2)).toEqual([
      [12, 1],
      [39, 1_234 / PAGE],
    ]);
    // A page that is here is no reason to split.
    await cache.read(handle, pages(11, 14));
    expect(asked.slice(4)).toEqual([[11, 4]]);
  });

  it(`has ${tierLimits.edge.requestsParallel} requests in flight, or as many as it is told, over all readers`, async () => {
    for (const parallel of [undefined, 2]) {
      const bench = await newBench();
      const options = parallel === undefined ? {} : { parallel };
      const cache = new PageCache({ budgetBytes: 100 * PAGE, ...options });
      const handle = cache.register(bench.object);
      const spread = pages(0, 4, 8, 12, 16, 20, 24, 28, 32, 36);
      expectRanges(await cache.read(handle, spread), spread);
      expect(bench.mostFlying).toBe(parallel ?? tierLimits.edge.requestsParallel);
      // Two readers, who never wait for each other: one may have a request above the bound, so that it gets on.
      cache.forget(handle);
      bench.mostFlying = 0;
      const again = cache.register(bench.object);
      await Promise.all([cache.read(again, spread), cache.read(again, spread)]);
      expect(bench.mostFlying).toBeLessThanOrEqual((parallel ?? tierLimits.edge.requestsParallel) + 1);
    }
  });

  it('lets each reader fetch what it misses, whoever else is fetching it', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 100 * PAGE });
    const handle = cache.register(object);
    await Promise.all([cache.read(handle, pages(1)), cache.read(handle, pages(1, 2))]);
    expect(asked).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(cache.usage().bytes).toBe(2 * PAGE);
  });

  it('evicts what was used least recently, and never what a reader holds', async () => {
    const { object, asked } = await newBench();
    const cache = new PageCache({ budgetBytes: 3 * PAGE });
    const handle = cache.register(object);
    const held = await cache.read(handle, pages(0));
    for (const page of [10, 20]) await cache.read(handle, pages(page));
    await cache.read(handle, pages(0));
    await cache.read(handle, pages(30));
    expect(cache.usage().bytes).toBe(3 * PAGE);
    asked.length = 0;
    await cache.read(handle, pages(0));
    await cache.read(handle, pages(20));
    expect(asked).toEqual([]);
    await cache.read(handle, pages(10));
    expect(asked).toEqual([[10, 1]]);
    for (const page of [1, 2, 3, 4]) await cache.read(handle, pages(page));
    expectRanges(held, pages(0));
  });

  it('keeps objects apart, and keeps nothing of one that was forgotten while it was read', async () => {
    const { object, store } = await newBench();
    const other = body.map((byte) => 255 - byte);
    await store.put('other', other, { if: 'any' });
    const cache = new PageCache({ budgetBytes: 100 * PAGE });
    const handle = cache.register(object);
    const second = cache.register({ ...object, key: 'other', checksums: knownChecksums(pagesOf(other)) });
    expectRanges(await cache.read(handle, pages(1)), pages(1));
    expect((await cache.read(second, pages(1))).bytes(PAGE, 1)[0]).toBe(other[PAGE]);
    const reading = cache.read(second, pages(5));
    cache.forget(second);
    expect((await reading).bytes(5 * PAGE, 1)[0]).toBe(other[5 * PAGE]);
    expect(cache.usage().bytes).toBe(PAGE);
    cache.forget(handle);
    expect(cache.usage().bytes).toBe(0);
    cache.forget(handle);
    expect(() => cache.read(handle, pages(1))).toThrow('was forgotten');
  });

  describe('answers what is here at once', () => {
    const LAST = 39 * PAGE;

    async function holding(
      ranges: readonly ByteRange[],
      budgetBytes = 100 * PAGE,
    ): Promise<{ readonly cache: PageCache; readonly handle: PagedHandle; readonly bench: Bench }> {
      const bench = await newBench();
      const cache = new PageCache({ budgetBytes });
      const handle = cache.register(bench.object);
      for (const range of ranges) await cache.read(handle, [range]);
      bench.asked.length = 0;
      return { cache, handle, bench };
    }

    /** A copy between guards. */
    function copied(
      cache: PageCache,
      handle: PagedHandle,
      { offset, length }: ByteRange,
    ): Uint8Array | false {
      const target = new Uint8Array(length + 20).fill(0xee);
      const done = cache.tryCopy(handle, offset, length, target, 10);
      expect([...target.subarray(0, 10), ...target.subarray(10 + length)]).toEqual(
        new Array<number>(20).fill(0xee),
      );
      return done && target.subarray(10, 10 + length);
    }

    it.each([
      ['inside a page', { offset: 2 * PAGE + 100, length: 999 }],
      ['a whole page', { offset: 2 * PAGE, length: PAGE }],
      ['across two pages', { offset: 3 * PAGE - 50, length: 120 }],
      ['across three', { offset: 2 * PAGE + 1, length: 2 * PAGE }],
      ['up to the end of a page', { offset: 3 * PAGE - 7, length: 7 }],
      ['the last page, which is short', { offset: LAST, length: 1_234 }],
      ['across it', { offset: LAST - 5, length: 1_239 }],
      ['nothing of a page', { offset: 2 * PAGE + 9, length: 0 }],
    ])('%s', async (_, range) => {
      const { cache, handle, bench } = await holding(pages(2, 3, 4, 38, 39));
      const wanted = Buffer.from(body.subarray(range.offset, range.offset + range.length));
      expect(Buffer.compare(cache.tryBytes(handle, range.offset, range.length)!, wanted)).toBe(0);
      expect(Buffer.compare(copied(cache, handle, range) as Uint8Array, wanted)).toBe(0);
      expect(bench.asked).toEqual([]);
    });

    it.each([
      ['a page that is not', { offset: 5 * PAGE, length: 1 }],
      ['a second page that is not', { offset: 5 * PAGE - 1, length: 2 }],
      ['a first page that is not', { offset: 2 * PAGE - 1, length: 2 }],
      ['what goes past the end', { offset: body.length - 1, length: 2 }],
      ['what lies behind it', { offset: body.length, length: 1 }],
      ['what lies far behind it', { offset: 100 * PAGE + 3, length: 10 }],
      ['what goes past the end by pages', { offset: LAST + 1, length: 2 * PAGE }],
    ])('but not %s', async (_, range) => {
      const { cache, handle, bench } = await holding(pages(2, 3, 4, 39));
      expect(cache.tryBytes(handle, range.offset, range.length)).toBeUndefined();
      expect(copied(cache, handle, range)).toBe(false);
      expect(bench.asked).toEqual([]);
    });

    it('as views of a page, and as copies where there is more than one', async () => {
      const { cache, handle } = await holding(pages(2, 3));
      const [one, other] = [cache.tryBytes(handle, 2 * PAGE, 9)!, cache.tryBytes(handle, 3 * PAGE - 9, 9)!];
      expect(other.buffer).toBe(one.buffer);
      expect(cache.tryBytes(handle, 3 * PAGE - 9, 10)!.buffer).not.toBe(one.buffer);
      expect(cache.usage()).toMatchObject({ hits: 4, misses: 2 });
    });

    it('and is touched without being used', async () => {
      const { cache, handle } = await holding(pages(2, 39));
      expect(cache.touch(handle, 2 * PAGE + 5)).toBe(body[2 * PAGE + 5]);
      for (const offset of [3 * PAGE, body.length, 100 * PAGE, LAST + 1_500])
        expect(cache.touch(handle, offset)).toBe(0);
      expect(cache.usage()).toMatchObject({ hits: 0, misses: 2 });
    });

    it('but nothing of an object that was forgotten', async () => {
      const { cache, handle } = await holding(pages(2));
      cache.forget(handle);
      expect(() => cache.tryBytes(handle, 2 * PAGE, 1)).toThrow('was forgotten');
      expect(() => cache.tryCopy(handle, 2 * PAGE, 1, new Uint8Array(1), 0)).toThrow('was forgotten');
      expect(() => cache.touch(handle, 2 * PAGE)).toThrow('was forgotten');
    });

    const spread = pages(10, 20, 30);
    type Use = (cache: PageCache, handle: PagedHandle) => unknown;
    /** By a byte that is not 0 in any page, and without using it. */
    const isHere = (cache: PageCache, handle: PagedHandle, page: number): boolean =>
      cache.touch(handle, page * PAGE + 5) !== 0;

    it.each<[string, Use]>([
      ['tryBytes', (cache, handle) => cache.tryBytes(handle, 10 * PAGE, 4)],
      ['tryCopy', (cache, handle) => cache.tryCopy(handle, 10 * PAGE, 4, new Uint8Array(4), 0)],
      ['read', (cache, handle) => cache.read(handle, pages(10))],
    ])('and spares it once from going: %s', async (_, use) => {
      const { cache, handle } = await holding(spread, 3 * PAGE);
      use(cache, handle);
      use(cache, handle);
      const left: number[][] = [];
      for (const page of [1, 5, 9, 13]) {
        await cache.read(handle, pages(page));
        left.push([10, 20, 30].filter((old) => isHere(cache, handle, old)));
        expect(cache.usage().bytes).toBe(3 * PAGE);
      }
      expect(left).toEqual([[10, 30], [10], [10], []]);
    });

    it('and goes in the order in which it came where it is only touched', async () => {
      const { cache, handle } = await holding(spread, 3 * PAGE);
      for (let i = 0; i < 3; i++) cache.touch(handle, 10 * PAGE);
      await cache.read(handle, pages(1));
      expect([10, 20, 30].map((page) => isHere(cache, handle, page))).toEqual([false, true, true]);
    });

    it('of which the oldest goes where all were used', async () => {
      const { cache, handle } = await holding(spread, 3 * PAGE);
      for (const page of [30, 20, 10]) cache.tryBytes(handle, page * PAGE, 1);
      await cache.read(handle, pages(1));
      // The page that has just come is the only one that nobody has used.
      expect([10, 20, 30, 1].map((page) => isHere(cache, handle, page))).toEqual([true, true, true, false]);
      await cache.read(handle, pages(2));
      expect([10, 20, 30, 2].map((page) => isHere(cache, handle, page))).toEqual([false, true, true, true]);
      cache.trim(PAGE);
      expect([20, 30, 2].map((page) => isHere(cache, handle, page))).toEqual([false, false, true]);
      cache.trim(0);
      expect(cache.usage().bytes).toBe(0);
    });
  });

  describe('of an object of which the checksums are not here', () => {
    interface Slow {
      readonly bench: Bench;
      readonly cache: PageCache;
      readonly handle: PagedHandle;
      /** Lets the table arrive. */
      readonly arrive: (sums: Uint32Array | Error) => void;
      readonly loads: () => number;
    }

    async function newSlow(known: readonly number[] = [], bytes = body): Promise<Slow> {
      const bench = await newBench(bytes);
      const cache = new PageCache({ budgetBytes: 100 * PAGE });
      let arrive: (sums: Uint32Array | Error) => void = () => {};
      let loads = 0;
      const table = new Promise<Uint32Array>((resolve, reject) => {
        arrive = (sums) => (sums instanceof Error ? reject(sums) : resolve(sums));
      });
      const checksums: PageChecksums = {
        sumOf: (page) => (known.includes(page) ? pageChecksums[page] : undefined),
        load: () => {
          loads++;
          return table;
        },
      };
      const handle = cache.register({ ...bench.object, checksums });
      return { bench, cache, handle, arrive, loads: () => loads };
    }

    it('pages are on their way before the table has arrived, which is asked for once for all of them', async () => {
      const { bench, cache, handle, arrive, loads } = await newSlow();
      const read = cache.read(handle, pages(3, 20, 30));
      expect(bench.asked.length).toBe(3);
      expect(loads()).toBe(1);
      arrive(pageChecksums);
      expectRanges(await read, pages(3, 20, 30));
    });

    // Three apart, so that they are two requests.
    it.each([
      [64, 'all of 64 pages are', 2],
      [65, 'of 65 pages the first request is', 1],
    ])('%d: %s read beside the table', async (count, _, beside) => {
      const bytes = new Uint8Array(70 * PAGE).map((__, at) => (at >> 14) + 1);
      const { bench, cache, handle, arrive } = await newSlow([], bytes);
      const ranges = [
        { offset: 0, length: 32 * PAGE },
        { offset: 35 * PAGE, length: (count - 32) * PAGE },
      ];
      const read = cache.read(handle, ranges);
      await settled();
      expect(bench.asked).toHaveLength(beside);
      expect(cache.usage().bytes).toBe(0);
      arrive(pagesOf(bytes));
      const set = await read;
      expect(bench.asked).toHaveLength(2);
      expect([0, 31, 35, count + 2].map((page) => set.bytes(page * PAGE, 1)[0])).toEqual([
        ...[1, 32, 36],
        count + 3,
      ]);
    });

    it('each reader has the table that it asked for, and waits for no other', async () => {
      const { object } = await newBench();
      const arrivals: ((sums: Uint32Array) => void)[] = [];
      const load = async (): Promise<Uint32Array> => await new Promise((arrive) => arrivals.push(arrive));
      const cache = new PageCache({ budgetBytes: 100 * PAGE });
      const handle = cache.register({ ...object, checksums: { sumOf: () => undefined, load } });
      let ended = false;
      const first = Promise.resolve(cache.read(handle, pages(3))).finally(() => (ended = true));
      const second = cache.read(handle, pages(3));
      expect(arrivals).toHaveLength(2);
      arrivals[1]!(pageChecksums);
      expectRanges(await second, pages(3));
      await settled();
      expect(ended).toBe(false);
      arrivals[0]!(pageChecksums);
      expectRanges(await first, pages(3));
    });

    it.each([pageChecksums, new Error('no table')])(
      'pages that wait for it are held until it has come, or has not',
      async (table) => {
        const bench = await newBench();
        const held: number[] = [];
        const hold = async <T>(bytes: number, call: () => Promise<T>): Promise<T> => {
          held.push(bytes / PAGE);
          return await call().finally(() => held.pop());
        };
        const cache = new PageCache({ budgetBytes: 100 * PAGE, hold });
        let end = (): void => {};
        const ending = new Promise<void>((resolve) => (end = resolve));
        const load = async (): Promise<Uint32Array> => {
          await ending;
          if (table instanceof Error) throw table;
          return table;
        };
        const handle = cache.register({ ...bench.object, checksums: { sumOf: () => undefined, load } });
        const read = Promise.resolve(cache.read(handle, pages(3, 6, 20)));
        expect(held).toEqual([]);
        await settled();
        expect(held).toEqual([4, 1]);
        end();
        await read.catch(() => {});
        expect(held).toEqual([]);
      },
    );

    it('a table of others is corrupt, and that there is none is told', async () => {
      const other = await newSlow();
      const read = other.cache.read(other.handle, pages(3, 20));
      other.arrive(pageChecksums.map((sum) => sum ^ 1));
      await expect(read).rejects.toMatchObject({ kind: 'corrupt', details: { offset: 3 * PAGE } });
      const none = await newSlow();
      const failing = none.cache.read(none.handle, pages(3, 20));
      none.arrive(new Error('no table'));
      await expect(failing).rejects.toThrow('no table');
      expect(other.cache.usage().bytes + none.cache.usage().bytes).toBe(0);
    });

    it('what the reader knows of its pages suffices, and pages between of which nobody does are not kept', async () => {
      const { cache, handle, loads } = await newSlow([20]);
      const sums = new Map([3, 5, 18].map((page) => [page, pageChecksums[page]!]));
      expectRanges(await cache.read(handle, pages(3, 5, 18, 20), { sums }), pages(3, 5, 18, 20));
      expect(loads()).toBe(0);
      expect(cache.usage().bytes).toBe(4 * PAGE);
      expectRanges(await cache.read(handle, pages(5)), pages(5));
      const wrong = new Map([[9, 1]]);
      const read = cache.read(handle, pages(9), { sums: wrong });
      await expect(read).rejects.toMatchObject({ kind: 'corrupt', details: { offset: 9 * PAGE } });
    });
  });

  describe('refuses what is wrong, and keeps nothing of it', () => {
    async function failing(
      change: (bytes: Uint8Array) => Uint8Array,
      ranges = pages(2),
    ): Promise<{ readonly cache: PageCache; readonly read: () => Promise<PageSet> }> {
      const { object, store } = await newBench();
      await store.put('key', change(body.slice()), { if: 'any' });
      const cache = new PageCache({ budgetBytes: 100 * PAGE });
      const handle: PagedHandle = cache.register(object);
      return { cache, read: async () => cache.read(handle, ranges) };
    }

    it('a flipped bit', async () => {
      const { cache, read } = await failing((bytes) => {
        bytes[2 * PAGE + 99]! ^= 4;
        return bytes;
      });
      const details = { key: 'key', offset: 2 * PAGE };
      await expect(read()).rejects.toMatchObject({ kind: 'corrupt', details });
      expect(cache.usage().bytes).toBe(0);
    });

    it.each([
      ['within the range', 2 * PAGE + 99],
      ['at its start', 2 * PAGE],
      ['before it', 10],
    ])('an object that ends %s', async (_, length) => {
      const { read } = await failing((bytes) => bytes.subarray(0, length));
      await expect(read()).rejects.toMatchObject({ kind: 'corrupt', details: { key: 'key' } });
    });

    it('an object that is gone, by a code that says so', async () => {
      const { object, store } = await newBench();
      await store.delete(['key']);
      const cache = new PageCache({ budgetBytes: PAGE });
      const gone = { kind: 'unavailable', code: 'object_gone', details: { key: 'key' } };
      await expect(cache.read(cache.register(object), pages(0, 10, 20))).rejects.toMatchObject(gone);
    });

    it('a range that no page covers', async () => {
      const { object } = await newBench();
      const cache = new PageCache({ budgetBytes: PAGE });
      const handle = cache.register(object);
      const past = [{ offset: body.length - 1, length: 2 }];
      expect(() => cache.read(handle, past)).toThrow('are not within');
      const set = await cache.read(handle, pages(3));
      expect(() => set.bytes(4 * PAGE, 1)).toThrow('was not read');
    });
  });
});
