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
  { name, open, ports, kernel, within }: QueryHost,
  given: readonly unknown[],
  what: (i: number) => string,
): Promise<readonly api.QueryResult[]> {
  const inputs = given.map(keepInput);
  const startedMs = ports.clock.monotonicMs();
  const reads = inputs.map((input, i) => parseRead(mustBeObject(input, what(i))));
  const { consistency, timeoutMs } = strictest(reads);
  const ask = ({ log, store }: OpenCollection, places: readonly number[], asOf?: number): Queries =>
    new Queries({
      ...{ ports, kernel, store, startedMs, asOf, cold: log.state === undefined },
      kept: () => log.state,
      inputs: places.map((i) => inputs[i]),
      what: (i) => what(places[i]!),
    });
  const all = [...inputs.keys()];
  const states = new Set(reads.map(({ asOf }) => asOf));
  const isOfNewest = states.size === 1 && states.has(undefined);
  // What is in memory answers in this step: nothing of what waiting takes is needed.
  const young = consistency === 'eventual' && isOfNewest ? open.tryYoung(name) : undefined;
  const begun = young && tryBegin(young.state, ask(young.collection, all));
  const answer = begun && tryAnswer(begun.read);
  if (answer !== undefined) return answer;
  return await open.run(async () => {
    // The end of this turn is no wait that takes a time limit, which costs as much as a search.
    await begun?.queries.turn;
    const gathered = begun?.queries.tryGathered();
    if (gathered !== undefined) return gathered;
    return await within(timeoutMs, async (collection) => {
      const { log } = collection;
      if (begun !== undefined && log === young?.collection.log)
        return await readTable(log, { consistency, ...begun.queries.steps }, begun.read);
      const answers: api.QueryResult[] = [];
      for (const state of states) {
        const places = all.filter((i) => reads[i]!.asOf === state);
        const asOf = await sequenceOf(log, state, consistency);
        const { steps } = ask(collection, places, asOf);
        const found = await readTable(log, { consistency, asOf, ...steps });
        found.forEach((result, i) => (answers[places[i]!] = result));
      }
      return answers;
    });
  });
}

interface BegunQueries {
  readonly queries: Queries;
  readonly read: BegunRead<readonly api.QueryResult[]>;
}

/** Undefined where there is no memory for it, which is made where queries wait. */
function tryBegin(state: LogState<Table>, queries: Queries): BegunQueries | undefined {
  try {
    return { queries, read: beginRead(state, { consistency: 'eventual', ...queries.steps }) };
  } catch (error) {
    if (!hasCode(error, 'memory_budget_exceeded')) throw error;
    return undefined;
  }
}

function strictest(queries: readonly ParsedRead[]): Omit<ParsedRead, 'asOf'> {
  return {
    consistency: queries.some(({ consistency }) => consistency === 'strong') ? 'strong' : 'eventual',
    timeoutMs: Math.min(...queries.map(({ timeoutMs }) => timeoutMs)),
  };
}
