import { describe, expect, it } from 'vitest';
import { codingFor } from '../../../core/engine/compaction/coding.js';
import {
  buildBytesOf,
  chooseInputs,
  foldRowsMost,
  residentBytesOf,
  wantsMinorFold,
} from '../../../core/engine/compaction/policy.js';
import { IndexBuilder } from '../../../core/index/index.js';
import { arenaClasses } from '../../../core/kernel/index.js';
import type { SegmentSize } from '../../../core/engine/compaction/policy.js';
import { limits, tierLimits } from '../../../core/base/limits.js';

const plan = { dimension: 128, metric: 'cosine', quantization: 'sq8', m: 16 } as const;
const SERVER = { tier: 'server', memoryBytes: 2 ** 30 } as const;
const EDGE = { tier: 'edge', memoryBytes: 96_000_000 } as const;
const shape = { tier: 'server', handler: SERVER, ...plan } as const;

function segments(...lives: number[]): SegmentSize[] {
  return lives.map((live, i) => ({ key: `s${i}`, rows: live, live, bytes: 0, graph: true, taken: false }));
}

describe('choice of inputs', () => {
  it.each([
    ['nothing there', 0, [], []],
    ['the first fold', 100, [], []],
    ['one that is not too large', 100, [200], ['s0']],
    ['one that is too large', 100, [201], []],
    ['a chain, smallest first', 100, [900, 200, 600], ['s1', 's2', 's0']],
    ['a chain that breaks', 100, [200, 801, 100], ['s2', 's0']],
    ['two alike without a log', 0, [500, 500], ['s0', 's1']],
    ['one without a log', 0, [500], []],
    ['two unlike without a log', 0, [100, 500], []],
    ['an emptied segment', 100, [0, 5_000], ['s0']],
  ])('%s', (_, logRows, lives, expected) => {
    expect(chooseInputs({ ...shape, logRows, segments: segments(...lives) })).toEqual(expected);
  });

  it('leaves segments of other jobs alone', () => {
    const [first, second] = segments(100, 150);
    const given = [{ ...first!, taken: true }, second!];
    expect(chooseInputs({ ...shape, logRows: 100, segments: given })).toEqual(['s1']);
  });

  it('keeps the output within the tier', () => {
    const perRow = residentBytesOf(1, shape);
    const half = Math.floor(tierLimits.edge.residentBytes / perRow / 2);
    const choose = (...lives: number[]): readonly string[] =>
      chooseInputs({ ...shape, tier: 'edge', logRows: half, segments: segments(...lives) });
    expect(choose(half)).toEqual(['s0']);
    expect(choose(half + 2)).toEqual([]);
  });

  it('keeps the build within memory, whatever is resident of it later', () => {
    const small = { ...plan, dimension: 768, quantization: 'rabitq' } as const;
    const perRow = buildBytesOf(2, small) - buildBytesOf(1, small);
    const rows = Math.floor(tierLimits.edge.buildBytes / perRow);
    expect(residentBytesOf(rows, small)).toBeLessThan(tierLimits.edge.residentBytes / 2);
    const most = foldRowsMost({ ...small, tier: 'edge', handler: EDGE });
    expect(most).toBeLessThan(rows);
    expect(most).toBeGreaterThan(0.9 * rows);
    const choose = (live: number): readonly string[] =>
      chooseInputs({ ...small, tier: 'edge', handler: EDGE, logRows: 1_000, segments: segments(live) });
    expect(choose(most - 1_000).length + choose(most - 900).length).toBeLessThan(2);
  });

  it('builds in half of the memory that a handler has, and in no more than there is in one piece', () => {
    const most = (memoryBytes: number): number =>
      foldRowsMost({ ...shape, handler: { tier: 'server', memoryBytes } });
    const fits = (bytes: number): number => Math.floor((bytes - buildBytesOf(0, plan)) / perRow);
    const perRow = buildBytesOf(1, plan) - buildBytesOf(0, plan);
    expect(most(2 ** 30)).toBe(fits(2 ** 29));
    expect(most(3 * 2 ** 30)).toBe(fits(1.5 * 2 ** 30));
    expect(most(2 ** 40)).toBe(fits(tierLimits.server.buildBytes));
    expect(tierLimits.server.buildBytes).toBe(arenaClasses.at(-1));
    // As much as an edge handler has.
    expect(most(2 ** 24)).toBe(fits(tierLimits.edge.buildBytes));
  });

  it.each([
    'sq8',
    'none',
    'rabitq',
    { type: 'rabitq', bits: 4 },
    'pq',
    { type: 'pq', compression: 8 },
  ] as const)('takes a builder and an index of %j for no smaller than they are', (quantization) => {
    const [rows, dimension, m] = [20_000, 300, 16];
    const built = { rows, dimension, metric: 'cosine' } as const;
    const coding = codingFor({ ...plan, quantization });
    const rabitq = { unit: 1, leaves: Math.ceil(rows / 96) };
    const order = Uint32Array.from({ length: dimension }, (_, d) => d);
    const books = {
      ...{ centroids: new Float32Array(16 * dimension), order },
      ...{ middles: new Float32Array(dimension), unit: 1 },
    };
    const plans = {
      sq8: undefined,
      f32: { kind: 'f32' },
      rabitq: { ...rabitq, kind: 'rabitq', bits: coding.kind === 'rabitq' ? coding.bits : 0 },
      pq: { kind: 'pq', compression: coding.kind === 'pq' ? coding.compression : 0, books },
    } as const;
    const code = plans[coding.kind];
    const graph = { m, efConstruction: 128, seed: 1 };
    const size = { shape: built, graph, code, extraResidentBytes: rows * 8 };
    const needed = IndexBuilder.bytesNeeded(size);
    const said = buildBytesOf(rows, { ...plan, dimension, quantization });
    expect(said).toBeGreaterThan(needed);
    expect(said).toBeLessThan(1.2 * needed + 4_194_304);
  });

  it('counts the books of product quantization, which are the same for any number of rows', () => {
    const wide = { ...plan, dimension: 20_000, quantization: 'pq' } as const;
    const books = 20_001 * 72;
    expect(residentBytesOf(0, wide)).toBe(books);
    expect(residentBytesOf(2, wide) - residentBytesOf(1, wide)).toBe(residentBytesOf(1, wide) - books);
    const most = foldRowsMost({ tier: 'edge', handler: EDGE, ...wide });
    const { residentBytes, buildBytes } = tierLimits.edge;
    const fits = (rows: number): boolean =>
      residentBytesOf(rows, wide) <= residentBytes && buildBytesOf(rows, wide) <= buildBytes;
    expect([fits(most), fits(most + 1)]).toEqual([true, false]);
  });

  it('rewrites a segment of which more than a quarter is dead', () => {
    const decayed = (live: number): SegmentSize[] => [
      { key: 'a', rows: 1_000, live, bytes: 0, graph: true, taken: false },
    ];
    expect(chooseInputs({ ...shape, logRows: 0, segments: decayed(749) })).toEqual(['a']);
    expect(chooseInputs({ ...shape, logRows: 0, segments: decayed(750) })).toEqual([]);
  });

  it('gives a graph to what minor folds left without one, small segments aside', () => {
    const flat = (live: number): SegmentSize[] => [
      { key: 'flat', rows: live, live, bytes: 0, graph: false, taken: false },
      { key: 'large', rows: 90_000, live: 90_000, bytes: 0, graph: true, taken: false },
    ];
    expect(chooseInputs({ ...shape, logRows: 0, segments: flat(40_000) })).toEqual(['flat']);
    expect(chooseInputs({ ...shape, logRows: 100, segments: flat(40_000) })).toEqual(['flat']);
    expect(chooseInputs({ ...shape, logRows: 0, segments: flat(limits.flatRows - 1) })).toEqual([]);
  });

  it('merges whatever is there once there are too many', () => {
    const lives = Array.from({ length: 17 }, (_, i) => 100 * 3 ** i);
    const server = { ...shape, dimension: 1, m: 4, logRows: 10 };
    expect(chooseInputs({ ...server, segments: segments(...lives.slice(0, 15)) })).toEqual([]);
    expect(chooseInputs({ ...server, segments: segments(...lives.slice(0, 16)) })).toEqual(['s0']);
    expect(chooseInputs({ ...server, segments: segments(...lives) })).toEqual(['s0', 's1']);
  });
});

describe('triggers', () => {
  it.each([
    ['an empty log', { slots: 0, bytes: 0 }, false],
    ['a short log', { slots: 511, bytes: 128 * 1024 * 1024 - 1 }, false],
    ['too many slots', { slots: 512, bytes: 1_000 }, true],
    ['too many bytes', { slots: 9, bytes: 128 * 1024 * 1024 }, true],
  ])('of a minor fold: %s', (_, log, fold) => {
    expect(wantsMinorFold({ tier: 'server', ...log }, 3)).toBe(fold);
    expect(wantsMinorFold({ tier: 'server', ...log }, 64)).toBe(false);
  });
});

describe('fifty folds', () => {
  const run = (rowsOf: (fold: number) => number): { segments: number; amplification: number } => {
    let live: number[] = [];
    let written = 0;
    let folded = 0;
    let most = 0;
    for (let fold = 0; fold < 50; fold++) {
      const rows = rowsOf(fold);
      const inputs = new Set(chooseInputs({ ...shape, logRows: rows, segments: segments(...live) }));
      const merged = live.filter((_, i) => inputs.has(`s${i}`)).reduce((sum, n) => sum + n, rows);
      live = [...live.filter((_, i) => !inputs.has(`s${i}`)), merged];
      written += merged;
      folded += rows;
      most = Math.max(most, live.length);
    }
    return { segments: most, amplification: written / folded };
  };

  it.each([
    ['alike', () => 1_200],
    ['growing', (fold: number) => 100 + fold * 50],
    ['shrinking', (fold: number) => 5_000 - fold * 99],
    ['up and down', (fold: number) => (fold % 7 === 0 ? 8_000 : 300)],
  ])('%s', (_, rowsOf) => {
    const { segments: most, amplification } = run(rowsOf);
    expect(most).toBeLessThanOrEqual(6);
    expect(amplification).toBeLessThanOrEqual(7);
  });
});
