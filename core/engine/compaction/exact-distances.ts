/**
 * Exact distances of many pairs of query and row, where the rows lie wherever they lie: every row is fetched once, in the
 * order in which they lie there, in chunks of one arena.
 */
import { cosineScale, RowBlock } from '../../kernel/index.js';
import type { Kernel, Metric } from '../../kernel/index.js';
import type { Breathe } from './breath.js';
import { withRoom } from '../segments/index.js';

const ARENA_CLASS = 4_194_304;

export interface ExactDistances {
  readonly kernel: Kernel;
  readonly dimension: number;
  readonly metric: Metric;
  /** At least as many as there are lists of rows. */
  readonly queries: readonly Float32Array[];
  /** Rows, per query. */
  readonly wanted: readonly Uint32Array[];
  /** Makes room in the pool, as in the builder. */
  readonly evict: () => boolean;
  readonly read: (rows: Uint32Array, target: Float32Array) => Promise<void>;
  /** Where a row is read from: rows whose places are near are read together. */
  readonly sourceOf: (row: number) => number;
  readonly breathe: Breathe;
}

/** Per query, in the order of its rows. */
export async function exactDistances(request: ExactDistances): Promise<readonly Float32Array[]> {
  const { kernel, dimension, metric, queries, wanted, read, sourceOf, breathe } = request;
  const rows = distinct(wanted).sort((a, b) => sourceOf(a) - sourceOf(b));
  const placeOf = new Map<number, number>();
  rows.forEach((row, place) => placeOf.set(row, place));
  const out = wanted.map(({ length }) => new Float32Array(length));
  const asked = wanted.map((own) => byPlace(own, placeOf));
  const next = new Uint32Array(wanted.length);
  const arenaClass = Math.max(ARENA_CLASS, RowBlock.nextClass(dimension, undefined, 1)) as typeof ARENA_CLASS;
  const block = withRoom(request.evict, () => new RowBlock(kernel.pool, dimension, arenaClass));
  try {
    const buffer = new Float32Array(Math.min(block.capacity, rows.length) * dimension);
    for (let first = 0; first < rows.length; first += block.capacity) {
      const part = rows.subarray(first, first + block.capacity);
      const vectors = buffer.subarray(0, part.length * dimension);
      await read(part, vectors);
      const scales =
        metric === 'cosine'
          ? Float32Array.from(kernel.normSquared(vectors, dimension), cosineScale)
          : undefined;
      block.clear();
      block.appendRows(vectors, scales);
      for (const [i, { places, positions }] of asked.entries()) {
        if (i % 32 === 0) await breathe();
        const from = next[i]!;
        let to = from;
        while (to < places.length && places[to]! < first + part.length) to++;
        if (to === from) continue;
        next[i] = to;
        const local = places.slice(from, to).map((place) => place - first);
        const distances = block.scores({ query: queries[i]!, metric, rows: local });
        distances.forEach((distance, j) => (out[i]![positions[from + j]!] = distance));
      }
    }
  } finally {
    block.release();
  }
  return out;
}

function distinct(lists: readonly Uint32Array[]): Uint32Array {
  const seen = new Set<number>();
  for (const list of lists) for (const row of list) seen.add(row);
  return Uint32Array.from(seen);
}

/** Places ascending, and the position in the list that each comes from. */
function byPlace(
  rows: Uint32Array,
  placeOf: ReadonlyMap<number, number>,
): { readonly places: Uint32Array; readonly positions: Uint32Array } {
  const of = Uint32Array.from(rows, (row) => placeOf.get(row)!);
  const positions = Uint32Array.from(of, (_, i) => i).sort((a, b) => of[a]! - of[b]!);
  return { places: positions.map((position) => of[position]!), positions };
}
