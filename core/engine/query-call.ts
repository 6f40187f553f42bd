/**
 * A request of queries, from what callers wrote to answers: on one state, but for those as of another.
 */
import { hasCode } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import type { Kernel } from '../kernel/index.js';
import type { LogState } from '../log/index.js';
import { keepInput, mustBeObject, parseRead } from './input/index.js';
import type { ParsedRead } from './input/index.js';
import type * as api from './interface/index.js';
import type { OpenCollection, OpenCollections } from './open-collection.js';
import { Queries } from './queries.js';
import { beginRead, readTable, sequenceOf, tryAnswer } from './reads/index.js';
import type { BegunRead } from './reads/index.js';
import type { Table } from './table/index.js';

/** Whose queries these are. */
export interface QueryHost {
  readonly name: string;
  readonly open: OpenCollections;
  readonly ports: Ports;
  readonly kernel: Kernel;
  /** Runs `use` on the collection, which has so much time. Requires: within a call. */
  readonly within: <T>(timeoutMs: number, use: (collection: OpenCollection) => Promise<T>) => Promise<T>;
}

/** The strictest consistency and the shortest time limit among them count for all. */
export async function answerQueries(
  host: QueryHost,
  given: readonly unknown[],
  what: (i: number) => string,
): Promise<readonly api.QueryResult[]> {
  const { name, open, ports } = host;
  const inputs = given.map(keepInput);
  const startedMs = ports.clock.monotonicMs();
  const reads = inputs.map((input, i) => parseRead(mustBeObject(input, what(i))));
  const call: QueryCall = { host, inputs, what, startedMs, reads, ...strictest(reads) };
  // What is in memory answers in this step: nothing of what waiting takes is needed.
  const isOfNewest = reads.every(({ asOf }) => asOf === undefined);
  const young = call.consistency === 'eventual' && isOfNewest ? open.tryYoung(name) : undefined;
  const begun = young && tryBegin(young.state, queriesOf(call, young.collection, { inputs, what }));
  const answer = begun && tryAnswer(begun.read);
  if (answer !== undefined) return answer;
  return await open.run(async () => {
    // What threads are at is no wait that takes a time limit, which costs as much as a search.
    const found = await begun?.queries.found;
    if (found !== undefined) return found;
    return await host.within(call.timeoutMs, async (collection) => {
      const { log } = collection;
      if (begun !== undefined && log === young?.collection.log)
        return await readTable(log, begun.queries, begun.read);
      return await readStates(call, collection);
    });
  });
}

interface QueryCall extends Omit<ParsedRead, 'asOf'> {
  readonly host: QueryHost;
  readonly inputs: readonly unknown[];
  readonly what: (i: number) => string;
  readonly startedMs: number;
  readonly reads: readonly ParsedRead[];
}

/** Some of a call's, of one state. */
interface StateQueries {
  readonly inputs: readonly unknown[];
  readonly what: (i: number) => string;
  readonly asOf?: number | undefined;
}

function queriesOf(
  { host, consistency, startedMs }: QueryCall,
  { log, store }: OpenCollection,
  { inputs, what, asOf }: StateQueries,
): Queries {
  const { ports, kernel } = host;
  const cold = log.state === undefined;
  return new Queries({ ports, kernel, store, log, inputs, what, consistency, asOf, startedMs, cold });
}

async function readStates(call: QueryCall, collection: OpenCollection): Promise<readonly api.QueryResult[]> {
  const { inputs, what, reads, consistency } = call;
  const { log } = collection;
  const answers: api.QueryResult[] = [];
  for (const state of new Set(reads.map(({ asOf }) => asOf))) {
    const places = [...inputs.keys()].filter((i) => reads[i]!.asOf === state);
    const asOf = await sequenceOf(log, state, consistency);
    const queries = queriesOf(call, collection, {
      inputs: places.map((i) => inputs[i]),
      what: (i) => what(places[i]!),
      asOf,
    });
    const found = await readTable(log, queries);
    found.forEach((result, i) => (answers[places[i]!] = result));
  }
  return answers;
}

interface BegunQueries {
  readonly queries: Queries;
  readonly read: BegunRead<readonly api.QueryResult[]>;
}

/** Undefined where there is no memory for it, which is made where queries wait. */
function tryBegin(state: LogState<Table>, queries: Queries): BegunQueries | undefined {
  try {
    return { queries, read: beginRead(state, queries) };
  } catch (error) {
    if (!hasCode(error, 'memory_budget_exceeded')) throw error;
    return undefined;
  }
}

function strictest(queries: readonly ParsedRead[]): Omit<ParsedRead, 'asOf'> {
  return {
    consistency: queries.some(({ consistency }) => consistency === 'strong') ? 'strong' : 'eventual',
    timeoutMs: queries.reduce((least, { timeoutMs }) => Math.min(least, timeoutMs), Infinity),
  };
}
