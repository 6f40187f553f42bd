/**
 * Holds the table of ARCHITECTURE.md to what is counted. Strategy: run each operation once on a memory store behind the
 * accounting wrapper, with time and chance fixed, and compare the table text for text: a failure shows the new one to
 * paste. What the design promises is asserted on its own, so that pasting cannot break it unseen.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StoreOutcome, StoreUsage } from '../../core/store/index.js';
import { costTable, measuredPart } from './cost-table.js';
import { measureOperations } from './operation-costs.js';
import type { OperationCost } from './operation-costs.js';

const page = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');

let costs: readonly OperationCost[];
beforeAll(async () => {
  costs = await measureOperations();
});

function usageOf(operation: string): StoreUsage {
  const found = costs.find((cost) => cost.operation === operation);
  if (found === undefined) throw new Error(`${operation} was not measured`);
  return found.usage;
}

function requestsOf(operation: string): Partial<Record<StoreOutcome, number>> {
  return Object.fromEntries(Object.entries(usageOf(operation).outcomes).filter(([, count]) => count > 0));
}

describe('the costs in ARCHITECTURE.md', () => {
  it('are the ones that are counted', () => expect(measuredPart(page)).toBe(costTable(costs)));

  it('keeps an uncontended write at 1 PUT and 1 conditional GET', () => {
    expect(requestsOf('write, uncontended')).toEqual({ put_applied: 1, get_unchanged: 1 });
    expect(usageOf('write, uncontended')).toMatchObject({ roundTrips: 2, bytesRead: 0 });
  });

  it('keeps a warm strong query at 2 requests in parallel, without a body', () => {
    expect(requestsOf('query, warm, strong')).toEqual({ get_absent: 1, get_unchanged: 1 });
    expect(usageOf('query, warm, strong')).toMatchObject({ roundTrips: 1, bytesRead: 0 });
  });

  it('keeps a warm eventual query off the store', () => {
    expect(usageOf('query, warm, eventual').requests).toBe(0);
  });

  it('keeps a cold query at 3 dependent round trips', () => {
    expect(usageOf('query, cold, 11 slots').roundTrips).toBe(3);
  });

  it('lets writes that come at once share slots', () => {
    const { put_applied: puts = 0 } = requestsOf('10 writes at once in one process');
    expect(puts).toBeLessThanOrEqual(2);
  });
});
