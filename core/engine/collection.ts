/**
 * A collection as its users hold it: checks what comes in, runs it against the log, shapes what goes out.
 */
import type { Awaitable } from '../base/awaitable.js';
import { HOUR_MS } from '../base/dates.js';
import { invalid } from '../base/errors.js';
import type { Outcome } from '../base/errors.js';
import { mustBeName, mustBeRecordId } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { withTimeLimit } from '../base/time-limit.js';
import type { Kernel } from '../kernel/index.js';
import { setRetention } from '../log/index.js';
import type { CollectionSchema, LogState, ResultCounts } from '../log/index.js';
import {
  checkWrite,
  keepInput,
  mustBeBatch,
  mustBeObject,
  mustHaveOnly,
  mustStillHold,
  optionalBoolean,
  optionalInteger,
  parseFacets,
  parseFilterOption,
  parseInclude,
  parseRead,
  parseScan,
  parseWriteOptions,
  READ_FIELDS,
  SEEN_FIELDS,
  tryCheckWrite,
  VectorParser,
} from './input/index.js';
import type { ParsedRead, ParsedWrite, RecordParser, UnknownObject } from './input/index.js';
import { withLimitedStart } from './limited-start.js';
import type { View } from './memtable/index.js';
import type { OpenCollection, OpenCollections } from './open-collection.js';
import { answerQueries } from './query-call.js';
import type { QueryHost } from './query-call.js';
import {
  answerCount,
  answerFacets,
  answerFetch,
  answerOrderedScan,
  answerScan,
  measureRecall,
  readTable,
  sampleVectors,
  sequenceOf,
  viewOf,
} from './reads/index.js';
import {
  createBranch,
  createSnapshot,
  deleteSnapshot,
  listSnapshots,
  parsePastPoint,
  restoreTo,
} from './past/index.js';
import { statsOf } from './stats.js';
import type { Table } from './table/index.js';
import { resolveWrite } from './writes/index.js';
import { summaryOf } from './summary.js';
import type * as api from './interface/index.js';

export interface CollectionOptions {
  readonly name: string;
  readonly open: OpenCollections;
  readonly ports: Ports;
  readonly kernel: Kernel;
}

interface Written {
  readonly sequence: number;
  readonly counts: ResultCounts;
  readonly write: ParsedWrite;
}

export class EngineCollection implements api.Collection {
  readonly name: string;
  readonly #open: OpenCollections;
  readonly #ports: Ports;
  readonly #kernel: Kernel;
  readonly #queryHost: QueryHost;

  constructor({ name, open, ports, kernel }: CollectionOptions) {
    this.name = name;
    this.#open = open;
    this.#ports = ports;
    this.#kernel = kernel;
    const within: QueryHost['within'] = (timeoutMs, use) =>
      withTimeLimit(ports.sleep, timeoutMs, open.use(name, use));
    this.#queryHost = { name, open, ports, kernel, within };
  }

  async upsert(input: api.UpsertInput, options?: api.WriteOptions): Promise<api.UpsertResult> {
    const written = await this.#write({ upsert: input }, options);
    return { upserted: written.counts.upserted, sequence: written.sequence, ...this.#upsertDetails(written) };
  }

  async patch(input: api.PatchInput, options?: api.WriteOptions): Promise<api.PatchResult> {
    const written = await this.#write({ patch: input }, options);
    return { ...patchDetails(written), sequence: written.sequence, ...more(written.counts) };
  }

  async delete(input: api.DeleteInput, options?: api.WriteOptions): Promise<api.DeleteResult> {
    const { counts, sequence: at } = await this.#write({ delete: input }, options);
    return { deleted: counts.deleted, sequence: at, ...more(counts) };
  }

  async restore(input: api.RestoreInput, options?: api.WriteOptions): Promise<api.RestoreResult> {
    const { counts, sequence: at } = await this.#write({ restore: input }, options);
    return { restored: counts.restored, missing: counts.missing, sequence: at };
  }

  async write(input: api.WriteInput, options?: api.WriteOptions): Promise<api.WriteResult> {
    const fields = mustBeObject(input, 'write');
    mustHaveOnly(fields, ['upsert', 'patch', 'delete', 'ifSequence'], 'write');
    const written = await this.#write(fields, options);
    const { write, counts } = written;
    return {
      ...(write.upsert === undefined ? {} : { upserted: counts.upserted, ...this.#upsertDetails(written) }),
      ...(write.patch === undefined ? {} : patchDetails(written)),
      ...(write.deletion === undefined ? {} : { deleted: counts.deleted }),
      sequence: written.sequence,
      ...more(counts),
    };
  }

  #upsertDetails({ write }: Written): { ids?: readonly string[]; duplicates?: number } {
    const { upsert } = write;
    if (upsert === undefined) return {};
    const duplicates = upsert.batch.ids.length - upsert.distinct;
    return {
      ...(upsert.derived ? { ids: upsert.batch.ids } : {}),
      ...(duplicates > 0 ? { duplicates } : {}),
    };
  }

  async #write(input: UnknownObject, options: api.WriteOptions = {}): Promise<Written> {
    const { key, firstTail, timeoutMs } = parseWriteOptions(options, this.#ports.random);
    const known = this.#open.peek(this.name)?.log.state?.head.head.schema;
    const atCall = known === undefined ? undefined : tryCheckWrite(this.#parser(known), input, key);
    const kept = atCall === undefined ? keepInput(input) : undefined;
    const commit = async (collection: OpenCollection, begin: () => void): Promise<Written> => {
      const schema = await this.#schema(collection, atCall === undefined);
      const parser = this.#parser(schema);
      const checked = atCall ?? checkWrite(parser, kept, key);
      mustStillHold(checked, parser, this.name);
      const { write, blind, requestHash } = checked;
      begin();
      const committed = await collection.committer.commit({
        key,
        firstTail,
        timeoutMs,
        requestHash,
        plan:
          blind === undefined
            ? {
                resolve: (draft) => resolveWrite(write, draft, this.#ports.clock.wallMs()),
              }
            : { prepared: blind },
      });
      // Its rows are in the memtable and its bytes in the store.
      if (blind !== undefined) this.#open.spare.give(blind.content.buffer);
      await collection.hints.hintWhenDue(collection.log.state);
      await collection.folds.foldWhenDue();
      return { sequence: committed.sequence, counts: committed.counts, write };
    };
    return await this.#open.run(() =>
      withLimitedStart(this.#ports.sleep, timeoutMs, (begin) =>
        this.#open.use(this.name, (collection) => commit(collection, begin)),
      ),
    );
  }

  async query(input: api.QueryInput): Promise<api.QueryResult> {
    return (await answerQueries(this.#queryHost, [input], () => 'query'))[0]!;
  }

  async explain(input: api.QueryInput): Promise<api.ExplainResult> {
    const asked = { ...mustBeObject(input, 'query'), include: [], explain: true };
    const { explain, usage, ...answer } = await this.query(asked);
    return { explain: explain!, sequence: answer.sequence, usage };
  }

  async queryMany(queries: readonly api.QueryInput[]): Promise<readonly api.QueryResult[]> {
    mustBeBatch(queries, 'queries', { name: 'queriesPerRequest', max: limits.queriesPerRequest });
    return await answerQueries(this.#queryHost, queries, (i) => `queries[${i}]`);
  }

  async fetch(input: api.FetchInput): Promise<api.FetchResult> {
    const fields = mustBeObject(input, 'fetch');
    mustHaveOnly(fields, ['ids', 'include', ...SEEN_FIELDS], 'fetch');
    const ids = mustBeBatch(fields['ids'], 'ids', { name: 'batchRecords', max: limits.batchRecords });
    const wanted = ids.map((id, i) => mustBeRecordId(id, `ids[${i}]`));
    const projection = parseInclude(fields['include'], ['metadata', 'vector']);
    return await this.#onView(fields, async (state, { view, sequence: seq }) => {
      return { records: await answerFetch(state, wanted, view, projection), sequence: seq };
    });
  }

  async count(input: api.CountInput = {}): Promise<api.CountResult> {
    const fields = mustBeObject(input, 'count');
    mustHaveOnly(fields, ['filter', 'facets', ...SEEN_FIELDS], 'count');
    const facets = parseFacets(fields['facets']);
    const filter = parseFilterOption(fields['filter']);
    return await this.#onView(fields, async (state, { view, sequence: seq }) => {
      const selection = { filter, view };
      if (facets === undefined) return { count: await answerCount(state, selection), sequence: seq };
      return { ...(await answerFacets(state, selection, facets)), sequence: seq };
    });
  }

  async scan(input: api.ScanInput = {}): Promise<api.ScanResult> {
    const fields = mustBeObject(input, 'scan');
    const { from, ...request } = parseScan(fields);
    return await this.#onView(fields, async (state, { view, sequence: seq }) => {
      const seen = { ...request, view };
      const answer =
        'order' in from
          ? answerOrderedScan(state, { ...seen, ...from })
          : answerScan(state, { ...seen, ...from });
      const { records, cursor } = await answer;
      return { records, ...(cursor === undefined ? {} : { cursor }), sequence: seq };
    });
  }

  async describe(options: api.ReadOptions = {}): Promise<api.CollectionDescription> {
    return await this.#on(this.#readOptions(options), (state) => {
      const { head } = state.head;
      const { visible } = state.sink.counts(this.#ports.clock.wallMs());
      return {
        ...summaryOf(head),
        sequence: state.position.seq,
        count: visible,
        segments: state.sink.overlays.length,
      };
    });
  }

  async stats(options: api.ReadOptions = {}): Promise<api.CollectionStats> {
    return await this.#on(this.#readOptions(options), (state) => statsOf(state, this.#ports.clock.wallMs()));
  }

  /** Folds the log and merges segments, as far as that pays. Closing the database ends it early. */
  async compact(options: api.CompactOptions = {}): Promise<api.CompactResult> {
    const fields = mustBeObject(options, 'options');
    mustHaveOnly(fields, ['signal', 'minor'], 'options');
    const minor = fields['minor'] !== undefined && optionalBoolean(fields['minor'], 'minor');
    return await this.#open.compact(this.name, { minor, signal: options.signal });
  }

  async recall(input: api.RecallInput = {}): Promise<api.RecallResult> {
    const fields = mustBeObject(input, 'recall');
    mustHaveOnly(fields, ['vectors', 'queries', 'k', ...READ_FIELDS], 'recall');
    const max = limits.queriesPerRequest;
    const k = optionalInteger(fields['k'], { name: 'k', min: 1, max: limits.k, fallback: 10 });
    const sample = optionalInteger(fields['queries'], {
      name: 'queriesPerRequest',
      min: 1,
      max,
      fallback: 20,
    });
    const given =
      fields['vectors'] === undefined
        ? undefined
        : mustBeBatch(fields['vectors'], 'vectors', { name: 'queriesPerRequest', max }).map(keepInput);
    return await this.#on(parseRead(fields), async (state) => {
      const table = state.sink;
      const vectors = new VectorParser(this.#kernel, table.schema);
      const nowMs = this.#ports.clock.wallMs();
      // As of its sequence: the sampled vectors are read first, and the log may go on meanwhile.
      const view: View = { asOf: state.position.seq, nowMs, includeDeleted: false };
      const queries =
        given?.map((vector, i) => vectors.one(vector, `vectors[${i}]`)) ??
        (await sampleVectors({ table, view }, sample));
      const recall = await measureRecall({ table, view }, queries, k);
      return { recall, queries: queries.length, k, source: given === undefined ? 'stored_records' : 'given' };
    });
  }

  async createSnapshot(input: api.SnapshotInput = {}): Promise<api.Snapshot> {
    const fields = mustBeObject(input, 'snapshot');
    mustHaveOnly(fields, ['name', 'asOf'], 'snapshot');
    const name = fields['name'] === undefined ? undefined : mustBeName(fields['name'], 'snapshot');
    const { asOf } = parseRead(fields);
    return await this.#change(({ log }) => createSnapshot(log, { name, asOf }));
  }

  async listSnapshots(): Promise<readonly api.Snapshot[]> {
    const timeoutMs = limits.requestTimeoutDefaultMs;
    return await this.#withinLimit({ timeoutMs }, ({ log }) => listSnapshots(log));
  }

  async deleteSnapshot(name: string): Promise<void> {
    mustBeName(name, 'snapshot');
    await this.#change(({ log }) => deleteSnapshot(log, name));
  }

  /** Idempotent under its key, as every write. */
  async restoreTo(input: api.PastInput, options: api.WriteOptions = {}): Promise<api.RestoreToResult> {
    return await restoreTo({ name: this.name, open: this.#open, ports: this.#ports }, input, options);
  }

  async branch(name: string, input: api.BranchInput = {}): Promise<api.BranchResult> {
    mustBeName(name, 'collection');
    const fields = mustBeObject(input, 'branch');
    mustHaveOnly(fields, ['snapshot', 'asOf'], 'branch');
    const point = parsePastPoint(fields);
    const { catalog, segments } = this.#open;
    return await this.#change(async ({ log }) => {
      const host = { log, catalog, segments, kernel: this.#kernel };
      return { name, sequence: await createBranch(host, { name, point }) };
    });
  }

  async update(changes: api.CollectionUpdate): Promise<api.CollectionSummary> {
    const fields = mustBeObject(changes, 'changes');
    mustHaveOnly(fields, ['retentionHours'], 'changes');
    const hours = optionalInteger(fields['retentionHours'], {
      name: 'retentionHours',
      min: 0,
      max: limits.retentionMs / HOUR_MS,
      fallback: NaN,
    });
    if (Number.isNaN(hours)) throw invalid('invalid_request', 'changes name nothing', { field: 'changes' });
    return await this.#change(async ({ log }) => summaryOf(await setRetention(log.context, hours * HOUR_MS)));
  }

  /** Of the head: it may still take effect after its time. */
  async #change<T>(change: (collection: OpenCollection) => Promise<T>): Promise<T> {
    const timeoutMs = limits.requestTimeoutDefaultMs;
    return await this.#withinLimit({ timeoutMs, outcome: 'unknown' }, change);
  }

  #readOptions(options: api.ReadOptions): ParsedRead {
    const fields = mustBeObject(options, 'options');
    mustHaveOnly(fields, READ_FIELDS, 'options');
    return parseRead(fields);
  }

  /** Requires: `fields` has been looked through. */
  async #onView<T>(
    fields: UnknownObject,
    use: (state: LogState<Table>, seen: { readonly view: View; readonly sequence: number }) => Promise<T>,
  ): Promise<T> {
    const includeDeleted = optionalBoolean(fields['includeDeleted'], 'include_deleted');
    return await this.#on(parseRead(fields), (state, asOf) => {
      const view = viewOf(state, { asOf, includeDeleted }, this.#ports.clock.wallMs());
      return use(state, { view, sequence: asOf ?? state.position.seq });
    });
  }

  async #on<T>(
    { consistency, timeoutMs, asOf }: ParsedRead,
    use: (state: LogState<Table>, asOf: number | undefined) => Awaitable<T>,
  ): Promise<T> {
    return await this.#withinLimit({ timeoutMs }, async ({ log }) => {
      const seq = await sequenceOf(log, asOf, consistency);
      return await readTable(log, { consistency, asOf: seq, use: (state) => use(state, seq) });
    });
  }

  /** The limit holds from the look-up of the name on: a store that does not answer ends no call for ever. */
  async #withinLimit<T>(
    { timeoutMs, outcome }: { readonly timeoutMs: number; readonly outcome?: Outcome },
    use: (collection: OpenCollection) => Promise<T>,
  ): Promise<T> {
    return await this.#open.run(() =>
      withTimeLimit(this.#ports.sleep, timeoutMs, this.#open.use(this.name, use), outcome),
    );
  }

  /** `fresh`: as a strong read sees it. Otherwise as it was when last read; the commit finds out what became of it. */
  async #schema({ log }: OpenCollection, fresh: boolean): Promise<CollectionSchema> {
    if (fresh) return await log.read('strong', (state) => state.head.head.schema);
    return (await log.loaded()).head.head.schema;
  }

  #parser(schema: CollectionSchema): RecordParser {
    const vectors = new VectorParser(this.#kernel, schema);
    return { schema, vectors, digests: this.#ports.digests, spare: this.#open.spare };
  }
}

/** A filter names nobody who could be missing. */
function patchDetails({ write, counts }: Written): { patched: number; missing?: number } {
  const named = write.patch !== undefined && 'records' in write.patch;
  return { patched: counts.patched, ...(named ? { missing: counts.missing } : {}) };
}

function more(counts: ResultCounts): { more?: true } {
  return counts.more > 0 ? { more: true } : {};
}
