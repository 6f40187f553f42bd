/**
 * An open store: the collections of one namespace by name.
 */
import { withAnySignal } from '../base/any-signal.js';
import { EndSignal } from '../base/end-signal.js';
import { CairnError, invalid } from '../base/errors.js';
import type { Outcome } from '../base/errors.js';
import { mustBeName } from '../base/ids.js';
import { limits, tierLimits } from '../base/limits.js';
import type { Tier } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { withTimeLimit } from '../base/time-limit.js';
import type { Kernel, KernelThreads } from '../kernel/index.js';
import { DEFAULT_NAMESPACE_UID } from '../log/index.js';
import type { AccountingStore, StoreUsage } from '../store/index.js';
import { Calls } from './calls.js';
import { Catalog } from './catalog.js';
import { Collector } from './collector/index.js';
import { EngineCollection } from './collection.js';
import {
  differingSettings,
  kindOf,
  mustBeObject,
  mustHaveOnly,
  optionalBoolean,
  optionalInteger,
  parseCursor,
  resolveSettings,
  settingsInEffect,
  toCursor,
} from './input/index.js';
import { Maintenance } from './maintenance.js';
import { MaintenanceLoop } from './maintenance-loop.js';
import { OpenCollections } from './open-collection.js';
import { scrubStore } from './scrub/index.js';
import { SegmentStore } from './segments/index.js';
import type { SearchThreads } from './segments/index.js';
import { SharedMemory } from './shared-memory.js';
import { summaryOf } from './summary.js';
import { WorkBudget } from './work-budget.js';
import type * as api from './interface/index.js';

export interface DatabaseOptions {
  readonly store: AccountingStore;
  readonly ports: Ports;
  readonly kernel: Kernel;
  /** The handler's own: of collections that are created without one, and of how many requests are in flight. */
  readonly tier: Tier;
  /** Let requests of this process share reads and slots. Off where a promise must not cross requests (Workers). */
  readonly shareRequests: boolean;
  /** Whether what a call leaves behind goes on when it is answered. Where a host freezes or ends that, the call waits. */
  readonly background: boolean;
  /** Of a host that ends with a request what the request began: keeps it until this has settled. */
  readonly waitUntil?: ((call: Promise<void>) => void) | undefined;
  /** Run maintenance in this process, at this interval and when a write says that there is work. */
  readonly maintenance?: { readonly intervalMs: number } | undefined;
  /** A write has left a hint that there is work for maintenance. */
  readonly onWorkDue?: (() => void) | undefined;
  /** Compacts in this one's stead. */
  readonly compactor?: api.Compactor | undefined;
  readonly threads?: DatabaseThreads | undefined;
}

/** Threads that end with the database. */
export interface DatabaseThreads extends SearchThreads, KernelThreads {
  close(): Promise<void>;
}

interface ListRequest {
  readonly prefix: string;
  readonly limit: number;
  readonly after: string;
}

class CreatedEngineCollection extends EngineCollection implements api.CreatedCollection {
  readonly created: boolean;

  constructor(options: ConstructorParameters<typeof EngineCollection>[0], created: boolean) {
    super(options);
    this.created = created;
  }
}

export class EngineDatabase implements api.Database {
  readonly #options: DatabaseOptions;
  readonly #catalog: Catalog;
  readonly #open: OpenCollections;
  readonly #segments: SegmentStore;
  readonly #memory: SharedMemory;
  readonly #calls = new Calls();
  readonly #collector: Collector;
  readonly #maintenance: Maintenance;
  readonly #loop: MaintenanceLoop | undefined;
  readonly #closing = new EndSignal();

  constructor(options: DatabaseOptions) {
    const { ports, kernel, shareRequests, threads } = options;
    const reads = tierLimits[options.tier];
    this.#options = options;
    const memory = new SharedMemory(kernel.pool, { store: options.store, clock: ports.clock, reads });
    const { store, cache, filters, tails } = memory;
    this.#memory = memory;
    const usage = (): StoreUsage => options.store.snapshot();
    this.#catalog = new Catalog({ store, ports, namespace: DEFAULT_NAMESPACE_UID });
    const { budgetBytes: memoryBytes } = kernel.pool;
    this.#collector = new Collector({ store, ports, catalog: this.#catalog, memoryBytes });
    this.#maintenance = new Maintenance({
      store,
      ports,
      collector: this.#collector,
      namespace: this.#catalog.namespace,
      handler: { tier: options.tier, memoryBytes },
      shareRequests,
      budget: () => new WorkBudget(reads.run, usage),
      foldableBytes: Math.floor(memoryBytes / 2),
      compact: (name, { signal, budget }) =>
        this.#open.compact(mustBeName(name, 'collection'), { minor: false, signal, budget }),
    });
    const { background, waitUntil } = options;
    const segments = new SegmentStore({
      ...{ kernel, ports, cache, filters, tails, threads },
      ...{ shareRequests, background, waitUntil, reads },
    });
    this.#segments = segments;
    this.#open = new OpenCollections({
      catalog: this.#catalog,
      store,
      usage,
      ports,
      kernel,
      segments,
      handler: options.tier,
      shareRequests,
      background: options.background,
      calls: this.#calls,
      closing: this.#closing,
      compactor: options.compactor,
      onWorkDue: () => {
        this.#loop?.wake();
        options.onWorkDue?.();
      },
    });
    this.#loop = this.#startLoop();
  }

  #startLoop(): MaintenanceLoop | undefined {
    const { maintenance, ports } = this.#options;
    if (maintenance === undefined) return undefined;
    const run = (signal: AbortSignal): Promise<api.MaintainResult> =>
      this.#maintenance.run({ signal, wait: false });
    return new MaintenanceLoop({ run, sleep: ports.sleep, intervalMs: maintenance.intervalMs });
  }

  get store(): string {
    return this.#options.store.description;
  }

  async createCollection(name: string, settings: api.CollectionSettings): Promise<api.CreatedCollection> {
    mustBeName(name, 'collection');
    const schema = resolveSettings(settings, this.#options.tier);
    const { head, created } = await this.#change(() => this.#catalog.create(name, schema));
    if (!created) {
      // Without a tier of its own a request takes the collection's, whichever handler made that.
      const wanted = settings.tier === undefined ? { ...schema, tier: head.schema.tier } : schema;
      const differing = differingSettings(wanted, settingsInEffect(head.schema));
      if (differing.length > 0) throw collectionExists(name, differing);
    }
    return new CreatedEngineCollection(this.#collectionOptions(name), created);
  }

  collection(name: string): api.Collection {
    return new EngineCollection(this.#collectionOptions(mustBeName(name, 'collection')));
  }

  #collectionOptions(name: string): ConstructorParameters<typeof EngineCollection>[0] {
    const { ports, kernel } = this.#options;
    return { name, open: this.#open, ports, kernel };
  }

  async listCollections(input: api.ListInput = {}): Promise<api.ListResult> {
    const fields = mustBeObject(input, 'list');
    mustHaveOnly(fields, ['prefix', 'limit', 'cursor'], 'list');
    const prefix = fields['prefix'] ?? '';
    if (typeof prefix !== 'string')
      throw invalid('invalid_request', `prefix must be a string, got ${kindOf(prefix)}`);
    const limit = optionalInteger(fields['limit'], {
      name: 'listLimit',
      min: 1,
      max: limits.listLimit,
      fallback: 100,
    });
    const after = parseCursor(fields['cursor']);
    return await this.#run(() => this.#list({ prefix, limit, after }));
  }

  async #list({ prefix, limit, after }: ListRequest): Promise<api.ListResult> {
    const collections: (api.CollectionSummary | api.UnreadableCollection)[] = [];
    let last = after;
    for (;;) {
      const names = await this.#catalog.names(prefix, last, limits.replayParallel);
      for (const summary of await Promise.all(names.map((name) => this.#trySummarise(name)))) {
        if (summary === undefined) continue;
        if (collections.length === limit) return { collections, next: toCursor(collections.at(-1)!.name) };
        collections.push(summary);
      }
      if (names.length === 0) return { collections };
      last = names.at(-1)!;
    }
  }

  /** Undefined where the name is vacant. One damaged object must not hide all other collections. */
  async #trySummarise(name: string): Promise<api.CollectionSummary | api.UnreadableCollection | undefined> {
    try {
      const head = await this.#catalog.findHead(name);
      return head === undefined ? undefined : summaryOf(head);
    } catch (error) {
      if (!(error instanceof CairnError && error.kind === 'corrupt')) throw error;
      return { name, error: { code: error.code, message: error.message } };
    }
  }

  /** A call that closing waits for and that a store which never answers cannot hold for ever. */
  async #run<T>(call: () => Promise<T>, outcome?: Outcome): Promise<T> {
    const { sleep } = this.#options.ports;
    return await this.#calls.run(() => withTimeLimit(sleep, limits.requestTimeoutDefaultMs, call(), outcome));
  }

  /** `#run` for a call that may still take effect after its time. */
  async #change<T>(call: () => Promise<T>): Promise<T> {
    return await this.#run(call, 'unknown');
  }

  async dropCollection(name: string): Promise<void> {
    mustBeName(name, 'collection');
    const dropped = await this.#change(async () => {
      const uid = await this.#catalog.find(name);
      const done = await this.#catalog.drop(name);
      if (uid !== undefined) this.#open.forget(name, uid);
      return done;
    });
    if (dropped) return;
    throw new CairnError('not_found', 'collection_not_found', `there is no collection ${name}`, {
      details: { collection: name },
    });
  }

  async collect(): Promise<api.CollectResult> {
    // Not waited for by close: it may sleep for a minute, and what it leaves undone the next one does.
    this.#calls.mustBeOpen();
    return await withAnySignal([this.#closing], (signal) => this.#collector.run(signal));
  }

  async maintain(options: api.MaintainOptions = {}): Promise<api.MaintainResult> {
    this.#calls.mustBeOpen();
    const fields = mustBeObject(options, 'options');
    mustHaveOnly(fields, ['signal', 'wait'], 'options');
    const wait = fields['wait'] === undefined || optionalBoolean(fields['wait'], 'wait');
    // Ended by close too, which waits for a compaction only until that has noticed.
    return await withAnySignal([options.signal, this.#closing], (signal) =>
      this.#maintenance.run({ signal, wait }),
    );
  }

  async scrub(options: api.ScrubOptions = {}): Promise<api.ScrubResult> {
    // Not waited for by close, which ends it: it may read for hours.
    this.#calls.mustBeOpen();
    const fields = mustBeObject(options, 'options');
    mustHaveOnly(fields, ['collection', 'repair', 'signal'], 'options');
    const { collection: given } = fields;
    const name = given === undefined ? undefined : mustBeName(given, 'collection');
    const repair = optionalBoolean(fields['repair'], 'repair');
    const { ports, kernel } = this.#options;
    const { store } = this.#memory;
    const evict = (): boolean => this.#segments.residency.evictOldest();
    const { namespace } = this.#catalog;
    return await withAnySignal([options.signal, this.#closing], (signal) =>
      scrubStore(
        { store, ports, pool: kernel.pool, evict, signal },
        { collection: name === undefined ? undefined : { namespace, name }, repair },
      ),
    );
  }

  storeUsage(): StoreUsage {
    return this.#options.store.snapshot();
  }

  memoryUsage(): api.MemoryUsage {
    return this.#memory.usage();
  }

  async ping(): Promise<void> {
    await this.#run(() => this.#memory.store.list('catalog/', { limit: 1 }));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop?.end();
    await this.#calls.close();
    await this.#open.close();
    await this.#options.threads?.close();
    await this.#options.store.close();
  }
}

function collectionExists(name: string, differing: readonly string[]): CairnError {
  const message = `collection ${name} exists with other settings: ${differing.join(', ')}`;
  return new CairnError('conflict', 'collection_exists', message, {
    details: { collection: name, differing },
    outcome: 'not_applied',
  });
}
