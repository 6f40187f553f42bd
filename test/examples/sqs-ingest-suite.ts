/**
 * Strategy: examples/sqs-ingest-lambda as it is deployed, the bundle that its own script makes, called with events of SQS as Lambda
 * calls it, over a store that is there. Each `Lambda` is a process's worth of it: it opens the store for itself. What it has written is
 * read by the library.
 */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import process from 'node:process';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { copyExample } from './copied-example.js';
import type { CopiedExample } from './copied-example.js';
import { eventOf, messageOf } from './sqs-events.js';

interface Lambda {
  readonly handler: (event: SQSEvent) => Promise<SQSBatchResponse>;
  readonly maintain: (event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>) => Promise<void>;
}

/** `newStore`: the URL of an empty one. */
export function describeIngest(where: string, newStore: () => string): void {
  describe(`examples/sqs-ingest-lambda on ${where}`, () => {
    let example: CopiedExample;
    let db: Database;
    let started = 0;
    /** Lines of JSON, by what prints them. */
    let printed: Record<'log' | 'error', object[]>;

    beforeAll(() => {
      example = copyExample('sqs-ingest-lambda');
      example.run('bundle');
    });
    afterAll(() => example.remove());

    beforeEach(async () => {
      process.env['CAIRN_STORE'] = newStore();
      printed = { log: [], error: [] };
      for (const level of ['log', 'error'] as const)
        vi.spyOn(console, level).mockImplementation(
          (line: string) => void printed[level].push(JSON.parse(line) as object),
        );
      db = await open(process.env['CAIRN_STORE']);
      await db.createCollection('papers', { dimension: 2 });
      await db.createCollection('notes', { dimension: 3 });
    });
    afterEach(async () => {
      await db.close();
      vi.restoreAllMocks();
    });

    const start = async (): Promise<Lambda> =>
      (await import(
        `${pathToFileURL(join(example.folder, 'build/handler.mjs')).href}?process=${started++}`
      )) as Lambda;

    const idsIn = async (collection: string): Promise<readonly string[]> =>
      (await db.collection(collection).scan()).records.map(({ id }) => id);
    const sequenceOf = async (collection: string): Promise<number> =>
      (await db.collection(collection).count()).sequence;
    const year = async (id: string): Promise<unknown> =>
      (await db.collection('papers').fetch({ ids: [id] })).records[0]?.metadata?.['year'];

    const paper = (id: string, of: number): object => ({ id, vector: [1, 2], metadata: { year: of } });
    const done: SQSBatchResponse = { batchItemFailures: [] };

    it('writes a batch, in one commit for each collection', async () => {
      const { handler } = await start();
      const event = eventOf(
        messageOf({ collection: 'papers', body: paper('a', 2020) }),
        messageOf({ collection: 'notes', body: [{ id: 'n', vector: [1, 2, 3] }] }),
        messageOf({ collection: 'papers', body: [paper('b', 2021), paper('c', 2022)] }),
      );
      expect(await handler(event)).toEqual(done);
      expect([await idsIn('papers'), await idsIn('notes')]).toEqual([['a', 'b', 'c'], ['n']]);
      expect([await sequenceOf('papers'), await sequenceOf('notes')]).toEqual([1, 1]);
    });

    it('does nothing where a batch comes again, in any order and to any process', async () => {
      const messages = ['a', 'b', 'c'].map((id) =>
        messageOf({ collection: 'papers', body: paper(id, 2020) }),
      );
      await (await start()).handler(eventOf(...messages));
      await db.collection('papers').upsert([{ id: 'b', vector: [1, 2], metadata: { year: 2024 } }]);
      expect(await (await start()).handler(eventOf(...messages.toReversed()))).toEqual(done);
      expect(await sequenceOf('papers')).toBe(2);
      expect(await year('b')).toBe(2024);
    });

    it('makes no second record of one without an id that comes again in other company', async () => {
      const { handler } = await start();
      const [one, two, three] = [1, 2, 3].map((n) =>
        messageOf({ collection: 'papers', body: [{ vector: [n, 1] }, { vector: [n, 2] }] }),
      );
      await handler(eventOf(one!, two!));
      const ids = await idsIn('papers');
      expect(ids).toHaveLength(4);
      await handler(eventOf(three!, two!));
      expect(await idsIn('papers')).toHaveLength(6);
      expect(await idsIn('papers')).toEqual(expect.arrayContaining([...ids]));
    });

    it('leaves of a record what was sent last, whatever comes first', async () => {
      const { handler } = await start();
      const [older, newer] = [2020, 2021].map((of) =>
        messageOf({ collection: 'papers', body: paper('a', of), sentMs: of }),
      );
      await handler(eventOf(newer!, older!));
      expect(await year('a')).toBe(2021);
    });

    it('keeps the order of a FIFO queue within a millisecond', async () => {
      const { handler } = await start();
      // Ids of messages are random: eight of them lie in another order.
      const messages = Array.from({ length: 8 }, (_, sequence) =>
        messageOf({ collection: 'papers', body: paper('a', 2020 + sequence), sequence }),
      );
      const last = messages.toSorted((a, b) => (a.messageId < b.messageId ? -1 : 1)).at(-1);
      if (last === messages[7]) messages[7]!.messageId = '0';
      await handler(eventOf(...messages));
      expect(await year('a')).toBe(2027);
    });

    it('reports the messages that cannot be written, and writes the others', async () => {
      const { handler } = await start();
      const good = Array.from({ length: 8 }, (_, n) =>
        messageOf({ collection: 'papers', body: paper(`good-${n}`, 2020) }),
      );
      const bad = [
        messageOf({ collection: 'papers', body: '{"id": "cut off' }),
        messageOf({ body: paper('nowhere', 2020) }),
        messageOf({ collection: 'papers', body: { id: 'long', vector: [1, 2, 3] } }),
        messageOf({ collection: 'papers', body: [paper('beside', 2020), { id: 'strange', vektor: [1, 2] }] }),
        messageOf({ collection: 'papers', body: 'null' }),
        messageOf({ collection: 'missing', body: paper('a', 2020) }),
        messageOf({ collection: '../up', body: paper('a', 2020) }),
      ];
      const mixed = bad.flatMap((message, n) => [good[n]!, message]);
      const { batchItemFailures } = await handler(eventOf(...mixed, good[7]!));
      const failed = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      expect(failed.toSorted()).toEqual(bad.map(({ messageId }) => messageId).toSorted());
      expect(await idsIn('papers')).toEqual(good.map((_, n) => `good-${n}`));
      expect(printed.error).toContainEqual(
        expect.objectContaining({ messages: [bad[5]!.messageId], code: 'collection_not_found' }),
      );
    });

    it('writes batches that come at once, to one process and to two, each once', async () => {
      const [first, second] = [await start(), await start()];
      const batches = Array.from({ length: 6 }, (_, batch) =>
        eventOf(
          ...Array.from({ length: 5 }, (_unused, n) =>
            messageOf({ collection: 'papers', body: paper(`${batch}-${n}`, 2020) }),
          ),
        ),
      );
      // The last one twice: it comes to another process before this one has answered.
      const calls = [...batches, batches.at(-1)!].map((batch, n) => [first, second][n % 2]!.handler(batch));
      expect(await Promise.all(calls)).toEqual(calls.map(() => done));
      expect(await idsIn('papers')).toHaveLength(30);
    });

    it('lets the batch come again where the store cannot be opened, and opens it then', async () => {
      const store = process.env['CAIRN_STORE'];
      const { handler } = await start();
      const event = eventOf(messageOf({ collection: 'papers', body: paper('a', 2020) }));
      delete process.env['CAIRN_STORE'];
      await expect(handler(event)).rejects.toThrow('set CAIRN_STORE');
      process.env['CAIRN_STORE'] = 'nowhere:at-all';
      await expect(handler(event)).rejects.toMatchObject({ code: 'invalid_store_url' });
      process.env['CAIRN_STORE'] = store;
      expect(await handler(event)).toEqual(done);
      expect(await idsIn('papers')).toEqual(['a']);
    });

    it('folds what was written, on its schedule, and ends before its time', async () => {
      const { handler, maintain } = await start();
      for (let n = 0; n < 65; n++)
        await handler(eventOf(messageOf({ collection: 'papers', body: paper(`p-${n}`, 2020) })));
      // Enough to fold, and not enough to wait for a fence.
      await maintain({}, { getRemainingTimeInMillis: () => 25_000 });
      expect(printed.log).toEqual([
        expect.objectContaining({ compacted: 1, foldedSlots: 65, more: true, failures: [] }),
      ]);
      expect((await db.collection('papers').count()).count).toBe(65);
    });
  });
}
