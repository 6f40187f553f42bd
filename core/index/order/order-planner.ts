/**
 * Plans the order of a segment's rows: groups of rows that are near each other, near groups side by side, so that a walk meets
 * neighbours in the same pages and a cold reader fetches few of them. k-means over a sample; then each row goes to the group whose
 * centroid is nearest, as the rows stream by. What is in a group is ordered when its rows are at hand (leaf-splitter.ts).
 *
 * Every row is compared with all groups: by way of groups of groups the nearest is missed so often that probes read twice as much. All of it
 * follows from the seed.
 */
import { assertInternal } from '../../base/errors.js';
import { randomSource } from '../../base/random-source.js';
import type { ArenaPool, Metric } from '../../kernel/index.js';
import { Assigner, inSpace, kMeans, rowsOf, type ClusterSpace } from './centroids.js';
import { nearestChain, vectorsOf } from './chain.js';
import { LeafSplitter, leafRowsOf, leavesIn } from './leaf-splitter.js';

/** So few are one leaf, in the order in which they came. */
const UNGROUPED_ROWS = 1_024;
/** A group has about so many rows, or as many as are so many bytes. */
const GROUP_ROWS = 2_048;
const GROUP_BYTES = 3_145_728; // 3 MiB
const GROUPS_MOST = 256;
/** One of fewer joins its neighbour. */
const GROUP_ROWS_LEAST = 256;
/** Groups differ in size: one that is larger than the mean by more is cut, because all of its rows pass through memory at once. */
const GROUP_ROOM = 4;
const SAMPLE_PER_GROUP = 64;
const ROWS_PER_SAMPLED = 8;
/** The sample passes through memory whole. */
const SAMPLE_BYTES = 67_108_864;
const ROUNDS = 6;

export interface OrderOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly rows: number;
  readonly seed: number;
}

/** Rows that lie one behind the other. */
export interface RowGroup {
  readonly rows: number;
  /** How many leaves they become. */
  readonly leaves: number;
}

export interface GroupedRows {
  /** Source row of each new row, before those of a group are ordered. */
  readonly rowOrder: Uint32Array;
  readonly groups: readonly RowGroup[];
}

export class OrderPlanner {
  readonly #options: OrderOptions;
  readonly #space: ClusterSpace;
  readonly #groupCount: number;
  readonly #next: () => number;
  #assigner: Assigner | undefined;
  /** Place of each group in the order. */
  #places: Uint32Array = new Uint32Array(1);

  constructor(pool: ArenaPool, options: OrderOptions) {
    const { dimension, metric, rows, seed } = options;
    this.#options = options;
    this.#space = { pool, dimension, normalised: metric === 'cosine' };
    const groupRows = Math.max(GROUP_ROWS_LEAST, Math.min(GROUP_ROWS, GROUP_BYTES / (dimension * 4)));
    this.#groupCount = rows <= UNGROUPED_ROWS ? 1 : Math.min(GROUPS_MOST, Math.ceil(rows / groupRows));
    this.#next = randomSource(seed);
  }

  /** Rows of the source whose vectors `train` wants, ascending. None where there is one leaf. */
  sampleRows(): Uint32Array {
    const { rows, dimension, seed } = this.#options;
    if (rows <= UNGROUPED_ROWS) return new Uint32Array(0);
    const affordable = Math.floor(SAMPLE_BYTES / (dimension * 4));
    const wanted = Math.min(Math.ceil(rows / ROWS_PER_SAMPLED), affordable);
    const count = Math.min(rows, Math.max(wanted, this.#groupCount));
    const next = randomSource(seed);
    return Uint32Array.from({ length: count }, (_, i) =>
      Math.floor(((i + next() / 4_294_967_296) * rows) / count),
    );
  }

  /** Takes the memory for it. Throws `memory_budget_exceeded`. */
  begin(): void {
    if (this.#groupCount > 1) this.#assigner = new Assigner(this.#space, this.#groupCount);
  }

  /** Learns the groups from the sampled rows' vectors. Yields between turns of a few milliseconds. Requires: it has begun. */
  *train(sample: Float32Array): Generator<void> {
    const count = this.#groupCount;
    if (count === 1) return;
    const rows = this.#thinned(inSpace(sample, this.#space));
    const centroids = yield* kMeans(this.#assigner!, rows, { count, rounds: ROUNDS, next: this.#next });
    this.#assigner!.use(centroids);
    const vectors = vectorsOf(centroids, this.#options.dimension);
    const chained = nearestChain(vectors, vectors[0]!);
    this.#places = new Uint32Array(count);
    for (const [place, group] of chained.entries()) this.#places[group] = place;
  }

  /** Group of each row, as `finish` wants them: for all rows, piece by piece. Yields as `train` does. */
  *assign(rows: Float32Array): Generator<void, Uint32Array> {
    const { dimension } = this.#options;
    assertInternal(rows.length % dimension === 0, `${rows.length} numbers are no rows of ${dimension}`);
    if (this.#assigner === undefined) return new Uint32Array(rows.length / dimension);
    return yield* this.#assigner.assign(inSpace(rows, this.#space));
  }

  finish(groupOfRow: Uint32Array): GroupedRows {
    const { rows } = this.#options;
    assertInternal(groupOfRow.length === rows, `groups of ${groupOfRow.length} rows, not ${rows}`);
    const { rowOrder, sizes } = sorted(groupOfRow, this.#places);
    const most = Math.ceil((GROUP_ROOM * rows) / this.#groupCount);
    const groups = fitSizes(sizes, most).map((size) => ({
      rows: size,
      leaves: rows <= UNGROUPED_ROWS ? 1 : leavesIn(size, leafRowsOf(rows)),
    }));
    return { rowOrder, groups };
  }

  /** Of the groups that `finish` answered, one after another. Throws `memory_budget_exceeded`. Whoever takes it releases it. */
  splitter(groups: readonly RowGroup[]): LeafSplitter {
    const leavesMost = groups.reduce((most, { leaves }) => Math.max(most, leaves), 1);
    const { rows, seed } = this.#options;
    return new LeafSplitter(this.#space, { leavesMost, leafRows: leafRowsOf(rows), seed: ~seed });
  }

  /** As many as groups are learnt from, from everywhere in the sample. */
  #thinned(sample: Float32Array): Float32Array {
    const { dimension } = this.#options;
    const count = sample.length / dimension;
    const wanted = Math.min(count, this.#groupCount * SAMPLE_PER_GROUP);
    return rowsOf(
      sample,
      dimension,
      Uint32Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted)),
    );
  }

  /** Gives the memory back. */
  release(): void {
    this.#assigner?.release();
    this.#assigner = undefined;
  }
}

/** Rows by the places of their groups, and the sizes of these. */
function sorted(
  groupOfRow: Uint32Array,
  places: Uint32Array,
): { readonly rowOrder: Uint32Array; readonly sizes: Uint32Array } {
  const sizes = new Uint32Array(places.length);
  for (const group of groupOfRow) sizes[places[group]!]!++;
  const next = new Uint32Array(places.length);
  for (let place = 1; place < next.length; place++) next[place] = next[place - 1]! + sizes[place - 1]!;
  const rowOrder = new Uint32Array(groupOfRow.length);
  for (let row = 0; row < groupOfRow.length; row++) rowOrder[next[places[groupOfRow[row]!]!]!++] = row;
  return { rowOrder, sizes };
}

/** Neighbours join until each has enough rows, and what has too many is cut into equal parts. */
export function fitSizes(sizes: Iterable<number>, most: number): number[] {
  const joined: number[] = [];
  let open = 0;
  for (const size of sizes) {
    open += size;
    if (open < GROUP_ROWS_LEAST) continue;
    joined.push(open);
    open = 0;
  }
  if (open > 0) joined.push((joined.pop() ?? 0) + open);
  return joined.flatMap((size) => {
    const parts = Math.ceil(size / most);
    return Array.from(
      { length: parts },
      (_, i) => Math.floor(((i + 1) * size) / parts) - Math.floor((i * size) / parts),
    );
  });
}
