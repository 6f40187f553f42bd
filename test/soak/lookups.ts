/**
 * Reads of a lane, by kind. All are strong, and while one is under way its lane writes nothing, so each must find of
 * the lane exactly what the model says, whoever folds, merges and collects meanwhile.
 */
import assert from 'node:assert/strict';
import { isCairnError } from '../../core/index.js';
import type { Collection, Database, QueryInput, RecordOutput, ScanInput } from '../../core/index.js';
import type { Chance } from '../log/virtual-time.js';
import type { LaneModel } from './lane-model.js';
import { drawIds } from './operations.js';
import { faultOf, faultOfAll, vectorOf, visible } from './records.js';
import type { Records } from './records.js';

export interface Sight {
  readonly database: Database;
  readonly collection: Collection;
  readonly model: LaneModel;
  readonly chance: Chance;
  /** A sequence that another lane of the collection has been told. */
  readonly rivalTold: () => number;
  /** Counts something for the report. */
  readonly tally: (what: string) => void;
}

interface Lookup {
  readonly weight: (model: LaneModel) => number;
  readonly look: (sight: Sight) => Promise<void>;
}

const existing =
  (weight: number) =>
  ({ exists }: LaneModel): number =>
    exists ? weight : 0;

const INCLUDE = ['metadata', 'vector'];

/** The pages of a scan together. */
export async function scanAll(
  collection: Collection,
  input: ScanInput,
  limit: number,
): Promise<RecordOutput[]> {
  const records: RecordOutput[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await collection.scan({
      ...{ ...input, limit, include: INCLUDE },
      ...(cursor === undefined ? {} : { cursor }),
    });
    records.push(...page.records);
    if (page.cursor === undefined) return records;
    cursor = page.cursor;
  }
}

function mustHold(fault: string | undefined): void {
  assert.equal(fault, undefined, fault);
}

const fetch: Lookup = {
  weight: existing(10),
  look: async ({ collection, model, chance }) => {
    const ids = drawIds(model, chance, 40);
    const { records } = await collection.fetch({ ids });
    const there = ids.filter((id) => model.records.get(id)?.hidden === false);
    mustHold(faultOfAll(records, new Map(there.map((id) => [id, model.records.get(id)!]))));
  },
};

const count: Lookup = {
  weight: existing(5),
  look: async ({ collection, model }) => {
    const answer = await collection.count({ filter: { lane: model.lane.number } });
    assert.equal(answer.count, model.visibleIds.length, `count of lane ${model.lane.number}`);
  },
};

const scan: Lookup = {
  weight: existing(3),
  look: async ({ collection, model, chance }) => {
    const includeDeleted = chance.happens(0.5);
    const filter = { lane: model.lane.number };
    const read = await scanAll(collection, { filter, includeDeleted }, 60 + chance.below(400));
    mustHold(faultOfAll(read, includeDeleted ? model.records : visible(model.records)));
  },
};

/** A vector that no other record has finds its own: always where all are compared, and mostly where a graph is walked. */
const query: Lookup = {
  weight: (model) => (model.visibleIds.length > 0 ? 12 : 0),
  look: async ({ collection, model, chance, tally }) => {
    const exact = chance.happens(0.5);
    const id = chance.pick(model.visibleIds);
    const filter = chance.happens(0.4) ? { filter: { lane: model.lane.number } } : {};
    const vector = vectorOf(model.records.get(id)!.stamp);
    const asked: QueryInput = { vector, k: 1 + chance.below(20), include: INCLUDE, exact, ...filter };
    const { matches } = await collection.query(asked);
    // Of other lanes nothing is known here.
    for (const match of matches.filter(({ metadata }) => metadata?.['lane'] === model.lane.number))
      mustHold(faultOf(match, model.records.get(match.id)));
    if (exact) assert.equal(matches[0]?.id, id, 'a vector that no other record has finds its own');
    else tally(matches[0]?.id === id ? 'nearest found' : 'nearest missed');
  },
};

/** What another lane was answered before the read began, in whatever process, the read has seen. */
const fresh: Lookup = {
  weight: ({ lane }) => (lane.own ? 0 : 6),
  look: async ({ collection, rivalTold }) => {
    const least = rivalTold();
    const { sequence } = await collection.count();
    assert.ok(sequence >= least, `a strong read at ${sequence}, after another lane had been told ${least}`);
  },
};

const snapshots: Lookup = {
  weight: existing(1),
  look: async ({ collection, model }) => {
    const listed = await collection.listSnapshots();
    const own = listed.filter(({ name }) => name.startsWith(`lane-${model.lane.number}-`));
    const found = new Map(own.map(({ name, sequence }) => [name, sequence]));
    const kept = new Map([...model.snapshots].map(([name, { sequence }]) => [name, sequence]));
    assert.deepEqual(found, kept, `snapshots of lane ${model.lane.number}`);
  },
};

/** How a state of the lane looks by its sequence. */
async function lookBack({ collection, model, chance }: Sight, asOf: number, then: Records): Promise<void> {
  const filter = { lane: model.lane.number };
  const seen = visible(then);
  if (chance.happens(0.4)) {
    const answer = await collection.count({ filter, asOf });
    assert.equal(answer.count, seen.size, `count of lane ${model.lane.number} as of ${asOf}`);
  } else if (chance.happens(0.5) || seen.size === 0) {
    const includeDeleted = chance.happens(0.5);
    const read = await scanAll(collection, { filter, asOf, includeDeleted }, 250);
    mustHold(faultOfAll(read, includeDeleted ? then : seen));
  } else {
    const id = chance.pick([...seen.keys()]);
    const vector = vectorOf(seen.get(id)!.stamp);
    const { matches } = await collection.query({ vector, asOf, exact: true, k: 3 });
    assert.equal(matches[0]?.id, id, `nearest as of ${asOf}`);
  }
}

const asOfSnapshot: Lookup = {
  weight: ({ snapshots: kept }) => kept.size * 2,
  look: async (sight) => {
    const { sequence, records } = sight.chance.pick([...sight.model.snapshots.values()]);
    await lookBack(sight, sequence, records);
  },
};

/** Nothing promises that it is kept. Where it is, it is what it was. */
const asOfRecent: Lookup = {
  weight: ({ recent }) => recent.length,
  look: async (sight) => {
    const { sequence, records } = sight.chance.pick(sight.model.recent);
    try {
      await lookBack(sight, sequence, records);
    } catch (error) {
      if (!(isCairnError(error) && error.code === 'sequence_out_of_range')) throw error;
      sight.tally('as of: let go of');
    }
  },
};

/** Neither sees what becomes of the other. */
const branches: Lookup = {
  weight: ({ branches: begun }) => begun.size * 3,
  look: async ({ database, model }) => {
    const filter = { lane: model.lane.number };
    for (const [name, records] of model.branches) {
      const collection = database.collection(name);
      const read = await scanAll(collection, { filter, includeDeleted: true }, 250);
      mustHold(faultOfAll(read, records));
    }
  },
};

const nothing: Lookup = {
  weight: ({ exists }) => (exists ? 0 : 5),
  look: async ({ collection }) => {
    await assert.rejects(collection.count(), (error) => {
      return isCairnError(error) && error.code === 'collection_not_found';
    });
  },
};

export const lookups = new Map(
  Object.entries({
    fetch,
    count,
    scan,
    query,
    fresh,
    snapshots,
    asOfSnapshot,
    asOfRecent,
    branches,
    nothing,
  }),
);
