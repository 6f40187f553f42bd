/**
 * The queries of one request: all on one state, each with what it cost.
 */
import { andThen, attempt, begunAhead, startAll } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import type { Ports } from '../base/ports.js';
import type { Kernel } from '../kernel/index.js';
import type { CollectionSchema, LogState } from '../log/index.js';
import type { AccountingStore, ReadUsage } from '../store/index.js';
import { parseQuery, VectorParser } from './input/index.js';
import {
  answerOrderedQuery,
  beginQuery,
  AnswerSize,
  AskedRecords,
  readAhead,
  toMicroseconds,
} from './reads/index.js';
import type { QueryAnswer, SeenQuery, TableRead } from './reads/index.js';
import type { CentroidDistances, SearchGroup } from './segments/index.js';
import { Turns } from './table/index.js';
import type { Table } from './table/index.js';
import type * as api from './interface/index.js';

export interface QueriesOptions {
  readonly ports: Ports;
  readonly kernel: Kernel;
  readonly store: AccountingStore;
  readonly inputs: readonly unknown[];
  readonly consistency: 'strong' | 'eventual';
  /** Of all of them; undefined: the newest state. */
  readonly asOf: number | undefined;
  readonly what: (i: number) => string;
  /** By the monotonic clock: when the request began. */
  readonly startedMs: number;
  /** This request has to load the collection. */
  readonly cold: boolean;
  /** What the collection keeps of it at any moment tells a state that was made for this request. */
  readonly log: { readonly state: LogState<Table> | undefined };
}

/** Queries of one request that threads may be at beside the one that ends next: more hold more in memory and keep nobody busier. */
const BEGUN_AHEAD = 32;

type Results = readonly api.QueryResult[];

export class Queries implements TableRead<Results> {
  readonly #options: QueriesOptions;
  readonly #before: ReadUsage;
  readonly #asked = new AskedRecords();
  readonly #turns = new Turns();
  #parsed: readonly SeenQuery[] | undefined;
  #freshenedMs = 0;
  #found: Promise<Results | undefined> | undefined;
  /** Of what is read before the state is known. */
  #ahead: Promise<void> | undefined;
  /** Of the query that this is read for. */
  #centroids: CentroidDistances | undefined;

  constructor(options: QueriesOptions) {
    this.#options = options;
    this.#before = options.store.reads();
  }

  get consistency(): 'strong' | 'eventual' {
    return this.#options.consistency;
  }

  get asOf(): number | undefined {
    return this.#options.asOf;
  }

  /** Of one query: many read one after another anyway. What a past state is read of is not known. */
  foresee(table: Table): void {
    if (this.asOf !== undefined) return;
    const [query, ...others] = this.#queriesOf(table.schema);
    if (query === undefined || others.length > 0) return;
    const ahead = readAhead(table, query);
    this.#ahead = ahead?.ended;
    this.#centroids = ahead?.centroids;
  }

  prepare(state: LogState<Table>): Awaitable<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) return ahead;
    return this.#asked.resolve(state, this.#queriesOf(state.sink.schema), this.#options.ports.clock.wallMs());
  }

  use(state: LogState<Table>): Awaitable<Results> {
    this.#freshenedMs = this.#options.ports.clock.monotonicMs();
    const size = new AnswerSize();
    const queries = this.#queriesOf(state.sink.schema);
    const { threads } = state.sink.store;
    const only = queries.length === 1 ? queries[0]! : undefined;
    if (only === undefined) {
      const begins = queries.map((query) => () => this.#begin(state, query, size));
      return startAll(begunAhead(begins, threads === undefined ? 0 : BEGUN_AHEAD));
    }
    // Records in an order are copied where the query ends, which is to be in this step.
    const group = only.order === undefined ? threads?.group() : undefined;
    const ends = [this.#begin(state, only, size, group)];
    return group === undefined ? startAll(ends) : this.#endWith(group, ends);
  }

  /** Of a query that ends when threads have found what they can: what it is answered, undefined where it has to wait for more. */
  get found(): Promise<Results | undefined> | undefined {
    return this.#found;
  }

  /** Whatever else this turn brings is begun before it ends, so that threads have what they can do. */
  #endWith(group: SearchGroup, ends: readonly (() => Awaitable<api.QueryResult>)[]): Awaitable<Results> {
    if (group.isFound) return startAll(ends);
    let tell: (found: Results | undefined) => void;
    this.#found = new Promise((resolve) => (tell = resolve));
    return new Promise((resolve) => {
      group.endLater(() => {
        const answer = attempt(() => startAll(ends));
        resolve(answer);
        tell(answer instanceof Promise ? undefined : answer);
      });
    });
  }

  /** A request with one bad query answers none: so all are checked before the first is run. */
  #queriesOf(schema: CollectionSchema): readonly SeenQuery[] {
    if (this.#parsed !== undefined) return this.#parsed;
    const { kernel, inputs, what, asOf } = this.#options;
    const vectors = new VectorParser(kernel, schema);
    this.#parsed = inputs.map((input, i) => {
      const query = parseQuery(vectors, schema.metric, input, what(i));
      return asOf === undefined ? query : { ...query, asOf };
    });
    return this.#parsed;
  }

  #begin(
    state: LogState<Table>,
    query: SeenQuery,
    size: AnswerSize,
    group?: SearchGroup,
  ): () => Awaitable<api.QueryResult> {
    const { clock } = this.#options.ports;
    const sequence = query.asOf ?? state.position.seq;
    const slotsRead = this.#hasReadSlots(state);
    const context = { clock, size, turns: this.#turns, group, centroids: this.#centroids };
    const { order } = query;
    const end =
      order === undefined
        ? beginQuery(state, query, this.#asked.vectorOf(query), context)
        : (): Awaitable<QueryAnswer> => answerOrderedQuery(state, query, order, context);
    return () => {
      const answer = end();
      const searchedMs = clock.monotonicMs();
      return andThen(answer, (found) => {
        const { matches, explain } = found;
        const usage = this.#usage(found, Math.max(searchedMs, found.searchedMs), slotsRead);
        return explain === undefined ? { matches, sequence, usage } : { matches, sequence, usage, explain };
      });
    };
  }

  /** Whether the state was made for this request, of slots that no segment holds yet. What freshening finds is no matter of caches. */
  #hasReadSlots(state: LogState<Table>): boolean {
    const { cold, log } = this.#options;
    return (cold || state !== log.state) && state.position.seq > state.head.head.foldedSeq;
  }

  #usage(
    { rowsScanned, segments, segmentsProbed }: QueryAnswer,
    searchedMs: number,
    slotsRead: boolean,
  ): api.Usage {
    const { ports, store, startedMs, cold } = this.#options;
    const before = this.#before;
    const after = store.reads();
    const warmReads = after.warmReads - before.warmReads;
    const immutableBytesRead = after.immutableBytesRead - before.immutableBytesRead;
    const now = ports.clock.monotonicMs();
    return {
      requests: after.requests - before.requests,
      bytesRead: after.bytesRead - before.bytesRead,
      loaded: cold,
      temperature: temperatureOf({ immutableBytesRead, warmReads }, slotsRead),
      warmReads,
      warmBytes: after.warmBytes - before.warmBytes,
      segments,
      segmentsProbed,
      rowsScanned,
      ms: {
        freshen: toMicroseconds(this.#freshenedMs - startedMs),
        search: toMicroseconds(searchedMs - this.#freshenedMs),
        fetch: toMicroseconds(now - searchedMs),
        total: toMicroseconds(now - startedMs),
      },
    };
  }
}

function temperatureOf(
  { immutableBytesRead, warmReads }: Pick<ReadUsage, 'immutableBytesRead' | 'warmReads'>,
  slotsRead: boolean,
): api.Temperature {
  if (immutableBytesRead > 0 || slotsRead) return 'cold';
  return warmReads > 0 ? 'warm' : 'hot';
}
