/** What counted requests come to at the prices of a store. */
import type { RequestCounts, RequestKind } from './counted-bucket.js';
import { requestKinds } from './counted-bucket.js';
import type { StorePrices } from './prices.js';
import type { Scenario } from './scenario.js';

const MILLION = 1_000_000;
const GIB = 2 ** 30;

type Tariff = keyof StorePrices['perMillion'];

/** A kind that is free at every store has the tariff of its like, for those who enter a store where it is not. */
const tariffs: Readonly<Record<RequestKind, Tariff>> = {
  put: 'write',
  put_refused: 'write',
  upload_begin: 'write',
  upload_part: 'write',
  upload_join: 'write',
  list: 'list',
  get: 'read',
  get_absent: 'read',
  delete: 'write',
};

/** USD. */
export function billOf(counts: RequestCounts, { perMillion, unbilled }: StorePrices): number {
  const billed = requestKinds.filter((kind) => !unbilled.includes(kind));
  return billed.reduce((sum, kind) => sum + counts[kind] * perMillion[tariffs[kind]], 0) / MILLION;
}

/** USD for what the scenario does once. */
export function billOfOne({ counts, times }: Scenario, prices: StorePrices): number {
  return billOf(counts, prices) / times;
}

/** USD of a month. */
export function storageBill(bytes: number, { perGiBMonth }: StorePrices): number {
  return (bytes / GIB) * perGiBMonth;
}
