/**
 * One collection on a memory store, processes that write and compact it, and a Map of what must be there.
 */
import { MemoryAccount, MemoryPart } from '../../../core/base/memory-account.js';
import { createHash } from 'node:crypto';
import { tierLimits } from '../../../core/base/limits.js';
import type { Uid } from '../../../core/base/ids.js';
import type { Ports } from '../../../core/base/ports.js';
import { compactOnce } from '../../../core/engine/compaction/index.js';
import type { CompactionResult, CompactOptions } from '../../../core/engine/compaction/index.js';
import { NEWEST } from '../../../core/engine/memtable/index.js';
import { SegmentStore } from '../../../core/engine/segments/index.js';
import { Table } from '../../../core/engine/table/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../../core/kernel/index.js';
import {
  CollectionLog,
  Committer,
  DEFAULT_NAMESPACE_UID,
  firstHead,
  hashRequest,
  headKey,
  NO_COUNTS,
  OP_DELETE,
  OP_HIDE,
  OP_UPSERT,
  prepareBatch,
  sealHead,
  tryReadHead,
} from '../../../core/log/index.js';
import type { Batch, CollectionSchema, Head, LogContext } from '../../../core/log/index.js';
import { memoryStore, PageCache } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { seededRandom, TestClock } from '../fixture.js';
import { FilterCache, portableDeflate } from '../../../core/segment/index.js';

const UID = 'c'.repeat(32) as Uid;
const module = await compileEmbeddedKernel();

export interface WorldOptions {
  readonly schema?: Partial<CollectionSchema>;
  readonly seed?: number;
}

/** What a record is, as tests compare it. */
export interface Known {
  readonly x: number;
  readonly hidden: boolean;
  readonly expiresMs: number;
  readonly seq: number;
}

export interface Change {
  readonly put?: readonly {
    readonly id: string;
    readonly x: number;
    readonly expiresMs?: number | undefined;
  }[];
  readonly remove?: readonly string[];
  readonly hide?: readonly string[];
}

export class World {
  readonly clock: TestClock = new TestClock();
  readonly store: ObjectStore = memoryStore({ clock: this.clock });
  readonly schema: CollectionSchema;
  readonly model = new Map<string, Known>();
  #seed: number;

  constructor({ schema, seed = 1 }: WorldOptions = {}) {
    this.#seed = seed;
    this.schema = {
      dimension: 3,
      metric: 'euclidean',
      tier: 'server',
      index: { m: 8, efConstruction: 32 },
      quantization: 'sq8',
      fields: {},
      softDeleteDays: 1,
      ...schema,
    };
  }

  async start(): Promise<this> {
    const head = firstHead({
      uid: UID,
      nonce: '0'.repeat(32),
      namespace: DEFAULT_NAMESPACE_UID,
      name: 'papers',
      createdMs: this.clock.wallMs(),
      schema: this.schema,
    });
    const { ports } = this.process();
    await this.store.put(headKey(UID), sealHead(ports.digests, head), { if: 'absent' });
    return this;
  }

  process(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Process {
    return new Process(this, wrap(this.store), this.#seed++);
  }

  async head(): Promise<Head> {
    return (await tryReadHead(this.process().context))!.head;
  }
}

export class Process {
  readonly ports: Ports;
  readonly context: LogContext;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  readonly log: CollectionLog<Table>;
  readonly committer: Committer<Table>;
  readonly #world: World;
  readonly #name: number;
  #writes = 0;

  constructor(world: World, store: ObjectStore, seed: number) {
    const kernel = new Kernel(module, { memoryBudgetBytes: 1 << 28 });
    const digests = createDigests(kernel, (...parts) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      return hash.digest();
    });
    const sleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.ports = {
      clock: world.clock,
      random: seededRandom(seed * 7_919),
      sleep,
      digests,
      deflate: portableDeflate,
    };
    this.context = { store, ports: this.ports, uid: UID };
    this.kernel = kernel;
    const segments = new SegmentStore({
      kernel,
      ports: this.ports,
      cache: new PageCache({ budgetBytes: 1 << 24 }),
      tails: new MemoryPart(new MemoryAccount()),
      filters: new FilterCache(1 << 16),
      shareRequests: true,
      background: false,
      reads: tierLimits.edge,
    });
    this.segments = segments;
    this.log = new CollectionLog<Table>({
      context: this.context,
      newSink: (head) => new Table({ kernel, segments, store, head }),
      shareReads: true,
    });
    this.committer = new Committer({ log: this.log, groupCommit: true });
    this.#world = world;
    this.#name = seed;
  }

  compact(
    options: Partial<Pick<CompactOptions, 'flat' | 'signal' | 'handler' | 'tryBegin'>> = {},
  ): Promise<CompactionResult> {
    const { log, kernel, segments } = this;
    return compactOnce({ log, kernel, segments, handler: 'server', ...options });
  }

  /** Commits the change and tells the model. The order within a change: puts, then removals, then hidings. */
  async write(change: Change): Promise<number> {
    const { put = [], remove = [], hide = [] } = change;
    const { digests } = this.ports;
    const batch: Batch = {
      kinds: Uint8Array.from([
        ...put.map(() => OP_UPSERT),
        ...remove.map(() => OP_DELETE),
        ...hide.map(() => OP_HIDE),
      ]),
      ids: [...put.map(({ id }) => id), ...remove, ...hide],
      dimension: this.#world.schema.dimension,
      vectors: Float32Array.from(put.flatMap(({ x }) => this.vector(x))),
      metadata: put.map(({ x }) => `{"x":${x}}`),
      expiresMs: Float64Array.from(put, ({ expiresMs = Infinity }) => expiresMs),
    };
    const key = `${this.#name}-${this.#writes++}`;
    const committed = await this.committer.commit({
      plan: { prepared: prepareBatch(digests, batch, NO_COUNTS) },
      key,
      requestHash: hashRequest(digests, 'test', new TextEncoder().encode(key)),
      firstTail: undefined,
      timeoutMs: 1e9,
    });
    const seq = committed.sequence;
    const { model } = this.#world;
    for (const { id, x, expiresMs = Infinity } of put) model.set(id, { x, hidden: false, expiresMs, seq });
    for (const id of remove) model.delete(id);
    for (const id of hide) {
      const known = model.get(id);
      if (known !== undefined) model.set(id, { ...known, hidden: true });
    }
    return seq;
  }

  vector(x: number): number[] {
    const { dimension } = this.#world.schema;
    return Array.from({ length: dimension }, (_, d) => (d === 0 ? x : ((x * 7 + d * 13) % 17) + 1));
  }

  /** Every record that is there for good or hidden, whatever the clock says of it. */
  async contents(): Promise<ReadonlyMap<string, Known>> {
    const out = new Map<string, Known>();
    await this.log.read('strong', () => {});
    await this.log.settle();
    const state = await this.log.read('strong', (read) => read);
    const table = state.sink;
    const { memtable } = table;
    await table.catchUp();
    const view = { asOf: NEWEST, nowMs: -Infinity, includeDeleted: true };
    for (const id of memtable.order.after('')) {
      const row = memtable.find(id, view);
      if (row === undefined) continue;
      const x = memtable.vector(row)[0]!;
      const { born: seq } = memtable.lifeOf(row);
      const hidden = memtable.isHidden(row, view);
      out.set(id, { x, hidden, expiresMs: memtable.expiresMs(row), seq });
    }
    for (const overlay of table.overlays) {
      const { file } = overlay.segment;
      const ranks = Uint32Array.from({ length: file.rows }, (_, rank) => rank);
      const [ids, rows] = [await file.idsOfRanks(ranks), await file.rowsOfRanks(ranks)];
      const [vectors, seqs, texts] = [
        await file.vectors(rows),
        await file.seqs(rows),
        await file.documents(rows),
      ];
      ids.forEach((id, i) => {
        if (!overlay.isVisible(rows[i]!, view)) return;
        if (out.has(id)) throw new Error(`two rows of ${id}`);
        const x = vectors[i * table.schema.dimension]!;
        if (texts[i] !== `{"x":${x}}`) throw new Error(`${id} has the text ${texts[i]}`);
        const hidden = overlay.isHidden(rows[i]!, view);
        out.set(id, { x, hidden, expiresMs: overlay.expiresMs(rows[i]!), seq: seqs[i]! });
      });
    }
    return out;
  }
}
