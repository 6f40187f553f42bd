/**
 * Strategy: rotation, codes, prepared queries and distances against their twins, to the bit: at dimensions around every power of two and
 * with halves mixed, of one, two and four bits, for rows that are alike, that are their centroid, and that have no length. What is estimated
 * is held against what it estimates: without bias, and by no more than chance allows.
 */
import { describe, expect, test } from 'vitest';
import { rotationSigns } from '../../core/index/codes/rabitq/rotation.js';
import { paddedDimension } from '../../core/index/layout/coding.js';
import { RABITQ_STATE_BYTES, rabitqOffsets } from '../../core/index/layout/rabitq-state.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { Layout } from '../../core/index/layout/shape.js';
import { KERNEL_DOT, KERNEL_L2, PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import {
  centroidShareScalar,
  rabitqDistanceScalar,
  rabitqEncodeScalar,
  rotateScalar,
  signedQueryScalar,
} from '../../core/kernel/scalar/rabitq.js';
import type { RabitqRecord } from '../../core/kernel/scalar/rabitq.js';
import { expectSame, newArena, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, u8, f32, u32 } = arena;
const kinds = [
  ['L2', KERNEL_L2],
  ['dot', KERNEL_DOT],
] as const;
const dimensions = [1, 3, 64, 65, 127, 128, 129, 192, 256, 300, 512, 768, 784, 1_024, 1_536, 3_072, 5_000];

function put(at: number, bytes: Uint8Array): void {
  u8.set(bytes, at);
}

function floatsAt(at: number, count: number): Float32Array {
  return f32.slice(at / 4, at / 4 + count);
}

describe('rotation', () => {
  test.each(dimensions)('of %i dimensions equals its twin', (dimension) => {
    const next = numberSource(dimension);
    const padded = paddedDimension(dimension);
    const layout = new Layout(PAYLOAD_OFFSET);
    const [from, to] = [layout.take(dimension * 8), layout.take(padded * 8)];
    const [scales, signsAt] = [layout.take(8), layout.take(padded)];
    const signs = rotationSigns(padded);
    put(signsAt, signs);
    const rows = [randomVector(dimension, next), randomVector(dimension, next)];
    rows.forEach((row, i) => f32.set(row, from / 4 + i * dimension));
    f32.set([0.3, 7], scales / 4);
    u8.fill(0xa5, to, to + padded * 8);
    exports.rotateRows(from, 2, dimension, scales, 0.5, signsAt, padded, to);
    rows.forEach((row, i) => {
      const scale = Math.fround(Math.fround(i === 0 ? 0.3 : 7) * 0.5);
      const wanted = rotateScalar(row, scale, signs, padded);
      expectSame(floatsAt(to + i * padded * 4, padded), wanted);
      const squared = (values: Float32Array): number => values.reduce((sum, v) => sum + v * v, 0);
      expect(squared(wanted) / (squared(row) * scale * scale)).toBeCloseTo(1, 4);
    });
    exports.rotateRows(from, 1, dimension, 0, 0.5, signsAt, padded, to);
    expectSame(floatsAt(to, padded), rotateScalar(rows[0]!, 0.5, signs, padded));
  });

  test('spreads what lies on one dimension over all', () => {
    const padded = 768;
    const row = new Float32Array(padded);
    row[5] = 1;
    const rotated = rotateScalar(row, 1, rotationSigns(padded), padded);
    expect(rotated.every((value) => Math.abs(value) < 5 / Math.sqrt(padded))).toBe(true);
  });
});

interface Scene {
  readonly records: readonly RabitqRecord[];
  readonly rows: readonly Float32Array[];
  readonly recordsAt: number;
  readonly stride: number;
  readonly query: Float32Array;
  readonly leafOf: (row: number) => number;
  readonly centroids: readonly Float32Array[];
  readonly layout: Layout;
}

/** Rows 0 to 39 are of leaf 0, the others of leaf 1. */
const LEAF_0 = 40;

/** Rotated rows near two centroids, encoded; the query prepared. All numbers of the struct lie in the arena. */
function scene(wanted: { padded: number; bits: number; kind: number; count: number; seed?: number }): Scene {
  const { padded, bits, kind, count, seed = 1 } = wanted;
  const next = numberSource(padded * 7 + bits + seed);
  const layout = new Layout(PAYLOAD_OFFSET);
  const stride = (bits * padded) / 8 + 8;
  const at = {
    struct: layout.take(RABITQ_STATE_BYTES),
    rotated: layout.take(padded * 4),
    signed: layout.take(padded),
    planes: layout.take(padded / 2),
    leafOf: layout.take(64),
    leafStarts: layout.take(64),
    centroids: layout.take(padded * 8),
    shares: layout.take(16),
    marks: layout.take(8),
    row: layout.take(padded * 4),
    records: layout.take(count * stride),
  };
  u8.fill(0xa5, at.struct, layout.end);
  const centroids = [randomVector(padded, next), randomVector(padded, next)];
  centroids.forEach((centroid, i) => f32.set(centroid, at.centroids / 4 + i * padded));
  const leafOf = (row: number): number => Number(row >= LEAF_0);
  const rows = Array.from({ length: count }, (_, row) => {
    const own = centroids[leafOf(row)]!;
    // One is its centroid, one has no length.
    if (row === 2) return own.slice();
    return row === 3 ? new Float32Array(padded) : own.map((value) => value + next() * 0.7);
  });
  rows.forEach((row, i) => {
    f32.set(row, at.row / 4);
    const centroid = at.centroids + leafOf(i) * padded * 4;
    const isDot = Number(kind === KERNEL_DOT);
    exports.rabitqEncode(at.row, 1, padded, centroid, bits, isDot, at.records + i * stride, stride);
  });
  new Uint16Array(u8.buffer, at.leafOf, 4).set([0, 0, 1, 1]);
  u32.set([0, Math.min(LEAF_0, count), count], at.leafStarts / 4);
  const words = { padded, bits, ...at, leaves: 2 };
  for (const [name, offset] of Object.entries(rabitqOffsets))
    if (name in words) u32[(at.struct + offset) / 4] = words[name as keyof typeof words];
  const query = centroids[0]!.map((value) => value + next() * 0.8);
  f32.set(query, at.rotated / 4);
  new KernelState(arena).set({ kind, rabitq: at.struct, codes: at.records, stride });
  exports.prepareRabitq();
  const records = rows.map((row, i) =>
    rabitqEncodeScalar(row, centroids[leafOf(i)]!, bits, kind === KERNEL_DOT),
  );
  return { records, rows, recordsAt: at.records, stride, query, leafOf, centroids, layout };
}

function recordAt(
  { recordsAt, stride }: Pick<Scene, 'recordsAt' | 'stride'>,
  row: number,
  bits: number,
  padded: number,
): RabitqRecord {
  const at = recordsAt + row * stride;
  const per = 128 / bits;
  const code = Uint8Array.from({ length: padded }, (_, d) => {
    if (bits === 1) return (u8[at + (d >> 3)]! >> (d & 7)) & 1;
    const byte = u8[at + Math.floor(d / per) * 16 + (d % 16)]!;
    return (byte >> (Math.floor((d % per) / 16) * bits)) & (2 ** bits - 1);
  });
  const terms = new DataView(u8.buffer, at + (bits * padded) / 8, 8);
  return { code, add: terms.getFloat32(0, true), rescale: terms.getFloat32(4, true) };
}

/** Estimates of all rows by what was prepared last. */
function measuredAll({ records, layout }: Scene): Float32Array {
  const count = records.length;
  const [list, out] = [layout.take(count * 4), layout.take(count * 4)];
  u32.set(
    Array.from({ length: count }, (_, row) => row),
    list / 4,
  );
  exports.measureRabitq(list, count, out);
  return floatsAt(out, count);
}

function wantedDistance(
  { records, query, centroids, leafOf }: Scene,
  row: number,
  kind: number,
  bits: number,
): number {
  const signed = signedQueryScalar(query, bits);
  const share = centroidShareScalar(kind, query, centroids[leafOf(row)]!);
  return rabitqDistanceScalar(records[row]!, signed, bits, share);
}

describe.each(kinds)('%s', (_, kind) => {
  describe.each([1, 2, 4])('codes of %i bits', (bits) => {
    test.each([64, 128, 192, 768, 832])(
      'of %i dimensions, and their distances, equal the twins',
      (padded) => {
        const count = 50;
        const made = scene({ padded, bits, kind, count });
        for (let row = 0; row < count; row++)
          expect(recordAt(made, row, bits, padded)).toEqual(made.records[row]);
        const order = Array.from({ length: count }, (_row, i) => (i * 37) % count);
        const [list, out] = [made.layout.take(count * 4), made.layout.take(count * 4)];
        u32.set(order, list / 4);
        exports.measureRabitq(list, count, out);
        const wanted = Float32Array.from(order, (row) => wantedDistance(made, row, kind, bits));
        expectSame(floatsAt(out, count), wanted);
      },
    );

    test('estimate distances without bias, and the better the more bits there are', () => {
      const [padded, count] = [768, 120];
      const made = scene({ padded, bits, kind, count, seed: 5 });
      const errors = made.rows.slice(4).map((row, i) => {
        const exact = distanceScalar(kind, made.query, row);
        return wantedDistance(made, i + 4, kind, bits) - exact;
      });
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
      // |r| and |q - c| are about 11 and 13 (leaf 0), so that L2 is off by 2 |r| |q - c| times what a code leaves open.
      const scale = kind === KERNEL_L2 ? 2 : 1;
      expect(deviation / scale).toBeLessThan({ 1: 12, 2: 6, 4: 2 }[bits]!);
      expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(errors.length));
    });
  });
});

test.each([1, 2, 4])('products by codes of %i bits order rows alike by a query of any length', (bits) => {
  const made = scene({ padded: 192, bits, kind: KERNEL_DOT, count: 50 });
  const estimates = measuredAll(made);
  const struct = new KernelState(arena).get('rabitq');
  const rotated = u32[(struct + rabitqOffsets.rotated) / 4]!;
  for (const length of [2 ** -30, 2 ** -7, 2 ** 12, 2 ** 40]) {
    // A power of two changes no digit of any number on the way.
    f32.set(
      made.query.map((value) => value * length),
      rotated / 4,
    );
    exports.prepareRabitq();
    expectSame(
      measuredAll(made),
      estimates.map((value) => value * length),
    );
  }
});

test.each(kinds.flatMap(([name, kind]) => [2, 4].map((bits) => [name, bits, kind] as const)))(
  '%s: what is left of a row is next to nothing: codes of %i bits equal the twin',
  (_, bits, kind) => {
    const padded = 64;
    const layout = new Layout(PAYLOAD_OFFSET);
    const [row, centroid, record] = [layout.take(padded * 4), layout.take(padded * 4), layout.take(64)];
    const isDot = kind === KERNEL_DOT;
    // Its square is the least f32 there is, and no f32 is as little as the step of codes.
    for (const least of [4e-23, -4e-23]) {
      f32.fill(0, row / 4, row / 4 + padded);
      f32.fill(0, centroid / 4, centroid / 4 + padded);
      f32[row / 4 + 5] = least;
      const values = f32.slice(row / 4, row / 4 + padded);
      const wanted = rabitqEncodeScalar(values, new Float32Array(padded), bits, isDot);
      exports.rabitqEncode(row, 1, padded, centroid, bits, Number(isDot), record, 64);
      const bytes = (bits * padded) / 8;
      const found = recordAt({ recordsAt: record, stride: 64 }, 0, bits, padded);
      expect(found).toEqual(wanted);
      expect(u8.slice(record, record + bytes)).toEqual(new Uint8Array(bytes).fill(bits === 2 ? 0xaa : 0x88));
      expect(Object.is(wanted.rescale, -0) || wanted.rescale < 0).toBe(true);
    }
  },
);

test.each([0, 1e-15])('products near a centroid of length %d, by queries of any length', (length) => {
  const made = scene({ padded: 64, bits: 1, kind: KERNEL_DOT, count: 30 });
  const struct = new KernelState(arena).get('rabitq');
  const rotated = u32[(struct + rabitqOffsets.rotated) / 4]!;
  const centroid = made.centroids[0]!.map((value) => (value * length) / 8);
  f32.set(centroid, centroidsOf() / 4);
  for (const size of [1, 1e18]) {
    const query = made.query.map((value) => value * size);
    f32.set(query, rotated / 4);
    exports.prepareRabitq();
    const found = measuredAll(made);
    const signed = signedQueryScalar(query, 1);
    const share = centroidShareScalar(KERNEL_DOT, query, centroid);
    expect(share.weight).toBe(0);
    expectSame(
      found,
      Float32Array.from(made.records, (record) => rabitqDistanceScalar(record, signed, 1, share)),
    );
    expect(found.every(Number.isFinite)).toBe(true);
  }
});

describe('sums of the largest codes and of the farthest query stay whole', () => {
  // 20,032 dimensions are as many as there may be.
  const cases = [1, 2, 4].flatMap((bits) =>
    [64, 4_160, 8_192, 20_032].flatMap((padded) => [1, -1].map((sign) => [bits, padded, sign] as const)),
  );
  test.each(cases)('%i bits, %i dimensions, sign %i', (bits, padded, sign) => {
    const made = scene({ padded, bits, kind: KERNEL_L2, count: 1 });
    const { stride, recordsAt, layout } = made;
    const struct = new KernelState(arena).get('rabitq');
    const rotated = u32[(struct + rabitqOffsets.rotated) / 4]!;
    f32.fill(sign, rotated / 4, rotated / 4 + padded);
    exports.prepareRabitq();
    u8.fill(0xff, recordsAt, recordsAt + stride - 8);
    f32.set([0, 1], (recordsAt + stride - 8) / 4);
    const [list, out] = [layout.take(4), layout.take(128)];
    u32[list / 4] = 0;
    exports.measureRabitq(list, 1, out);
    const share = exports.centroidShare(centroidsOf());
    // Every number of the query is as far from 0 as the grid goes, and every code half of all levels above the middle.
    const wanted = sign * ((2 ** bits - 1) / 2) * padded + share;
    expect(f32[out / 4]! / wanted).toBeCloseTo(1, 5);
    if (bits > 1) return;
    const [blocks, tables] = [layout.take(4 * padded + 256), layout.take(padded * 4)];
    exports.packRows32(recordsAt, stride, 1, padded, blocks);
    exports.makeLookUp(tables);
    const measured = f32[out / 4]!;
    exports.scanLeaf(blocks, 1, tables, share, out);
    expect(f32[out / 4]).toBe(measured);
  });
});

describe('the scan of leaves', () => {
  test.each(kinds)('by %s equals the measuring of rows, block by block', (_, kind) => {
    for (const padded of [64, 192, 832, 4_160, 8_192]) {
      for (const count of [1, 31, 32, 33, LEAF_0]) {
        const made = scene({ padded, bits: 1, kind, count });
        const blockBytes = 4 * padded + 256;
        const blockCount = Math.ceil(count / 32);
        const { layout } = made;
        const [blocks, tables] = [layout.take(blockCount * blockBytes), layout.take(padded * 4)];
        const [out, list] = [layout.take(blockCount * 128), layout.take(count * 4)];
        u8.fill(0xa5, blocks, layout.end);
        for (let block = 0; block < blockCount; block++) {
          const records = made.recordsAt + block * 32 * made.stride;
          const rows = Math.min(32, count - block * 32);
          exports.packRows32(records, made.stride, rows, padded, blocks + block * blockBytes);
        }
        exports.makeLookUp(tables);
        const { share } = centroidShareScalar(kind, made.query, made.centroids[0]!);
        expect(exports.centroidShare(centroidsOf())).toBe(share);
        exports.scanLeaf(blocks, blockCount, tables, share, out);
        const scanned = floatsAt(out, count);
        u32.set(
          Array.from({ length: count }, (_row, row) => row),
          list / 4,
        );
        exports.measureRabitq(list, count, out);
        expectSame(scanned, floatsAt(out, count));
      }
    }
  });
});

/** Address of the centroids of the scene made last. */
function centroidsOf(): number {
  const struct = new KernelState(arena).get('rabitq');
  return u32[(struct + rabitqOffsets.centroids) / 4]!;
}
