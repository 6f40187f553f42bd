/**
 * What the bench of contenders computes from its sweeps: the envelope, speed at a recall, ratios, and the check of them; and
 * where its plot puts labels. The bench itself asserts nothing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  envelopeOf,
  qpsAt,
  qpsAtRecalls,
  ratiosOf,
  worseThan,
} from '../../bench/contenders/qps-at-recall.mjs';
import { apart } from '../../bench/plot-parts.mjs';

const sweep = [
  { recall: 0.9, qps: 1_000 },
  { recall: 0.92, qps: 300 },
  { recall: 0.98, qps: 400 },
  { recall: 1, qps: 100 },
];

const point = fc.record({
  recall: fc.double({ min: 0, max: 1, noNaN: true }),
  qps: fc.double({ min: 1, max: 1e5, noNaN: true }),
});

describe('the envelope of a sweep', () => {
  it('leaves out what another point beats in both', () => {
    expect(envelopeOf(sweep).map(({ recall }) => recall)).toEqual([0.9, 0.98, 1]);
  });

  it('rises in recall, falls in speed, and is never beaten', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1 }), (points) => {
        const envelope = envelopeOf(points);
        for (const [at, { recall, qps }] of envelope.slice(1).entries()) {
          expect(recall).toBeGreaterThan(envelope[at]!.recall);
          expect(qps).toBeLessThan(envelope[at]!.qps);
        }
        for (const { recall, qps } of points)
          expect(envelope.some((one) => one.recall >= recall && one.qps >= qps)).toBe(true);
      }),
    );
  });
});

describe('speed at a recall', () => {
  it('is that of a point where there is one, and goes by the logarithm between two', () => {
    expect(qpsAt(sweep, 0.98)).toBe(400);
    expect(qpsAt(sweep, 0.94)).toBeCloseTo(Math.sqrt(1_000 * 400), 6);
    expect(qpsAt(sweep, 0.99)).toBeCloseTo(200, 6);
  });

  it('is that of the first point below the sweep, and none above it', () => {
    expect(qpsAt(sweep, 0.5)).toBe(1_000);
    expect(qpsAt(sweep.slice(0, 3), 0.99)).toBeNull();
    expect(qpsAt([], 0.9)).toBeNull();
  });
});

describe('the check', () => {
  const twice = sweep.map(({ recall, qps }) => ({ recall, qps: qps * 2 }));
  const earlier = ratiosOf(qpsAtRecalls(twice), qpsAtRecalls(sweep));

  it('has ratios at every recall, and none where one side has no speed', () => {
    for (const ratio of Object.values(earlier)) expect(ratio).toBeCloseTo(2, 6);
    expect(Object.keys(earlier)).toEqual(['0.9', '0.95', '0.99', '0.999']);
    const short = ratiosOf(qpsAtRecalls(sweep.slice(0, 3)), qpsAtRecalls(sweep));
    expect([short['0.95'], short['0.99']]).toEqual([expect.closeTo(1, 6), null]);
  });

  it('lets pass what reaches 0.8 of the earlier ratio, and names what does not', () => {
    expect(worseThan({ '0.95': 1.61, '0.99': 5 }, earlier)).toEqual([]);
    expect(worseThan({ '0.95': 1.59, '0.99': 5 }, earlier)).toEqual([
      'ratio 1.59 at recall 0.95, was 2.00 and must be 1.60 at least',
    ]);
  });

  it('lets nothing pass that was not measured', () => {
    expect(worseThan({ '0.95': null, '0.99': 2 }, earlier)).toHaveLength(1);
    expect(worseThan(undefined, earlier)).toHaveLength(2);
    expect(worseThan(earlier, undefined)).toHaveLength(2);
  });
});

describe('labels of the plot', () => {
  it('keep their distance and their order within the plot', () => {
    const room = { pitch: 15, least: 50, most: 470 };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 44, max: 480 }), { maxLength: 12 }), (wanted) => {
        const placed = apart(wanted, room).toSorted((a, b) => a - b);
        for (const [at, y] of placed.entries()) {
          expect(y).toBeGreaterThanOrEqual(room.least);
          expect(y).toBeLessThanOrEqual(room.most);
          if (at > 0) expect(y - placed[at - 1]!).toBeGreaterThanOrEqual(room.pitch);
        }
      }),
    );
  });
});
