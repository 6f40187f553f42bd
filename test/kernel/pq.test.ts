/**
 * Strategy: the kernels of product quantization against their twins, to the bit: sub-vectors of even and uneven width, codes that
 * leave blocks half empty, numbers of any size, queries near and far; lists of every length around the kernels' batches. Where a
 * table cannot say more than a distance does, the estimate is also near the distance of the decoded row.
 */
import { describe, expect, test } from 'vitest';
import { Layout } from '../../core/index/layout/shape.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2, PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import {
  pqCodesScalar,
  pqDistanceScalar,
  preparePqScalar,
  type PqBooks,
  type PqQuery,
} from '../../core/kernel/scalar/pq.js';
import { expectSame, newArena, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, f64, u8, u32 } = arena;
const ROWS = 70;
const kinds = [
  { name: 'L2', kind: KERNEL_L2, isCosine: false },
  { name: 'cosine', kind: KERNEL_L2, isCosine: true },
  { name: 'dot', kind: KERNEL_DOT, isCosine: false },
  { name: 'L1', kind: KERNEL_L1, isCosine: false },
];

/** Dimensions, sub-vectors, bytes of a code. */
const shapes = [
  [1, 1, 16],
  [3, 2, 16],
  [16, 16, 16],
  [31, 31, 16],
  [32, 32, 16],
  [33, 32, 16],
  [100, 64, 32],
  [128, 32, 16],
  [129, 100, 64],
  [256, 128, 64],
  [300, 288, 144],
  [784, 192, 96],
  [784, 784, 400],
  [1_536, 544, 272],
] as const;

interface Scene {
  readonly dimension: number;
  readonly stride: number;
  readonly books: PqBooks;
  readonly middles: Float32Array;
  readonly unit: number;
  readonly rows: Float32Array;
  readonly at: Places;
}

interface Places {
  readonly query: number;
  readonly weights: number;
  readonly books: number;
  readonly middles: number;
  readonly floats: number;
  readonly values: number;
  readonly scales: number;
  readonly rows: number;
  readonly codes: number;
  readonly list: number;
  readonly out: number;
}

function placesOf(dimension: number, subs: number, stride: number, state: KernelState): Places {
  const layout = new Layout(PAYLOAD_OFFSET);
  const wide = Math.ceil(dimension / 16) * 16;
  const f64s = (): number => layout.take(wide * 8);
  const [middles, fromMiddles, weighed] = [f64s(), f64s(), f64s()];
  const places = {
    query: layout.take(wide * 4),
    weights: layout.take(stride * 32 + 384),
    books: layout.take(dimension * 68),
    middles: layout.take(dimension * 4),
    floats: layout.take(subs * 64),
    values: layout.take(dimension * 4),
    scales: layout.take(ROWS * 4),
    rows: layout.take(dimension * 4),
    codes: layout.take(ROWS * stride),
    list: layout.take(256 * 4),
    out: layout.take(256 * 4),
  };
  expect(layout.end).toBeLessThanOrEqual(u8.length);
  u8.fill(0xa5, PAYLOAD_OFFSET, layout.end);
  f64.fill(0, middles / 8, middles / 8 + wide);
  f32.fill(0, places.query / 4, places.query / 4 + wide);
  state.set({ stride, codes: places.codes, weights: places.weights, middles, fromMiddles, weighed });
  return places;
}

/** Numbers of a size around an offset, every row from the seed. */
function sceneOf(
  [dimension, subs, stride]: readonly [number, number, number],
  { size = 1, offset = 0 }: { readonly size?: number; readonly offset?: number } = {},
): Scene {
  const next = numberSource(dimension + subs);
  const at = placesOf(dimension, subs, stride, new KernelState(arena));
  const keys = Array.from({ length: dimension }, () => next());
  const order = Uint32Array.from(keys.keys()).toSorted((a, b) => keys[a]! - keys[b]!);
  const books = { subs, order, centroids: randomVector(dimension * 16, next) };
  const middles = Float32Array.from({ length: dimension }, () => offset + size * next());
  f32.set(books.centroids, at.books / 4);
  u32.set(order, at.books / 4 + dimension * 16);
  f32.set(middles, at.middles / 4);
  const rows = Float32Array.from(
    { length: ROWS * dimension },
    (_, i) => middles[i % dimension]! + size * next() * 1.1,
  );
  return { dimension, stride, books, middles, unit: size, rows, at };
}

/** Encodes every row; returns the twin's codes. What a code does not use stays 0. */
function encode({ dimension, stride, books, middles, unit, rows, at }: Scene, scaled: boolean): Uint8Array[] {
  const inverse = Math.fround(1 / unit);
  return Array.from({ length: ROWS }, (_, row) => {
    const values = rows.subarray(row * dimension, (row + 1) * dimension);
    const scale = scaled ? 1 + row / ROWS : 1;
    f32.set(values, at.rows / 4);
    f32[at.scales / 4] = scale;
    const code = at.codes + row * stride;
    exports.pqEncode(
      ...([at.rows, 1, dimension, scaled ? at.scales : 0, at.middles, inverse] as const),
      ...([at.books, books.subs, at.values, code, stride] as const),
    );
    const codes = pqCodesScalar(values, scale, books, { middles, inverse });
    const wanted = new Uint8Array(stride);
    codes.forEach((own, s) => (wanted[s >> 1]! |= own << ((s & 1) * 4)));
    expectSame(u8.subarray(code, code + stride), wanted);
    return codes;
  });
}

interface Metric {
  readonly kind: number;
  readonly isCosine: boolean;
}

/** Prepares a query by kernel and twin, which must agree to the bit. */
function prepare(scene: Scene, query: Float32Array, { kind, isCosine }: Metric): PqQuery {
  const { dimension, stride, books, at, unit } = scene;
  const state = new KernelState(arena);
  const isDot = kind === KERNEL_DOT;
  const factor = isDot ? 1 : 1 / unit;
  const rowUnit = isDot ? unit : 1;
  const middles = Float64Array.from(scene.middles, (middle) => middle * factor);
  state.set({ kind });
  f64.set(middles, state.get('middles') / 8);
  f32.set(query, at.query / 4);
  exports.preparePq(
    ...([at.query, dimension, Number(isCosine), factor, rowUnit, at.books, books.subs, at.floats] as const),
  );
  const wanted = preparePqScalar(query, books, { kind, isCosine, factor, unit: rowUnit, middles });
  const padded = new Uint8Array(stride * 32);
  padded.set(wanted.tables);
  expectSame(u8.subarray(at.weights, at.weights + stride * 32), padded);
  expect(state.getNumber('base')).toBe(wanted.base);
  expect(state.getNumber('scale')).toBe(wanted.scale);
  return wanted;
}

/** What the kernel measures of a list. What lies behind was not written. */
function measure({ at }: Scene, list: readonly number[]): Float32Array {
  u32.set(list, at.list / 4);
  f32.fill(-1.5, at.out / 4, at.out / 4 + 256);
  exports.measurePq(at.list, list.length, at.out);
  expect(f32.subarray(at.out / 4 + list.length, at.out / 4 + 256).every((value) => value === -1.5)).toBe(
    true,
  );
  return f32.slice(at.out / 4, at.out / 4 + list.length);
}

const queryOf = ({ middles, unit }: Scene, seed: number, times = 1): Float32Array => {
  const next = numberSource(seed);
  return middles.map((middle) => middle + unit * times * next());
};

describe.each(kinds)('$name', (metric) => {
  test.each(shapes)('equals its twin: %i dimensions, %i sub-vectors, %i bytes', (...shape) => {
    const scene = sceneOf(shape);
    const codes = encode(scene, metric.isCosine);
    const wanted = prepare(scene, queryOf(scene, 3), metric);
    const distances = Float32Array.from(codes, (own) => pqDistanceScalar(own, wanted));
    expectSame(measure(scene, [...codes.keys()]), distances);
  });

  test.each(Array.from({ length: 36 }, (_, i) => i))('a list of %i', (count) => {
    const scene = sceneOf([40, 20, 16]);
    const codes = encode(scene, false);
    const wanted = prepare(scene, queryOf(scene, 4), metric);
    const list = Array.from({ length: count }, (_, i) => (i * 37 + 11) % ROWS);
    expectSame(
      measure(scene, list),
      Float32Array.from(list, (row) => pqDistanceScalar(codes[row]!, wanted)),
    );
  });

  test.each([1e-20, 1e-3, 1e18])('numbers of size %f, queries near and far', (size) => {
    for (const offset of [0, size * 1e4]) {
      const scene = sceneOf([50, 20, 16], { size, offset });
      const codes = encode(scene, false);
      for (const times of [0, 1, 1e3, 1e15]) {
        const wanted = prepare(scene, queryOf(scene, 5, times), metric);
        const found = measure(scene, [...codes.keys()]);
        expectSame(
          found,
          Float32Array.from(codes, (own) => pqDistanceScalar(own, wanted)),
        );
        // Products of numbers as large leave f32, whoever multiplies them; rows of length 1 are never so near each other.
        if (metric.kind !== KERNEL_DOT && !metric.isCosine) expect(found.every(Number.isFinite)).toBe(true);
        expect(wanted.scale).toBeGreaterThan(0);
        // A far query still tells centroids apart.
        expect(Math.max(...wanted.tables)).toBe(255);
      }
    }
  });

  test.each([1e-30, 1e-40])('tables that are no wider than %f', (width) => {
    const scene = sceneOf([50, 20, 16]);
    const { books, at } = scene;
    books.centroids.forEach((centroid, i) => (books.centroids[i] = centroid * width));
    f32.set(books.centroids, at.books / 4);
    const codes = encode(scene, false);
    const wanted = prepare(scene, scene.middles, metric);
    const distances = Float32Array.from(codes, (own) => pqDistanceScalar(own, wanted));
    expectSame(measure(scene, [...codes.keys()]), distances);
  });

  test('a query without length', () => {
    const scene = sceneOf([50, 20, 16]);
    const codes = encode(scene, false);
    const wanted = prepare(scene, new Float32Array(50), metric);
    const found = measure(scene, [...codes.keys()]);
    expectSame(
      found,
      Float32Array.from(codes, (own) => pqDistanceScalar(own, wanted)),
    );
    expect(found.every(Number.isFinite)).toBe(true);
  });

  test('is near the distance of the decoded row', () => {
    const scene = sceneOf([256, 64, 32]);
    const { dimension, books, middles, unit } = scene;
    const codes = encode(scene, false);
    const query = queryOf(scene, 6);
    const { scale } = prepare(scene, query, metric);
    const length = metric.isCosine ? 1 / Math.hypot(...query) : 1;
    const found = measure(scene, [...codes.keys()]);
    for (const [row, own] of codes.entries()) {
      let wanted = 0;
      books.order.forEach((d, place) => {
        const s = Math.floor(place / (dimension / books.subs));
        const value = middles[d]! + unit * books.centroids[place * 16 + own[s]!]!;
        const mine = query[d]! * length;
        if (metric.kind === KERNEL_DOT) wanted -= mine * value;
        else wanted += metric.kind === KERNEL_L1 ? Math.abs(mine - value) : (mine - value) ** 2;
      });
      // Each table is rounded to half of a step.
      expect(Math.abs(found[row]! - wanted)).toBeLessThan(scale * books.subs * 0.5 + 1e-3);
    }
  });
});

test('sums of the largest tables stay whole', () => {
  const stride = 1_024;
  const scene = sceneOf([32, 32, stride]);
  new KernelState(arena).putNumber('base', 0);
  new KernelState(arena).putNumber('scale', 1);
  u8.fill(255, scene.at.weights, scene.at.weights + 32 * stride);
  for (const count of [1, 16]) {
    const found = measure(
      scene,
      Array.from({ length: count }, (_, row) => row),
    );
    expect([...found]).toEqual(Array.from({ length: count }, () => 255 * 2 * stride));
  }
});

test('what is no number or far outside becomes a code', () => {
  const scene = sceneOf([8, 4, 16]);
  scene.rows.set([Infinity, -Infinity, 1e38, -1e38, 1e-45, 0, 5, -5]);
  const { books, middles, unit } = scene;
  const [codes] = encode(scene, true);
  expect(codes).toEqual(pqCodesScalar(scene.rows.subarray(0, 8), 1, books, { middles, inverse: 1 / unit }));
});
