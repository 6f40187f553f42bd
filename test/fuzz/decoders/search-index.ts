/**
 * The sections that a graph is searched in, and their numbers. What is attached is walked and scanned: the answers are
 * rows of the index, each once, and no byte is written but to the searches' own scratch.
 */
import { PAYLOAD_OFFSET, metrics } from '../../../core/kernel/index.js';
import { SearchIndex } from '../../../core/index/index.js';
import type { CodePlan, Hits, IndexNumbers } from '../../../core/index/index.js';
import type { Chance } from '../../log/virtual-time.js';
import {
  bitmapOf,
  built,
  clustered,
  directionsOf,
  kernel,
  pqPlan,
  rowOf,
  shapeOf,
  stored,
} from '../../index/fixture.js';
import type { StoredIndex } from '../../index/fixture.js';
import { edited } from '../byte-edits.js';
import { differencesOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';

const DIMENSION = 24;
const ROWS = 300;
const OUTPUTS = 8;
const ARENA_BYTES = 262_144;
const DIRT = 0xa5;
const rows = clustered(ROWS, DIMENSION, 2);
const allowed = bitmapOf(ROWS, (row) => row % 7 === 0);
const allowedCount = Math.ceil(ROWS / 7);

const LEAF_STARTS = Uint32Array.of(0, 64, 200);
const rabitq = (bits: number): CodePlan => ({
  kind: 'rabitq',
  ...{ bits, unit: 2, leaves: LEAF_STARTS.length },
});
const leaves = { starts: LEAF_STARTS, centroids: rows.slice(0, LEAF_STARTS.length * DIMENSION) };
const codedIndexes = (
  [
    ['cosine', { kind: 'f32' }],
    ['manhattan', { kind: 'f32' }],
    ['euclidean', rabitq(1)],
    ['dot', rabitq(2)],
    ['cosine', rabitq(4)],
    ...metrics.map((metric) => [metric, pqPlan(rows, DIMENSION, metric, 8)] as const),
  ] as const
).map(([metric, code]): StoredIndex => {
  const shape = shapeOf(rows, DIMENSION, metric);
  const builder = built(rows, shape, { m: 4, efConstruction: 30, seed: 3 }, undefined, code, leaves);
  const index = stored(builder, shape, LEAF_STARTS);
  builder.release();
  return index;
});

const sq8Indexes = (['euclidean', 'cosine', 'dot', 'manhattan'] as const).flatMap((metric) => {
  const shape = shapeOf(rows, DIMENSION, metric);
  const projection = {
    outputs: OUTPUTS,
    directions: directionsOf(OUTPUTS, DIMENSION, 6),
    means: new Float32Array(DIMENSION),
    params: { lo: new Float32Array(OUTPUTS).fill(-2), step: new Float32Array(OUTPUTS).fill(4 / 255) },
  };
  const projections = metric === 'euclidean' || metric === 'cosine' ? [undefined, projection] : [undefined];
  return projections.map((of): StoredIndex => {
    const builder = built(rows, shape, { m: 4, efConstruction: 30, seed: 3 }, of);
    const index = stored(builder, shape);
    builder.release();
    return index;
  });
});

const soundIndexes = [...sq8Indexes, ...codedIndexes];

/** One arena for all: a search must not depend on what the last one left. */
const arena = kernel.pool.acquire(ARENA_BYTES);
const dirt = new Uint8Array(arena.u8.length).fill(DIRT);

function editedNumbers(chance: Chance, numbers: IndexNumbers): Readonly<Record<string, number>> {
  const out: Record<string, number> = { ...numbers };
  const name = chance.pick(Object.keys(out));
  if (chance.happens(0.2)) delete out[name];
  else out[name] = chance.pick([0, 1, 4, 8, 12, 24, 300, 299, -1, 0.5, Number.NaN, 2 ** 32, out[name]! + 1]);
  return out;
}

function mustBeRows({ rows: found }: Hits): void {
  mustHold(
    found.every((row) => row >= 0 && row < ROWS),
    'hits are rows of the index',
  );
  mustHold(new Set(found).size === found.length, 'each row once');
}

function search(index: SearchIndex): void {
  for (const q of [3, 77]) {
    const query = rowOf(rows, DIMENSION, q);
    if (index.hasGraph) {
      mustBeRows(index.walk({ query, ef: 400, limit: 400 }));
      mustBeRows(index.walk({ query, ef: 20, limit: 10, reach: 1.2 }));
      const { hits } = index.walkAllowed({ query, ef: 30, limit: 10, allowed, allowedCount, budget: 200 });
      if (hits !== undefined) mustBeRows(hits);
    }
    mustBeRows(index.scan({ query, limit: 50 }));
    mustBeRows(index.scan({ query, limit: 10, allowed }));
  }
}

function attachAndSearch(
  { shape, region, sections, leafStarts }: StoredIndex,
  numbers: Readonly<Record<string, number>>,
): void {
  const end = PAYLOAD_OFFSET + region.length;
  arena.u8.set(region, PAYLOAD_OFFSET);
  arena.u8.set(dirt.subarray(end), end);
  const index = SearchIndex.attach(arena, {
    ...{ shape, sections, numbers, leafStarts, regionBytes: region.length },
    key: 'c/x/seg/1.seg',
  });
  search(index);
  mustHold(
    Buffer.compare(arena.u8.subarray(PAYLOAD_OFFSET, end), region) === 0,
    'the index is not written to',
  );
  const past = arena.u8.subarray(end + SearchIndex.scratchBytes({ shape, numbers, leafStarts }));
  mustHold(Buffer.compare(past, dirt.subarray(0, past.length)) === 0, 'nothing is written past the scratch');
}

export const searchIndex: Decoder = {
  name: 'search-index',
  refusals: ['corrupt'],
  next: (chance) => {
    const sound = chance.pick(soundIndexes);
    const kinds = chance.pick([['graph0', 'graphN', 'graphLevels'], sound.sections.map(({ kind }) => kind)]);
    const spans = sound.sections.filter(({ kind }) => kinds.includes(kind));
    const region = edited(chance, sound.region, spans);
    const numbers = chance.happens(0.15) ? editedNumbers(chance, sound.numbers) : { ...sound.numbers };
    return {
      size: region.length,
      show: () => `${sound.shape.metric}, ${JSON.stringify(numbers)}, ${differencesOf(sound.region, region)}`,
      run: () => attachAndSearch({ ...sound, region }, numbers),
    };
  },
};
