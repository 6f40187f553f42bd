/** What the index tests share: clustered data, exact neighbours, and indexes built, stored and attached. */
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../../core/kernel/metric.js';
import {
  Kernel,
  PAYLOAD_OFFSET,
  arenaClassFor,
  compileEmbeddedKernel,
  type Arena,
  type Metric,
} from '../../core/kernel/index.js';
import {
  IndexBuilder,
  PqTrainer,
  RangeTrainer,
  SearchIndex,
  type CodePlan,
  type GraphOptions,
  type IndexNumbers,
  type IndexSection,
  type IndexShape,
  type PlacedLeaves,
  type Projection,
} from '../../core/index/index.js';
import { numberSource } from '../kernel/number-source.js';

export const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1024 ** 3 });

export const graphOptions: GraphOptions = { m: 12, efConstruction: 80, seed: 7 };

/** Rows around random centres; ranges differ by dimension, and one dimension does not vary at all. */
export function clustered(count: number, dimension: number, seed: number): Float32Array {
  const next = numberSource(seed);
  const centres = Array.from({ length: 40 }, () => Float32Array.from({ length: dimension }, next));
  const rows = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++) {
    const centre = centres[Math.floor(((next() + 1) / 2) * 40)]!;
    for (let d = 0; d < dimension; d++) {
      const noise = (next() + next() + next()) * 0.35;
      rows[row * dimension + d] = d === 1 ? 0.25 : (centre[d]! + noise) / (1 + (d % 5));
    }
  }
  return rows;
}

/** Rows near a subspace that the first seed chooses: of so many dimensions, some wider than others, and noise all around. */
export function nearSubspace(
  count: number,
  { dimension, rank, noise, seed }: { dimension: number; rank: number; noise: number; seed: number },
  rowSeed = seed + 1,
): Float32Array {
  const basis = Float32Array.from({ length: rank * dimension }, numberSource(seed));
  const next = numberSource(rowSeed);
  const rows = new Float32Array(count * dimension);
  const row = new Float64Array(dimension);
  for (let i = 0; i < count; i++) {
    // Off the origin, by another distance in each dimension.
    for (let d = 0; d < dimension; d++) row[d] = 2 + Math.sin(d) + next() * noise;
    for (let p = 0; p < rank; p++) {
      const along = ((next() + next() + next()) * 2) / Math.sqrt(p + 1);
      for (let d = 0, at = p * dimension; d < dimension; d++) row[d]! += along * basis[at++]!;
    }
    rows.set(row, i * dimension);
  }
  return rows;
}

/** Directions of length 1 by chance, at right angles where there is room for as many. */
export function directionsOf(outputs: number, dimension: number, seed: number): Float32Array {
  const next = numberSource(seed);
  const directions = Float32Array.from({ length: outputs * dimension }, next);
  for (let p = 0; p < outputs; p++) {
    const own = rowOf(directions, dimension, p);
    for (let q = 0; q < Math.min(p, dimension - 1); q++) {
      const other = rowOf(directions, dimension, q);
      const product = own.reduce((sum, value, d) => sum + value * other[d]!, 0);
      for (let d = 0; d < dimension; d++) own[d]! -= product * other[d]!;
    }
    const length = Math.hypot(...own);
    for (let d = 0; d < dimension; d++) own[d]! /= length;
  }
  return directions;
}

export function rowOf(rows: Float32Array, dimension: number, row: number): Float32Array {
  return rows.subarray(row * dimension, (row + 1) * dimension);
}

/** Exact distance, as the index approximates it: for cosine of both vectors' unit vectors. */
export function exactDistance(metric: Metric, query: Float32Array, row: Float32Array): number {
  if (metric === 'euclidean') return distanceScalar(KERNEL_L2, query, row);
  if (metric === 'manhattan') return distanceScalar(KERNEL_L1, query, row);
  const dot = distanceScalar(KERNEL_DOT, query, row);
  return metric === 'dot' ? dot : dot / (Math.hypot(...query) * Math.hypot(...row));
}

export function exactNearest(
  metric: Metric,
  rows: Float32Array,
  query: Float32Array,
  options: { k: number; isAllowed?: (row: number) => boolean },
): number[] {
  const dimension = query.length;
  return Array.from({ length: rows.length / dimension }, (_, row) => row)
    .filter((row) => options.isAllowed?.(row) ?? true)
    .map((row) => ({ row, distance: exactDistance(metric, query, rowOf(rows, dimension, row)) }))
    .toSorted((a, b) => a.distance - b.distance || a.row - b.row)
    .slice(0, options.k)
    .map(({ row }) => row);
}

export function shapeOf(rows: Float32Array, dimension: number, metric: Metric): IndexShape {
  return { dimension, metric, rows: rows.length / dimension };
}

/** Codes of product quantization, with books of these rows. */
export function pqPlan(rows: Float32Array, dimension: number, metric: Metric, compression: number): CodePlan {
  const coding = { kind: 'pq', compression } as const;
  const trainer = new PqTrainer(kernel.pool, { dimension, metric, coding, seed: 3 });
  for (const _ of trainer.train(rows));
  const books = trainer.books();
  trainer.release();
  return { kind: 'pq', compression, books };
}

/** A builder with all rows encoded. */
export function encoded(
  rows: Float32Array,
  shape: IndexShape,
  graph: GraphOptions | 'flat' = graphOptions,
  projection?: Projection,
  code?: CodePlan,
  leaves?: PlacedLeaves,
): IndexBuilder {
  const trainer = new RangeTrainer(shape.dimension, shape.metric);
  trainer.add(rows);
  const builder = new IndexBuilder(kernel.pool, {
    shape,
    params: trainer.finish(),
    graph: graph === 'flat' ? undefined : graph,
    projection,
    code,
    extraResidentBytes: 0,
  });
  if (leaves !== undefined) builder.placeLeaves(leaves);
  const chunk = 777 * shape.dimension;
  for (let at = 0; at < rows.length; at += chunk) {
    builder.encode(at / shape.dimension, rows.subarray(at, at + chunk));
  }
  return builder;
}

export function upTo(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** A builder whose graph holds all rows. */
export function built(
  rows: Float32Array,
  shape: IndexShape,
  graph: GraphOptions = graphOptions,
  projection?: Projection,
  code?: CodePlan,
  leaves?: PlacedLeaves,
): IndexBuilder {
  const builder = encoded(rows, shape, graph, projection, code, leaves);
  builder.insert(upTo(shape.rows));
  return builder;
}

/** An index as it would lie in a file. */
export interface StoredIndex {
  readonly shape: IndexShape;
  readonly region: Uint8Array;
  readonly sections: IndexSection[];
  readonly numbers: IndexNumbers;
  readonly leafStarts: Uint32Array;
}

export function stored(
  builder: IndexBuilder,
  shape: IndexShape,
  leafStarts: Uint32Array = Uint32Array.of(0),
): StoredIndex {
  const sections: IndexSection[] = [];
  let end = 0;
  const parts = builder.sections();
  for (const { kind, bytes, count } of parts) {
    sections.push({ kind, offset: end, length: bytes.length, count });
    end = Math.ceil((end + bytes.length) / 64) * 64;
  }
  const region = new Uint8Array(end);
  for (const [i, { bytes }] of parts.entries()) region.set(bytes, sections[i]!.offset);
  return { shape, region, sections, numbers: builder.numbers(), leafStarts };
}

export interface Attached {
  readonly index: SearchIndex;
  readonly arena: Arena;
}

/** Copies the region into an arena full of dirt and attaches. Release the arena when done. */
export function attached({ shape, region, sections, numbers: own, leafStarts }: StoredIndex): Attached {
  const numbers = { ...own };
  const scratchBytes = SearchIndex.scratchBytes({ shape, numbers, leafStarts });
  const arena = kernel.pool.acquire(arenaClassFor(region.length + scratchBytes)!);
  arena.u8.fill(0xa5, PAYLOAD_OFFSET);
  arena.u8.set(region, PAYLOAD_OFFSET);
  try {
    const options = { shape, sections, numbers, leafStarts, regionBytes: region.length, key: 'seg/test' };
    return { index: SearchIndex.attach(arena, options), arena };
  } catch (error) {
    kernel.pool.release(arena);
    throw error;
  }
}

export function bitmapOf(count: number, isAllowed: (row: number) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (let row = 0; row < count; row++) if (isAllowed(row)) bitmap[row >> 3]! |= 1 << (row & 7);
  return bitmap;
}

/** Part of the true neighbours that the lists hold. */
export function recallOf(
  found: readonly (readonly number[])[],
  truth: readonly (readonly number[])[],
): number {
  let hits = 0;
  let wanted = 0;
  for (const [i, list] of truth.entries()) {
    const rows = new Set(found[i]);
    for (const row of list) if (rows.has(row)) hits++;
    wanted += list.length;
  }
  return hits / wanted;
}

/** Built as compactions build it, and stored. */
export function codedIndex(
  rows: Float32Array,
  dimension: number,
  metric: Metric,
  code: CodePlan,
): StoredIndex {
  const shape = shapeOf(rows, dimension, metric);
  const builder = built(rows, shape, undefined, undefined, code);
  const index = stored(builder, shape);
  builder.release();
  return index;
}
