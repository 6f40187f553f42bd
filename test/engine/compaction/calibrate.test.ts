/**
 * Calibration against an index made of chance: rows lie on a line, the exact distance of a row is its number, and a walk of
 * width ef misses each row with a known probability. So what the curve must say is known.
 */
import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../core/engine/compaction/calibrate.js';
import type { CalibrationPort } from '../../../core/engine/compaction/calibrate.js';
import { boundedMean, wilsonLower } from '../../../core/engine/compaction/confidence.js';
import type { RecallCurve } from '../../../core/engine/segments/index.js';
import { seededRandom } from '../fixture.js';

interface Miss {
  /** Probability that a walk passes a row over. */
  readonly miss: (ef: number) => number;
  /** Rows are swapped with one up to this far away: the index orders them only about right. */
  readonly blur?: number;
  readonly queries?: number;
  /** Exact distance of a row. */
  readonly distance?: (row: number) => number;
}

function chance(seed: number): () => number {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(3);
  return () => {
    random.fill(bytes);
    return ((bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!) / 2 ** 24;
  };
}

function port({ miss, blur = 0, queries = 150, distance = (row) => row }: Miss, seed = 1): CalibrationPort {
  const next = chance(seed);
  const ordered = (): Uint32Array => {
    const rows = Uint32Array.from({ length: 500 }, (_, row) => row);
    if (blur === 0) return rows;
    const key = Float64Array.from(rows, (row) => row + next() * blur);
    rows.sort((a, b) => key[a]! - key[b]!);
    return rows;
  };
  const walk: CalibrationPort['walk'] = (_, { ef, limit }) =>
    ordered()
      .filter(() => next() >= miss(ef))
      .slice(0, ef)
      .slice(0, limit);
  return {
    queries,
    coarse: false,
    growth: 1,
    scansFast: false,
    walk,
    walkBuilt: walk,
    spread: () => 0,
    scan: () => new Uint32Array(0),
    scanBuilt: (_, count) => Uint32Array.from({ length: count }, (__, row) => row),
    distances: (wanted) => Promise.resolve(wanted.map((rows) => Float32Array.from(rows, distance))),
    breathe: () => Promise.resolve(),
  };
}

const at = (points: Awaited<ReturnType<typeof calibrate>>['points'], k: number, ef: number, rerank: number) =>
  points.find((point) => point.k === k && point.ef === ef && point.rerank === rerank);

describe('a curve', () => {
  it('says how much a walk finds', async () => {
    const { samples, points } = await calibrate(port({ miss: (ef) => (ef >= 1_000 ? 0 : 1 / ef) }));
    expect(samples).toBe(150);
    for (const { k, ef, recall } of points) {
      if (k > 1)
        expect({ k, ef, near: Math.abs(recall - (1 - 1 / ef)) < 0.03 }).toEqual({ k, ef, near: true });
    }
  });

  it('covers every k, up to walks that are wide enough', async () => {
    const { points } = await calibrate(port({ miss: () => 0 }));
    expect(new Set(points.map(({ k }) => k))).toEqual(new Set([1, 10, 100]));
    expect(Math.max(...points.map(({ ef }) => ef))).toBe(128);
    expect(points.filter(({ k, ef }) => ef < k)).toEqual([]);
    expect(points.filter(({ ef, rerank }) => rerank > ef)).toEqual([]);
  });

  it('tells what a deeper rerank is worth', async () => {
    const { points } = await calibrate(port({ miss: () => 0, blur: 20 }));
    const recalls = [10, 20, 40].map((rerank) => at(points, 10, 64, rerank)!.recall);
    expect(recalls[0]).toBeLessThan(0.8);
    expect(recalls[1]).toBeGreaterThan(recalls[0]! + 0.1);
    expect(recalls[2]).toBeGreaterThan(0.99);
  });

  it('takes off what the wide walk misses itself', async () => {
    const { points } = await calibrate(port({ miss: () => 0.1 }));
    // Every walk misses a tenth on its own, and a tenth of the real nearest is not in the truth.
    const hundred = points.filter(({ k }) => k === 100);
    expect(hundred.length).toBeGreaterThan(0);
    for (const { recall } of hundred) expect(recall).toBeCloseTo(0.9 * 0.9, 1);
  });

  it.each([true, false])('takes off what no scan knows: scans are fast %s', async (scansFast) => {
    // Of 1,000 rows in no order the codes answer 400.
    const scanBuilt: CalibrationPort['scanBuilt'] = (query, count) =>
      Uint32Array.from({ length: count }, (_, i) => (i * 619 + query * 37) % 1_000);
    const walk: CalibrationPort['walk'] = (query) => scanBuilt(query, 400);
    const plain = { ...port({ miss: () => 0 }), scansFast, scanBuilt, walkBuilt: walk, walk };
    for (const { lower } of (await calibrate(plain)).points) expect(lower).toBeLessThan(0.6);
    const inOrder = await calibrate({ ...port({ miss: () => 0 }), scansFast });
    expect(inOrder.points.some(({ k, lower }) => k === 10 && lower > 0.99)).toBe(true);
  });

  it('never falls with ef or rerank, and no bound is above its mean', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { points } = await calibrate(port({ miss: () => 0.05, blur: 5, queries: 60 }, seed));
      for (const a of points) {
        expect(a.lower).toBeLessThanOrEqual(a.recall);
        for (const b of points) {
          if (a.k !== b.k || a.ef > b.ef || a.rerank > b.rerank) continue;
          expect(a.recall).toBeLessThanOrEqual(b.recall);
          expect(a.lower).toBeLessThanOrEqual(b.lower);
        }
      }
    }
  });

  it('measures coarse codes deeper, and their scans', async () => {
    const plain = port({ miss: () => 0, blur: 60 });
    const scan: CalibrationPort['scan'] = (query, limit) => plain.walk(query, { ef: 500, reach: 0, limit });
    const { points, scans } = await calibrate({ ...plain, coarse: true, scan });
    expect(Math.max(...points.filter(({ k }) => k === 10).map(({ rerank }) => rerank))).toBeGreaterThan(40);
    const recalls = [10, 40, 160].map(
      (rerank) => scans!.find((point) => point.k === 10 && point.rerank === rerank)!.recall,
    );
    expect(recalls[0]).toBeLessThan(0.6);
    expect(recalls[1]).toBeGreaterThan(recalls[0]! + 0.1);
    expect(recalls[2]).toBe(1);
    expect((await calibrate(plain)).scans).toBeUndefined();
  });

  it('compares as many more by coarse codes as rows were held out', async () => {
    const measured = async (growth: number, coarse: boolean): Promise<RecallCurve> => {
      const plain = port({ miss: () => 0, blur: 60 });
      const scan: CalibrationPort['scan'] = (query, limit) => plain.walk(query, { ef: 500, reach: 0, limit });
      return await calibrate({ ...plain, coarse, scan, growth });
    };
    const [whole, part] = [await measured(1, true), await measured(1.25, true)];
    const grown = <P extends { readonly rerank: number }>(point: P): P => ({
      ...point,
      rerank: Math.ceil(point.rerank * 1.25),
    });
    expect(part.points).toEqual(whole.points.map(grown));
    expect(part.scans).toEqual(whole.scans!.map(grown));
    expect(await measured(1.25, false)).toEqual(await measured(1, false));
  });

  it('counts rows at the same distance alike', async () => {
    const { points } = await calibrate(port({ miss: () => 0, blur: 50, distance: (row) => 0 * row }));
    expect(at(points, 10, 16, 10)!.recall).toBe(1);
  });

  it('is there for a segment of fewer rows than asked for', async () => {
    const few = port({ miss: () => 0, queries: 3 });
    const { points } = await calibrate({
      ...few,
      walk: () => Uint32Array.of(0, 1, 2),
      walkBuilt: () => Uint32Array.of(0, 1, 2),
      scanBuilt: () => Uint32Array.of(0, 1, 2),
    });
    expect(at(points, 10, 16, 10)!.recall).toBe(1);
  });

  it('asks more queries where a walk has met a recall that the sample is too small to promise', async () => {
    /** One query of the first fifty whose nearest row no walk finds. */
    const unlucky = (scanned: number[]): CalibrationPort => {
      const plain = port({ miss: () => 0, queries: 1_000 });
      const unluckily: CalibrationPort['walk'] = (query, width) =>
        query === 7 ? plain.walk(query, width).slice(1) : plain.walk(query, width);
      return {
        ...plain,
        walk: unluckily,
        walkBuilt: unluckily,
        scanBuilt: (query, count) => {
          scanned.push(query);
          return plain.scanBuilt(query, count);
        },
      };
    };
    const scanned: number[] = [];
    const { samples, points } = await calibrate(unlucky(scanned));
    expect(samples).toBe(1_000);
    expect(scanned.length).toBe(50 + 250);
    expect(at(points, 1, 16, 1)!.lower).toBeGreaterThan(0.99);
    const small = await calibrate({ ...unlucky([]), queries: 500 });
    expect(at(small.points, 1, 128, 1)!.lower).toBeLessThan(0.98);
  });

  it.each([
    ['every recall is promised', () => 0],
    ['no walk finds enough', () => 0.1],
  ])('asks no more where %s', async (_, miss) => {
    const { samples } = await calibrate(port({ miss, queries: 1_000 }));
    expect(samples).toBe(500);
  });

  it('ends where the work is called off', async () => {
    let breaths = 0;
    const breathe = (): Promise<void> =>
      ++breaths > 3 ? Promise.reject(new Error('off')) : Promise.resolve();
    await expect(calibrate({ ...port({ miss: () => 0 }), breathe })).rejects.toThrow('off');
  });
});

describe('walks that are bounded', () => {
  interface Asked {
    readonly widths: {
      readonly query: number;
      readonly ef: number;
      readonly reach: number;
      readonly limit: number;
    }[];
    readonly spreads: (readonly [number, number])[];
    readonly scans: number[];
  }

  /** A port that notes what it is asked for. */
  function noting(plain: CalibrationPort, spread: CalibrationPort['spread']): [CalibrationPort, Asked] {
    const asked: Asked = { widths: [], spreads: [], scans: [] };
    const noted: CalibrationPort = {
      ...plain,
      walk: (query, width) => {
        asked.widths.push({ query, ...width });
        return plain.walk(query, width);
      },
      walkBuilt: (query, width) => {
        asked.widths.push({ query, ...width });
        return plain.walkBuilt(query, width);
      },
      spread: (query, ef) => {
        asked.spreads.push([query, ef]);
        return spread(query, ef);
      },
      scanBuilt: (query, count) => {
        asked.scans.push(query);
        return plain.scanBuilt(query, count);
      },
    };
    return [noted, asked];
  }

  const growing = (_: number, ef: number): number => 1 + ef / 128;
  /** Never good enough: every width is measured. */
  const missing = { miss: (ef: number) => (ef >= 1_000 ? 0 : 0.1) };

  it('are those for few rows, by how far as many candidates reach', async () => {
    const [bounded, asked] = noting(port(missing), growing);
    const { points } = await calibrate(bounded);
    expect(points.filter(({ k }) => k === 100).length).toBeGreaterThan(5);
    for (const { k, ef, reach } of points) expect(reach).toBe(k === 100 ? 0 : growing(0, ef));
    for (const { ef, reach, limit } of asked.widths) {
      if (reach === 0) continue;
      // Easy queries keep fewer than so many on average, hard ones more.
      expect(reach).toBe(growing(0, ef / 2));
      expect(limit).toBe(40);
    }
    const near = asked.widths.filter(({ reach }) => reach > 0);
    const efs = [...new Set(points.filter(({ k }) => k === 1).map(({ ef }) => ef))];
    expect(efs).toContain(512);
    expect([...new Set(near.map(({ ef }) => ef))]).toEqual(efs.map((ef) => ef * 2));
    expect(near).toHaveLength(150 * efs.length);
    // Walks for the truth, and for many, are not.
    const others = asked.widths.filter(({ reach }) => reach === 0);
    expect(others.filter(({ ef }) => ef === 1_000)).toHaveLength(150);
    expect([...new Set(others.map(({ ef }) => ef))].sort((a, b) => a - b)).toEqual([
      128, 192, 256, 384, 512, 1_000,
    ]);
  });

  it('ask up to a hundred queries how far that is', async () => {
    const [bounded, asked] = noting(port(missing), (query, ef) => (query % 2 === 0 ? 2 : 4) + ef * 0);
    const { points } = await calibrate(bounded);
    expect(Math.max(...asked.spreads.map(([query]) => query))).toBe(99);
    expect(asked.spreads).toHaveLength(11 * 100);
    expect(at(points, 10, 16, 10)!.reach).toBe(3);
    const [few, askedOfFew] = noting(port({ ...missing, queries: 7 }), growing);
    await calibrate(few);
    expect(askedOfFew.spreads).toHaveLength(11 * 7);
  });

  it.each([
    ['leave out queries that say nothing of it', (query: number) => (query % 2 === 0 ? 3 : 0), 3],
    ['have no bound where most say nothing', (query: number) => (query < 49 ? 3 : 0), 0],
    ['have none where nobody says anything', () => 0, 0],
    ['go as far as the tenth at least', () => 0.4, 1],
  ])('%s', async (_, spread, reach) => {
    const [bounded, asked] = noting(port(missing), spread);
    const { points } = await calibrate(bounded);
    expect(new Set(points.filter(({ k }) => k < 100).map((point) => point.reach))).toEqual(new Set([reach]));
    const narrowest = Math.min(...asked.widths.map(({ ef }) => ef));
    expect(narrowest).toBe(reach === 0 ? 16 : 32);
  });

  it('have their truth from scans alone, where these are fast', async () => {
    const plain = port({ miss: () => 0.02, queries: 60 });
    const [bounded, asked] = noting({ ...plain, scansFast: true }, growing);
    const { points } = await calibrate(bounded);
    expect(asked.widths.filter(({ ef }) => ef === 1_000)).toEqual([]);
    expect(asked.scans).toEqual(Array.from({ length: 60 }, (_, query) => query));
    // Nothing is taken off: what a scan finds is all there is.
    expect(Math.abs(at(points, 100, 512, 400)!.recall - 0.98)).toBeLessThan(0.01);
    const [slow, askedSlowly] = noting(plain, growing);
    await calibrate(slow);
    expect(askedSlowly.widths.filter(({ ef }) => ef === 1_000)).toHaveLength(60);
    expect(askedSlowly.scans).toHaveLength(50);
  });
});

describe('lower bounds', () => {
  it.each([
    [500, 500, 0.9946],
    [495, 500, 0.9801],
    [250, 500, 0.4633],
    [0, 500, 0],
    [0, 0, 0],
  ])('Wilson: %d of %d', (hits, trials, expected) => {
    expect(wilsonLower(hits, trials)).toBeCloseTo(expected, 3);
  });

  it('of flawless queries promise less than everything', () => {
    const { mean, lower } = boundedMean(new Float64Array(500).fill(1), 10);
    expect(mean).toBe(1);
    expect(lower).toBeCloseTo(0.9994, 5);
  });

  it.each([1, 10, 100])('hold in nineteen of twenty samples, k = %d', (k) => {
    const next = chance(k);
    let held = 0;
    for (let sample = 0; sample < 400; sample++) {
      const recalls = Float64Array.from({ length: 500 }, () => {
        let found = 0;
        for (let i = 0; i < k; i++) if (next() < 0.96) found++;
        return found / k;
      });
      if (boundedMean(recalls, k).lower <= 0.96) held++;
    }
    expect(held / 400).toBeGreaterThan(0.93);
    expect(held / 400).toBeLessThan(0.995);
  });
});
