/**
 * Strategy: the same rows in an index with a projection and in one without. Walks may differ in which rows they meet, never
 * in what a row's distance is; scans may not differ at all. Both kinds of codes lie in one memory and the kernels read those
 * that were selected last, so all orders of scans, walks and insertions must come to the same.
 */
import { describe, expect, test } from 'vitest';
import {
  trainProjection,
  type Hits,
  type IndexBuilder,
  type IndexShape,
  type Projection,
} from '../../core/index/index.js';
import {
  attached,
  bitmapOf,
  built,
  directionsOf,
  encoded,
  exactNearest,
  graphOptions,
  kernel,
  nearSubspace,
  recallOf,
  rowOf,
  shapeOf,
  stored,
  upTo,
} from './fixture.js';

const DIMENSION = 300;
const STRIDE = 304;
const ROWS = 4_096;
const GONE = 0xffffffff;
const metrics = ['euclidean', 'cosine'] as const;
const space = { dimension: DIMENSION, rank: 24, noise: 0.4, seed: 2 };
const rows = nearSubspace(ROWS, space);
const queryList = Array.from({ length: 40 }, (_, q) => rowOf(nearSubspace(40, space, 99), DIMENSION, q));

interface Pair {
  readonly shape: IndexShape;
  readonly projection: Projection;
  readonly builder: IndexBuilder;
  readonly plain: IndexBuilder;
}

function pairOf(metric: (typeof metrics)[number]): Pair {
  const shape = shapeOf(rows, DIMENSION, metric);
  const projection = trainProjection(kernel.pool, rows, { dimension: DIMENSION, metric, seed: 5 })!;
  return {
    ...{ shape, projection },
    builder: built(rows, shape, graphOptions, projection),
    plain: built(rows, shape),
  };
}

const pairs = { euclidean: pairOf('euclidean'), cosine: pairOf('cosine') };
const { euclidean } = pairs;

const units = { euclidean: rows, cosine: unitRows(rows) };

function unitRows(of: Float32Array): Float32Array {
  const unit = new Float32Array(of.length);
  for (let at = 0; at < of.length; at += DIMENSION) {
    const row = of.subarray(at, at + DIMENSION);
    const length = Math.hypot(...row);
    unit.set(
      row.map((value) => value / length),
      at,
    );
  }
  return unit;
}

function halves(params: Float32Array): [Float32Array, Float32Array] {
  return [params.subarray(0, params.length / 2), params.subarray(params.length / 2)];
}

/** Of vectors of length 1 where that is the metric: the order is the same, and no length is computed for every query. */
function truthOf(
  metric: (typeof metrics)[number],
  of: Float32Array = units[metric],
  isAllowed?: (row: number) => boolean,
): number[][] {
  return queryList.map((query) => {
    const own = metric === 'cosine' ? unitRows(query) : query;
    return exactNearest('euclidean', of, own, { k: 10, ...(isAllowed && { isAllowed }) });
  });
}

const truths = { euclidean: truthOf('euclidean'), cosine: truthOf('cosine') };

function rowsOf(hits: readonly Hits[]): number[][] {
  return hits.map((hit) => [...hit.rows]);
}

/** Rows stand in the order of a scan of all, at the distances by the codes of all dimensions. */
function expectMeasured(hits: Hits, scan: Hits): void {
  const found = new Set(hits.rows);
  expect(found.size).toBe(hits.rows.length);
  const at = [...scan.rows.keys()].filter((i) => found.has(scan.rows[i]!));
  expect([...hits.rows]).toEqual(at.map((i) => scan.rows[i]!));
  expect([...hits.distances]).toEqual(at.map((i) => scan.distances[i]!));
}

describe('a graph on a projection', () => {
  test.each(metrics)('of %s finds what exact search finds', (metric) => {
    const { builder, shape } = pairs[metric];
    const { index, arena } = attached(stored(builder, shape));
    const walks = queryList.map((query) => index.walk({ query, ef: 200, limit: 10 }));
    expect(recallOf(rowsOf(walks), truths[metric])).toBeGreaterThanOrEqual(0.95);
    for (const { visited } of walks) expect(visited).toBeLessThan(ROWS);
    for (const query of queryList) {
      const request = { query, ef: 60, limit: 20 };
      expect(index.walk(request)).toEqual(builder.walk(request));
    }
    kernel.pool.release(arena);
  });

  test.each(metrics)('of %s is walked by few numbers that say much', (metric) => {
    // As narrow as this, what the projection takes for near must be near.
    const { builder, plain } = pairs[metric];
    const at = (index: IndexBuilder): number =>
      recallOf(rowsOf(queryList.map((query) => index.walk({ query, ef: 30, limit: 10 }))), truths[metric]);
    expect(at(builder)).toBeGreaterThan(at(plain) - 0.06);
  });

  test.each(metrics)('of %s answers the distances of an index without one', (metric) => {
    const { builder, plain } = pairs[metric];
    for (const query of queryList.slice(0, 10)) {
      const scan = plain.scan({ query, limit: ROWS });
      for (const [ef, limit] of [
        [10, 10],
        [100, 7],
        [255, 255],
        [257, 256],
        [700, 300],
        [ROWS, ROWS],
      ] as const) {
        const hits = builder.walk({ query, ef, limit });
        expect(hits.rows).toHaveLength(limit);
        expectMeasured(hits, scan);
      }
    }
  });

  test('measures all candidates anew, and answers the best', () => {
    const { builder } = euclidean;
    for (const query of queryList.slice(0, 10)) {
      const all = builder.walk({ query, ef: 600, limit: 600 });
      for (const limit of [1, 10, 256, 599]) {
        const best = builder.walk({ query, ef: 600, limit });
        expect(best.rows).toEqual(all.rows.subarray(0, limit));
        expect(best.distances).toEqual(all.distances.subarray(0, limit));
        expect(best.visited).toBe(all.visited);
      }
    }
  });

  test.each(metrics)('of %s answers allowed rows alone', (metric) => {
    const { builder, plain } = pairs[metric];
    const isAllowed = (row: number): boolean => row % 5 === 3;
    const allowed = bitmapOf(ROWS, isAllowed);
    const walks = queryList.map((query) => builder.walk({ query, ef: 400, limit: 10, allowed }));
    for (const { rows: found } of walks) expect([...found].every(isAllowed)).toBe(true);
    const truth = truthOf(metric, units[metric], isAllowed);
    expect(recallOf(rowsOf(walks), truth)).toBeGreaterThanOrEqual(0.95);
    const query = queryList[0]!;
    expectMeasured(walks[0]!, plain.scan({ query, limit: ROWS }));
    const none = builder.walk({ query, ef: 50, limit: 10, allowed: new Uint8Array(ROWS / 8) });
    expect(none.rows).toHaveLength(0);
    const one = builder.walk({ query, ef: ROWS, limit: 10, allowed: bitmapOf(ROWS, (row) => row === 77) });
    expect([...one.rows]).toEqual([77]);
    expect(builder.scan({ query, limit: 10, allowed })).toEqual(plain.scan({ query, limit: 10, allowed }));
  });

  test.each(metrics)('of %s is scanned as one without', (metric) => {
    const { builder, plain, shape } = pairs[metric];
    const { index, arena } = attached(stored(builder, shape));
    for (const query of queryList.slice(0, 10)) {
      for (const limit of [1, 100, ROWS]) {
        const scan = plain.scan({ query, limit });
        expect(builder.scan({ query, limit })).toEqual(scan);
        expect(index.scan({ query, limit })).toEqual(scan);
      }
    }
    kernel.pool.release(arena);
  });

  test('says how many dimensions it is walked on, and keeps the first sections as they are', () => {
    const { builder, plain, shape, projection } = euclidean;
    const [own, other] = [stored(builder, shape), stored(plain, shape)];
    expect(own.numbers.outputs).toBe(projection.outputs);
    expect(other.numbers.outputs).toBe(0);
    expect(own.sections.map(({ kind }) => kind)).toEqual([
      ...other.sections.map(({ kind }) => kind),
      ...['projection', 'projectedParams', 'projectedCodes', 'projectedTerms'],
    ]);
    for (const kind of ['params', 'codes', 'terms']) {
      const bytes = [builder, plain].map((one) =>
        Buffer.from(one.sections().find((section) => section.kind === kind)!.bytes),
      );
      expect(Buffer.compare(bytes[0]!, bytes[1]!)).toBe(0);
    }
  });
});

describe('projected codes', () => {
  test.each(metrics)('of %s decode to what the rows are on the directions', (metric) => {
    const { builder, projection } = pairs[metric];
    const sections = builder.sections();
    const bytesOf = (kind: string): Uint8Array<ArrayBuffer> =>
      new Uint8Array(sections.find((section) => section.kind === kind)!.bytes);
    const { outputs, directions } = projection;
    const weights = new Int8Array(bytesOf('projection').buffer, 0, outputs * STRIDE);
    const factors = new Float32Array(bytesOf('projection').buffer, outputs * STRIDE);
    const [codes, projected] = [bytesOf('codes'), bytesOf('projectedCodes')];
    const [lo, steps] = halves(new Float32Array(bytesOf('params').buffer));
    const [projectedLo, widths] = halves(new Float32Array(bytesOf('projectedParams').buffer));
    const count = 600;
    const of = units[metric];
    let [squares, variance, cut] = [0, 0, 0];
    for (let p = 0; p < outputs; p++) {
      for (let row = 0; row < count; row++) {
        const code = projected[row * outputs + p]!;
        const decoded = projectedLo[p]! + widths[p]! * code;
        let sum = 0;
        let exact = 0;
        // All are rounded, evenly: by a twelfth of the squared step. Of weights, times the code.
        variance += widths[p]! ** 2 / 12;
        for (let d = 0; d < DIMENSION; d++) {
          const value = codes[row * STRIDE + d]! - 128;
          const direction = directions[p * DIMENSION + d]!;
          sum += weights[p * STRIDE + d]! * value;
          exact += direction * (of[row * DIMENSION + d]! - lo[d]! - 128 * steps[d]!);
          variance += ((direction * steps[d]!) ** 2 + (factors[p]! * value) ** 2) / 12;
        }
        squares += (decoded - exact) ** 2;
        // By its weights it is exact, but where it lies beyond what the sample showed.
        if (code === 0 || code === 255) cut++;
        else expect(Math.abs(decoded - factors[p]! * sum)).toBeLessThan(widths[p]! * 0.501);
      }
    }
    expect(cut).toBeLessThan(count * outputs * 0.01);
    expect(squares).toBeLessThan(variance * 1.5);
  });

  test('are the same in whatever pieces the rows come, and the graph with them', () => {
    const { shape, projection } = euclidean;
    const few = rows.subarray(0, 700 * DIMENSION);
    const fewShape = { ...shape, rows: 700 };
    const whole = encoded(few, fewShape, graphOptions, projection);
    const pieces = encoded(few, fewShape, graphOptions, projection);
    for (let row = 0; row < 700; row += 3) {
      // Once more: walks and scans between two pieces select other tables.
      const chunk = few.subarray(row * DIMENSION, (row + 3) * DIMENSION);
      if (row % 2 === 0) pieces.scan({ query: queryList[0]!, limit: 3 });
      pieces.encode(row, chunk);
      if (row === 300) pieces.insert(upTo(200));
      if (row > 300) pieces.walk({ query: queryList[0]!, ef: 3, limit: 3 });
    }
    pieces.insert(upTo(700).subarray(200));
    whole.insert(upTo(700));
    expect(Buffer.compare(stored(pieces, fewShape).region, stored(whole, fewShape).region)).toBe(0);
    for (const builder of [whole, pieces]) builder.release();
  });
});

describe('tables are selected', () => {
  test('for walks after scans after walks', () => {
    const { builder, shape } = euclidean;
    const { index, arena } = attached(stored(builder, shape));
    const other = attached(stored(builder, shape));
    const request = (q: number) => ({ query: queryList[q]!, ef: 80, limit: 40 });
    // Of an index each that does nothing else.
    const walks = queryList.map((_, q) => index.walk(request(q)));
    const scans = queryList.map((_, q) => other.index.scan(request(q)));
    for (const one of [index, other.index, builder]) {
      for (const q of queryList.keys()) {
        expect(one.walk(request(q))).toEqual(walks[q]);
        expect(one.scan(request((q + 1) % 40))).toEqual(scans[(q + 1) % 40]);
        expect(one.scan(request(q))).toEqual(scans[q]);
        expect(one.walk(request((q + 2) % 40))).toEqual(walks[(q + 2) % 40]);
      }
    }
    kernel.pool.release(arena);
    kernel.pool.release(other.arena);
  });

  test.each(metrics)('for insertions after walks and scans: %s', (metric) => {
    const { shape, projection, builder } = pairs[metric];
    const wanted = stored(builder, shape);
    const asked = encoded(rows, shape, graphOptions, projection);
    for (let at = 0; at < ROWS; at += 512) {
      asked.insert(upTo(ROWS).subarray(at, at + 512));
      const query = queryList[(at / 512) % 40]!;
      if (at % 1_024 === 0) asked.scan({ query, limit: 5 });
      else asked.walk({ query, ef: 20, limit: 5 });
    }
    expect(asked.numbers()).toEqual(wanted.numbers);
    expect(Buffer.compare(stored(asked, shape).region, wanted.region)).toBe(0);
    asked.release();
  });

  test('for rows that are linked at once, and connected, after scans', () => {
    const { shape, projection } = euclidean;
    const order = upTo(ROWS).map((_, i) => (i * 1_669) % ROWS);
    const regions = [false, true].map((isAsked) => {
      const builder = encoded(rows, shape, graphOptions, projection);
      const scan = (): void => {
        if (isAsked) builder.scan({ query: queryList[0]!, limit: 5 });
      };
      scan();
      for (const _ of builder.link(order.subarray(0, 4_000)));
      scan();
      builder.insert(order.subarray(4_000));
      if (isAsked) builder.walk({ query: queryList[1]!, ef: 10, limit: 5 });
      for (const _ of builder.connect());
      const walks = queryList.map((query) => builder.walk({ query, ef: 200, limit: 10 }));
      expect(recallOf(rowsOf(walks), truths.euclidean)).toBeGreaterThanOrEqual(0.95);
      const { region } = stored(builder, shape);
      builder.release();
      return region;
    });
    expect(Buffer.compare(regions[0]!, regions[1]!)).toBe(0);
  });

  test('for islands that are connected after scans', () => {
    // A few rows so far out that no list of the others keeps one.
    const spread = nearSubspace(2_048, space).map((value) => value * 0.1);
    for (let i = 0; i < 10; i++)
      spread.set(
        queryList[0]!.map((value) => value * 2 * (i + 1)),
        i * 17 * DIMENSION,
      );
    const shape = shapeOf(spread, DIMENSION, 'euclidean');
    const options = { dimension: DIMENSION, metric: 'euclidean', seed: 5 } as const;
    const projection = trainProjection(kernel.pool, spread, options)!;
    const regions = [false, true].map((isAsked) => {
      const builder = built(spread, shape, graphOptions, projection);
      const before = stored(builder, shape).region;
      if (isAsked) builder.scan({ query: queryList[0]!, limit: 5 });
      for (const _ of builder.connect());
      const { region } = stored(builder, shape);
      expect(Buffer.compare(region, before)).not.toBe(0);
      expect(builder.walk({ query: queryList[0]!, ef: 2_048, limit: 2_048 }).rows).toHaveLength(2_048);
      builder.release();
      return region;
    });
    expect(Buffer.compare(regions[0]!, regions[1]!)).toBe(0);
  });
});

describe('copyGraph', () => {
  const isKept = (row: number): boolean => row % 3 !== 1;
  const kept = Array.from({ length: ROWS }, (_, row) => row).filter(isKept);
  /** Those that stay, in another order, and as many new ones behind them as went. */
  const copyRows = nearSubspace(ROWS, space, 31);
  const newRowOf = new Uint32Array(ROWS).fill(GONE);
  for (const [i, row] of kept.entries()) {
    const place = kept.length - 1 - i;
    newRowOf[row] = place;
    copyRows.set(rowOf(rows, DIMENSION, row), place * DIMENSION);
  }

  test.each(
    metrics.flatMap((metric) =>
      (['with to with', 'without to with', 'with to without'] as const).map((way) => [metric, way] as const),
    ),
  )('of %s goes from a graph %s a projection, though rows are gone', (metric, way) => {
    const { shape, builder, plain } = pairs[metric];
    // What is learnt at another time is another projection.
    const options = { dimension: DIMENSION, metric, seed: 6 };
    const own = way === 'with to without' ? undefined : trainProjection(kernel.pool, copyRows, options);
    const source = attached(stored(way === 'without to with' ? plain : builder, shape));
    const copy = encoded(copyRows, shape, graphOptions, own);
    // Whatever was asked before, the new graph is made on the walked codes.
    copy.scan({ query: queryList[0]!, limit: 3 });
    copy.copyGraph(source.index.graph()!, newRowOf);
    copy.insert(upTo(ROWS).subarray(kept.length));
    const { index, arena } = attached(stored(copy, shape));
    const truth = truthOf(metric, metric === 'cosine' ? unitRows(copyRows) : copyRows);
    const walks = queryList.map((query) => index.walk({ query, ef: 200, limit: 10 }));
    expect(recallOf(rowsOf(walks), truth)).toBeGreaterThanOrEqual(0.95);
    const fresh = built(copyRows, shape, graphOptions, own);
    const narrow = [copy, fresh].map((one) =>
      recallOf(rowsOf(queryList.map((query) => one.walk({ query, ef: 40, limit: 10 }))), truth),
    );
    expect(narrow[0]!).toBeGreaterThan(narrow[1]! - 0.03);
    for (const one of [copy, fresh]) one.release();
    kernel.pool.release(arena);
    kernel.pool.release(source.arena);
  });
});

describe('queries from far away', () => {
  test('come to the heap of exact search, where heaps lie well apart', () => {
    // Five heaps along one direction: far from all of them, f32 still tells one from the next.
    const spread = nearSubspace(ROWS, space);
    const along = directionsOf(1, DIMENSION, 4).map((value) => value * 100);
    for (let row = 0; row < ROWS; row++) {
      const place = (row % 5) + Math.sin(row) * 0.15;
      for (let d = 0; d < DIMENSION; d++) spread[row * DIMENSION + d]! += along[d]! * place;
    }
    const shape = shapeOf(spread, DIMENSION, 'euclidean');
    const options = { dimension: DIMENSION, metric: 'euclidean', seed: 5 } as const;
    const projection = trainProjection(kernel.pool, spread, options)!;
    const builder = built(spread, shape, graphOptions, projection);
    const { index, arena } = attached(stored(builder, shape));
    for (const size of [1, 10, 1e3, 1e6]) {
      for (const [end, heap] of [
        [4, 4],
        [-4, 0],
      ] as const) {
        const query = along.map((value) => value * end * size);
        for (const one of [index, builder]) {
          const { rows: found } = one.walk({ query, ef: 400, limit: 100 });
          expect(found).toHaveLength(100);
          expect([...found].every((row) => row % 5 === heap)).toBe(true);
        }
        const truth = exactNearest('euclidean', spread, query, { k: 100 });
        expect(truth.every((row) => row % 5 === heap)).toBe(true);
      }
    }
    builder.release();
    kernel.pool.release(arena);
  });

  test.each(metrics)('of any size and direction are survived: %s', (metric) => {
    const { builder, plain } = pairs[metric];
    const queries = [
      ...[1e6, -1e6, 1e18, -1e30, 1e38].map((size) =>
        queryList[1]!.map((value) => Math.fround(value * size) / 8),
      ),
      new Float32Array(DIMENSION),
      new Float32Array(DIMENSION).fill(3.4e38),
      new Float32Array(DIMENSION).map((_, d) => (d === 7 ? -1e20 : 0)),
      new Float32Array(DIMENSION).fill(1e-45),
    ];
    for (const query of queries) {
      const hits = builder.walk({ query, ef: 100, limit: 100 });
      expect(hits.rows).toHaveLength(100);
      for (const row of hits.rows) expect(row).toBeLessThan(ROWS);
      expectMeasured(hits, plain.scan({ query, limit: ROWS }));
    }
    // And the next one is as if nothing had been.
    const request = { query: queryList[2]!, ef: 100, limit: 10 };
    const { index, arena } = attached(stored(builder, pairs[metric].shape));
    expect(builder.walk(request)).toEqual(index.walk(request));
    kernel.pool.release(arena);
  });
});

test('every arena goes back', () => {
  for (const metric of metrics) for (const one of [pairs[metric].builder, pairs[metric].plain]) one.release();
  // What stays is the kernel's own scratch.
  expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
});
