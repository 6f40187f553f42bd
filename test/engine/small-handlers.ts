/** Handlers that do maintenance with a budget of their own, as a host starts them: one for each run, all on one store. */
import { createHash } from 'node:crypto';
import { tierLimits } from '../../core/base/limits.js';
import type { Tier, Work } from '../../core/base/limits.js';
import { MemoryAccount, MemoryPart } from '../../core/base/memory-account.js';
import { Calls } from '../../core/engine/calls.js';
import { Catalog } from '../../core/engine/catalog.js';
import { Collector } from '../../core/engine/collector/index.js';
import type { MaintainResult } from '../../core/engine/index.js';
import { Maintenance } from '../../core/engine/maintenance.js';
import { OpenCollections } from '../../core/engine/open-collection.js';
import { SegmentStore } from '../../core/engine/segments/index.js';
import { WorkBudget } from '../../core/engine/work-budget.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { DEFAULT_NAMESPACE_UID } from '../../core/log/index.js';
import { FilterCache, portableDeflate } from '../../core/segment/index.js';
import { accountingStore, PageCache } from '../../core/store/index.js';
import type { ObjectStore, StoreUsage } from '../../core/store/index.js';
import { fenceSleep, seededRandom } from './fixture.js';
import type { TestClock } from './fixture.js';

const module = await compileEmbeddedKernel();

export interface HandlerOptions {
  readonly store: ObjectStore;
  readonly clock: TestClock;
  readonly seed: number;
  readonly tier: Tier;
  readonly most: Work;
}

export interface RunOfHandler {
  readonly result: MaintainResult;
  readonly done: Work;
}

/** One run of a handler that nobody hears of before or after it. */
export async function runHandler({
  store: bucket,
  clock,
  seed,
  tier,
  most,
}: HandlerOptions): Promise<RunOfHandler> {
  const kernel = new Kernel(module, { memoryBudgetBytes: 96_000_000 });
  const digests = createDigests(kernel, (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  });
  const sleep = fenceSleep(clock);
  const ports = { clock, sleep, random: seededRandom(seed), digests, deflate: portableDeflate };
  const store = accountingStore(bucket);
  const usage = (): StoreUsage => store.snapshot();
  const catalog = new Catalog({ store, ports, namespace: DEFAULT_NAMESPACE_UID });
  const segments = new SegmentStore({
    kernel,
    ports,
    cache: new PageCache({ budgetBytes: 24_000_000 }),
    filters: new FilterCache(1 << 16),
    shareRequests: false,
    background: false,
    reads: tierLimits[tier],
    tails: new MemoryPart(new MemoryAccount()),
  });
  const calls = new Calls();
  const open = new OpenCollections({
    ...{ catalog, store, usage, ports, kernel, segments, calls },
    handler: tier,
    shareRequests: false,
    background: false,
    closing: new AbortController().signal,
  });
  const budget = new WorkBudget(most, usage);
  const memoryBytes = kernel.pool.budgetBytes;
  const maintenance = new Maintenance({
    store,
    ports,
    collector: new Collector({ store, ports, catalog, memoryBytes }),
    namespace: catalog.namespace,
    handler: { tier, memoryBytes },
    shareRequests: false,
    budget: () => budget,
    foldableBytes: 48_000_000,
    compact: (name, run) => open.compact(name, { minor: false, ...run }),
  });
  const result = await maintenance.run({ signal: new AbortController().signal, wait: true });
  await calls.close();
  await open.close();
  return { result, done: budget.done };
}
