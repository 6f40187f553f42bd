/**
 * Holds docs/COST.md to what is counted and to the prices. Strategy: run every scenario again, with time and chance fixed, and
 * compare the tables text for text: a failure shows the new one, which `npm run costs` writes. What the page concludes from
 * them is asserted on its own, so that new tables cannot leave it behind.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { billOf, billOfOne, storageBill } from './bill.js';
import { costParts, partOf, withParts } from './cost-page.js';
import { countCosts } from './costs.js';
import type { Costs } from './costs.js';
import { noRequests } from './counted-bucket.js';
import { prices } from './prices.js';
import type { Scenario } from './scenario.js';
import { newSite } from './scenario.js';

const page = readFileSync(new URL('../../../docs/COST.md', import.meta.url), 'utf8');
const s3 = prices[0]!;
const MILLION = 1_000_000;

let costs: Costs;
beforeAll(async () => {
  costs = await countCosts();
}, 300_000);

function scenario(name: string): Scenario {
  const found = [...costs.writes, ...costs.reads, ...costs.idle].find((each) => each.name.startsWith(name));
  if (found === undefined) throw new Error(`${name} was not counted`);
  return found;
}

/** USD of one, at Amazon. */
const one = (name: string): number => billOfOne(scenario(name), s3);

describe('the tables of docs/COST.md', () => {
  it.each(['prices', 'writes', 'records', 'reads', 'idle', 'storage'])('are what is counted: %s', (name) => {
    expect(partOf(page, name)).toBe(costParts(costs)[name]);
  });

  it('are all of the page that is computed', () => {
    expect(withParts(page, costParts(costs))).toBe(page);
    expect(page.match(/<!-- counted: /g)).toHaveLength(Object.keys(costParts(costs)).length);
  });
});

describe('what docs/COST.md concludes', () => {
  it('that most of a write is its PUT', () => {
    expect(s3.perMillion.write / MILLION / one('one record, one writer')).toBeGreaterThan(2 / 3);
  });

  it('that a record in a write of 100 costs less than its storage of a month', () => {
    expect(one('100 records') / 100).toBeLessThan(storageBill(costs.bytesPerRecord, s3));
    expect(one('one record, one writer')).toBeGreaterThan(storageBill(costs.bytesPerRecord, s3));
  });

  it.each(['in turn', 'at the same moment'])(
    'that 4 processes %s pay more than three times as much',
    (order) => {
      expect(one(`one record, 4 processes ${order}`)).toBeGreaterThan(3 * one('one record, one writer'));
    },
  );

  it('that a strong read before each of them saves more than half', () => {
    expect(one('one record, 4 processes in turn, each')).toBeLessThan(
      one('one record, 4 processes in turn') / 2,
    );
  });

  it('that a warm strong query is 2 GET, and 100 of them in one call are too', () => {
    const { times, counts } = scenario('query, warm, strong');
    expect(counts).toEqual({ ...noRequests(), get: times, get_absent: times });
    expect(scenario('query, warm, strong, 100').counts).toEqual({ ...noRequests(), get: 1, get_absent: 1 });
  });

  it('that eventual queries, one a second, cost a tenth', () => {
    expect(one('query, warm, eventual')).toBeLessThanOrEqual(one('query, warm, strong') / 10);
  });

  it('that the test of the bucket is more than two thirds of a cold start', () => {
    expect(one('first query of a process, without') * 3).toBeLessThan(
      one('first query of a process, with the test'),
    );
  });
});

describe('a bill', () => {
  const store = { ...s3, perMillion: { write: 5, list: 6, read: 0.4 } };
  const puts = { put: 3, put_refused: 2, upload_begin: 1, upload_part: 4, upload_join: 1 };
  const counts = { ...noRequests(), ...puts, list: 5, get: 10, get_absent: 20, delete: 7 };

  it('is of every request that the store bills', () => {
    const bill = billOf(counts, { ...store, unbilled: ['delete'] });
    expect(bill * MILLION).toBeCloseTo((3 + 2 + 6) * 5 + 5 * 6 + 30 * 0.4);
  });

  it('leaves out what it does not', () => {
    const unbilled = ['delete', 'put_refused', 'get_absent', 'upload_begin', 'upload_part'] as const;
    expect(billOf(counts, { ...store, unbilled }) * MILLION).toBeCloseTo((3 + 1) * 5 + 5 * 6 + 10 * 0.4);
  });
});

describe('the bucket that counts', () => {
  it('sends uploads in parts of 8 MiB, and smaller ones whole', async () => {
    const { bucket } = newSite();
    const upload = async (key: string, bytes: number): Promise<void> => {
      const opened = await bucket.upload(key);
      await opened.write(new Uint8Array(bytes));
      await opened.finish();
    };
    await upload('small', 8 * 2 ** 20 - 1);
    expect(bucket.counts()).toEqual({ ...noRequests(), put: 1 });
    await upload('large', 20 * 2 ** 20);
    const large = { put: 1, upload_begin: 1, upload_part: 3, upload_join: 1 };
    expect(bucket.counts()).toEqual({ ...noRequests(), ...large });
    expect(await bucket.storedBytes()).toBe(28 * 2 ** 20 - 1);
  });

  it('lists and deletes 1,000 keys at a time', async () => {
    const { bucket } = newSite();
    const keys = Array.from({ length: 2_001 }, (_, i) => `key/${String(i).padStart(4, '0')}`);
    for (const key of keys) await bucket.put(key, new Uint8Array(1), { if: 'absent' });
    expect((await bucket.list('key/')).map(({ key }) => key)).toEqual(keys);
    expect(await bucket.list('key/', { after: keys[999]!, limit: 1_000 })).toHaveLength(1_000);
    await bucket.delete(keys);
    expect(bucket.counts()).toEqual({ ...noRequests(), put: 2_001, list: 4, delete: 3 });
  });

  it('tells ends without a body that some store does not bill', async () => {
    const { bucket } = newSite();
    await bucket.put('a', new Uint8Array(1), { if: 'absent' });
    await bucket.put('a', new Uint8Array(1), { if: 'absent' });
    await bucket.get('b');
    const found = await bucket.get('a');
    if (found.status === 'found') await bucket.get('a', { unless: found.version });
    expect(bucket.counts()).toEqual({ ...noRequests(), put: 1, put_refused: 1, get_absent: 1, get: 2 });
  });

  it('is tested with as many requests as docs/STORES.md says', async () => {
    const { bucket } = newSite();
    await bucket.selfTest();
    expect(bucket.counts()).toEqual({ ...noRequests(), put: 5, put_refused: 2, get: 1, list: 1, delete: 1 });
  });
});
