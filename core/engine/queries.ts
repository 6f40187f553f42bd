/**
 * The queries of one request: all on one state, each with what it cost.
 */
import { andThen, begunAhead, startAll } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import type { Ports } from '../base/ports.js';
import type { Kernel } from '../kernel/index.js';
import type { LogState } from '../log/index.js';
import type { AccountingStore, ReadUsage } from '../store/index.js';
import { parseQuery, VectorParser } from './input/index.js';
import { answerOrderedQuery, beginQuery, AnswerSize, AskedRecords, toMicroseconds } from './reads/index.js';
import type { QueryAnswer, SeenQuery, TableRead } from './reads/index.js';
import type { SearchThreads } from './segments/index.js';
import { Turns } from './table/index.js';
import type { Table } from './table/index.js';
import type * as api from './interface/index.js';

export interface QueriesOptions {
  readonly ports: Ports;
  readonly kernel: Kernel;
  readonly store: AccountingStore;
  readonly inputs: readonly unknown[];
  /** Of all of them; undefined: the newest state. */
  readonly asOf: number | undefined;
  readonly what: (i: number) => string;
  /** By the monotonic clock: when the request began. */
  readonly startedMs: number;
  /** This request has to load the collection. */
  readonly cold: boolean;
  /** What the collection keeps of the log at this moment, to tell a state that was made for this request. */
  readonly kept: () => LogState<Table> | undefined;
}

/** Queries of one request that threads may be at beside the one that ends next: more hold more in memory and keep nobody busier. */
const BEGUN_AHEAD = 32;

export class Queries {
  readonly #options: QueriesOptions;
  readonly #before: ReadUsage;
  readonly #asked = new AskedRecords();
  readonly #turns = new Turns();
  #parsed: readonly SeenQuery[] | undefined;
  #freshenedMs = 0;
  #turn: Promise<void> | undefined;
  #gathered: Awaitable<readonly api.QueryResult[]> | undefined;

  constructor(options: QueriesOptions) {
    this.#options = options;
    this.#before = options.store.reads();
  }

  /** The steps of `readTable`. */
  get steps(): Omit<TableRead<readonly api.QueryResult[]>, 'consistency'> {
    return {
      prepare: (state) =>
        this.#asked.resolve(state, this.#queriesOn(state), this.#options.ports.clock.wallMs()),
      use: (state) => {
        this.#freshenedMs = this.#options.ports.clock.monotonicMs();
        const size = new AnswerSize();
        const queries = this.#queriesOn(state);
        const begins = queries.map((query) => () => this.#begin(state, query, size));
        const { threads } = state.sink.store;
        if (threads === undefined) return startAll(begunAhead(begins, 0));
        // Records in an order are copied where the query ends, which is to be in this step.
        if (queries.length > 1 || queries[0]!.order !== undefined)
          return startAll(begunAhead(begins, BEGUN_AHEAD));
        const end = begins[0]!();
        return this.#withOthers(threads, () => startAll([end]));
      },
    };
  }

  /** Of a query that was begun and ends with others of its turn of the event loop: resolves when it has gone on. */
  get turn(): Promise<void> | undefined {
    return this.#turn;
  }

  /** What such a query was answered, where it had to wait for nothing but its turn. */
  tryGathered(): readonly api.QueryResult[] | undefined {
    return this.#gathered instanceof Promise ? undefined : this.#gathered;
  }

  /** Whatever else this turn brings is begun before one of them ends, so that threads have what they can do. */
  #withOthers(
    threads: SearchThreads,
    end: () => Awaitable<readonly api.QueryResult[]>,
  ): Awaitable<readonly api.QueryResult[]> {
    this.#turn = threads.turn();
    if (this.#turn === undefined) return end();
    return this.#turn.then(() => (this.#gathered = end()));
  }

  /** A request with one bad query answers none: so all are checked before the first is run. */
  #queriesOn(state: LogState<Table>): readonly SeenQuery[] {
    if (this.#parsed !== undefined) return this.#parsed;
    const { kernel, inputs, what, asOf } = this.#options;
    const { schema } = state.sink;
    const vectors = new VectorParser(kernel, schema);
    const parsed = inputs.map((input, i) => parseQuery(vectors, schema.metric, input, what(i)));
    this.#parsed = parsed.map((query) => ({ ...query, asOf }));
    return this.#parsed;
  }

  #begin(state: LogState<Table>, query: SeenQuery, size: AnswerSize): () => Awaitable<api.QueryResult> {
    const { clock } = this.#options.ports;
    const sequence = query.asOf ?? state.position.seq;
    const slotsRead = this.#hasReadSlots(state);
    const context = { clock, size, turns: this.#turns };
    const { order } = query;
    const end =
      order === undefined
        ? beginQuery(state, query, this.#asked.vectorOf(query), context)
        : (): Awaitable<QueryAnswer> => answerOrderedQuery(state, query, order, context);
    return () => {
      const answer = end();
      const searchedMs = clock.monotonicMs();
      return andThen(answer, ({ matches, searchedMs: lastSearchedMs, explain, ...searched }) => ({
        matches,
        sequence,
        usage: this.#usage({
          ...searched,
          searchedMs: Math.max(searchedMs, lastSearchedMs),
          slotsRead,
        }),
        ...(explain === undefined ? {} : { explain }),
      }));
    };
  }

  /** Whether the state was made for this request, of slots that no segment holds yet. What freshening finds is no matter of caches. */
  #hasReadSlots(state: LogState<Table>): boolean {
    const { cold, kept } = this.#options;
    return (cold || state !== kept()) && state.position.seq > state.head.head.foldedSeq;
  }

  #usage({ rowsScanned, segments, segmentsProbed, searchedMs, slotsRead }: Answered): api.Usage {
    const { ports, store, startedMs, cold } = this.#options;
    const [before, after] = [this.#before, store.reads()];
    const warmReads = after.warmReads - before.warmReads;
    const immutableBytesRead = after.immutableBytesRead - before.immutableBytesRead;
    const now = ports.clock.monotonicMs();
    const ms = {
      freshen: toMicroseconds(this.#freshenedMs - startedMs),
      search: toMicroseconds(searchedMs - this.#freshenedMs),
      fetch: toMicroseconds(now - searchedMs),
      total: toMicroseconds(now - startedMs),
    };
    return {
      requests: after.requests - before.requests,
      bytesRead: after.bytesRead - before.bytesRead,
      loaded: cold,
      temperature: temperatureOf({ immutableBytesRead, warmReads }, slotsRead),
      warmReads,
      warmBytes: after.warmBytes - before.warmBytes,
      ...{ segments, segmentsProbed, rowsScanned, ms },
    };
  }
}

interface Answered extends Pick<api.Usage, 'rowsScanned' | 'segments' | 'segmentsProbed'> {
  readonly searchedMs: number;
  readonly slotsRead: boolean;
}

function temperatureOf(
  { immutableBytesRead, warmReads }: Pick<ReadUsage, 'immutableBytesRead' | 'warmReads'>,
  slotsRead: boolean,
): api.Temperature {
  if (immutableBytesRead > 0 || slotsRead) return 'cold';
  return warmReads > 0 ? 'warm' : 'hot';
}
