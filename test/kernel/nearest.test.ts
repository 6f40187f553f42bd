/**
 * Strategy: the choice among measured rows against its twin (filter, sort) over distances of few values and of those that break
 * comparisons, in any bitmap, with bounds that leave more, fewer and no rows. What lies behind the last row is nearer than any.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasBit, setBit } from '../../core/base/bitmap.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { nearestOfScalar } from '../../core/kernel/scalar/scan.js';
import { awkwardNumber, newArena } from './fixture.js';

const arena = newArena();
const { exports, f32, u8, u32 } = arena;
const DISTANCES = PAYLOAD_OFFSET;
const LIVE = PAYLOAD_OFFSET + 4_096;
const HEAP = PAYLOAD_OFFSET + 8_192;
const LIST = PAYLOAD_OFFSET + 16_384;
const ROWS_MOST = 300;

const coarse = fc.constantFrom(-2, -1, -0, 0, 0.5, 1, 3);
const bounds = fc.oneof(fc.constant(Infinity), coarse, awkwardNumber).map(Math.fround);

test.each([
  ['of few values', coarse],
  ['NaN, infinite, denormal and extreme', awkwardNumber],
])('nearestOf equals its twin: distances %s', (_, numbers) => {
  const scene = fc.record({
    distances: fc.array(fc.tuple(numbers, fc.nat(99)), { maxLength: ROWS_MOST }),
    density: fc.constantFrom(0, 2, 50, 100),
    limit: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(ROWS_MOST)),
    bound: bounds,
  });
  fc.assert(
    fc.property(scene, ({ distances: drawn, density, limit, bound }) => {
      const distances = Float32Array.from(drawn, ([distance]) => distance);
      const live = new Uint8Array(Math.ceil(drawn.length / 64) * 8);
      for (const [row, [, dice]] of drawn.entries()) if (dice < density) setBit(live, row);
      f32.fill(-Infinity, DISTANCES / 4, LIVE / 4);
      u8.fill(0xff, LIVE, HEAP);
      f32.set(distances, DISTANCES / 4);
      u8.set(live, LIVE);
      const count = exports.nearestOf(DISTANCES, drawn.length, LIVE, limit, bound, HEAP, LIST);
      const wanted = nearestOfScalar(distances, { isLive: (row) => hasBit(live, row), limit, bound });
      expect([...u32.subarray(LIST / 4, LIST / 4 + count)]).toEqual(wanted);
    }),
    { numRuns: 400 },
  );
});
