/**
 * What the bench of filters computes: tests of fields and their text, shares of a generated field, exact neighbours among the rows
 * that match, what answers are worth, and the bars and the check of its ratios.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, mustBeFieldTest, textOf } from '../../bench/filters/field-test.mjs';
import { drawField, filteredNeighbours, filterSet } from '../../bench/filters/filter-cases.mjs';
import { caseFindings, shortLines, worseCases } from '../../bench/filters/filter-findings.mjs';
import { judgeAnswers } from '../../bench/filters/filter-judge.mjs';
import { realSet } from '../../bench/real-sets.mjs';
import { exactNeighbours, NEIGHBOURS, trueDistance } from '../../bench/true-neighbours.mjs';
import { matches, parseFilter } from '../../core/filter/index.js';

const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('', 'a', "it's", '2026-06-01'));
const test = fc.record({
  field: fc.constant('year'),
  operator: fc.constantFrom('=' as const, '!=' as const, '<' as const, '>=' as const),
  value,
});

describe('a test of a field', () => {
  it('says of a value what its text says in a filter', () => {
    fc.assert(
      fc.property(test, fc.option(value, { nil: undefined }), (asked, year) => {
        const document = year === undefined ? {} : { year };
        expect(holds(asked, year)).toBe(matches(parseFilter(textOf(asked)), document));
      }),
    );
  });

  it('is read from an object of one field and one operator, and from no other', () => {
    const since = { field: 'listed', operator: '>=', value: '2026-06-01' };
    expect(mustBeFieldTest({ listed: { $gte: '2026-06-01' } })).toEqual(since);
    expect(mustBeFieldTest({ n: 1 })).toEqual({ field: 'n', operator: '=', value: 1 });
    for (const other of [{}, { a: 1, b: 2 }, { a: { $gte: 1, $lt: 2 } }, { a: { $in: [1] } }, { a: {} }])
      expect(() => mustBeFieldTest(other)).toThrow(/one /);
  });
});

/** Twenty rows of two dimensions on a line, and a query at each end. */
const vectors = Float32Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? at / 2 : 0));
const queries = Float32Array.from([0, 0, 19, 0]);
const shape = { metric: 'euclidean' as const, dimension: 2, vectors };
const set = {
  ...{ ...shape, key: 'fashion' as const, title: 'a line', real: false, whole: true, documents: undefined },
  ...{ ids: Array.from({ length: 20 }, (_, row) => `row-${row}`), queries },
  neighbours: exactNeighbours(shape, { queries }),
};

describe('rows that match', () => {
  it('are exactly the share that a generated field is asked for', () => {
    const { values } = drawField(20_000);
    for (const below of [1, 10, 1_000, 10_000])
      expect(values.filter((drawn) => Number(drawn) < below)).toHaveLength(2 * below);
    expect(values.slice(0, 100)).not.toEqual(values.slice(0, 100).toSorted((a, b) => Number(a) - Number(b)));
  });

  it('have neighbours, whether or not those of all rows have enough of them', () => {
    const rows = Uint32Array.from([1, 2, 5, 7, 8, 9, 11, 13, 15, 17, 19]);
    // Of all neighbours the first twelve alone: the second query must look at every row that matches.
    const few = set.neighbours.map((row, at) => (at % NEIGHBOURS < 12 ? row : -1));
    const found = filteredNeighbours({ ...set, neighbours: few }, [rows, Uint32Array.from([3])]);
    expect([...found.subarray(0, 11)]).toEqual([1, 2, 5, 7, 8, 9, 11, 13, 15, 17, -1]);
    expect([...found.subarray(NEIGHBOURS, NEIGHBOURS + 2)]).toEqual([3, -1]);
  });

  it('are those of the files, where there are files', () => {
    const papers = realSet('arxiv', { queries: 3 });
    const { cases, fields } = filterSet(papers);
    for (const asked of cases.filter(({ tests }) => tests !== undefined)) {
      const rows = asked.tests!.map((one) => {
        const { values } = fields.find(({ name }) => name === one.field)!;
        return Uint32Array.from(values.keys()).filter((row) => holds(one, values[row]));
      });
      expect(asked.matches).toEqual(rows.map(({ length }) => length));
      for (const [query, of] of filteredByDistance(papers, filteredNeighbours(papers, rows)).entries())
        expect(filteredByDistance(papers, asked.neighbours)[query]).toEqual(
          of.map((one) => expect.closeTo(one, 6)),
        );
    }
  });
});

/** Distances of the ten nearest of each query. */
function filteredByDistance(papers: ReturnType<typeof realSet>, neighbours: Int32Array): number[][] {
  return Array.from({ length: neighbours.length / NEIGHBOURS }, (_, query) => {
    const vector = papers.queries.subarray(query * papers.dimension, (query + 1) * papers.dimension);
    const rows = neighbours.subarray(query * NEIGHBOURS, query * NEIGHBOURS + 10).filter((row) => row >= 0);
    return Array.from(rows, (row) => trueDistance(papers, row, vector));
  });
}

describe('answers', () => {
  const fields = [
    { name: 'year', type: 'integer' as const, asked: 'range' as const, values: set.ids.map((_, row) => row) },
  ];
  const tests = [3, 12].map((year) => ({ field: 'year', operator: '<' as const, value: year }));
  const matching = tests.map(({ value: below }) => Uint32Array.from({ length: below }, (_, row) => row));
  const asked = {
    ...{ key: 'year', title: 'year', tests, matches: [3, 12] },
    neighbours: filteredNeighbours(set, matching),
  };
  const judge = (answers: (string | number)[][]) => judgeAnswers({ set, fields }, asked, answers);
  const whole = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

  it('are right by rows or by ids, of as many as match', () => {
    expect(judge([['row-0', 'row-1', 'row-2'], whole])).toEqual({ recall: 1, short: 0 });
  });

  it('lose recall by what is missing, farther, or there twice, and are short only where rows are missing', () => {
    expect(judge([[0, 1], whole])).toEqual({ recall: 12 / 13, short: 1 });
    expect(judge([[0, 1, 1], whole])).toEqual({ recall: 12 / 13, short: 1 });
    expect(
      judge([
        [0, 1, 2],
        [1, ...whole.slice(1)],
      ]),
    ).toEqual({ recall: 12 / 13, short: 0 });
  });

  it('must not have a row that does not match, or that is none', () => {
    expect(() => judge([[0, 1, 3]])).toThrow('query 0 answers row-3, which does not match');
    expect(() => judge([[0, 1, 'row-77']])).toThrow('row-77');
  });
});

describe('findings', () => {
  const caseOf = (key: string, count: number) => ({
    ...{ key, title: key, tests: undefined, matches: [count, count], neighbours: set.neighbours },
  });
  const pointOf = (qps: number, recall: number, short = 0) => ({
    ...{ effort: {}, qps, recall, short, p50us: 1, p99us: 1 },
  });
  const sweeps = {
    none: { cairn: [pointOf(1_000, 0.995)], peer: [pointOf(100, 0.9), pointOf(50, 1)] },
    half: { cairn: [pointOf(500, 0.98)], peer: [pointOf(400, 0.97)] },
    rare: { cairn: [pointOf(999, 1, 2)] },
  };
  const found = caseFindings([caseOf('none', 1_000), caseOf('half', 500), caseOf('rare', 9)], sweeps, 1_000);

  it('have a bar, which is higher where few rows match, and none of it at a recall below the target', () => {
    expect(found.map(({ bar, verdict }) => [bar, verdict])).toEqual([
      [0.5, 'pass'],
      [0.5, 'recall below'],
      [1, 'below'],
    ]);
    expect(found.map(({ share, ofUnfiltered }) => [share, ofUnfiltered])).toEqual([
      [1, 1],
      [0.5, 0.5],
      [0.009, 0.999],
    ]);
  });

  it('compare peers at 0.99, or at the own recall where that is less, and say where they do not reach it', () => {
    expect(found.map(({ at }) => at)).toEqual([0.99, 0.98, 0.99]);
    expect(found[0]?.peers['peer']?.ratio).toBeCloseTo(1_000 / (100 * 0.5 ** 0.9), 6);
    expect(found[1]?.peers['peer']).toEqual({ qps: null, ratio: null });
    expect(found[2]?.peers).toEqual({});
  });

  it('are checked against the earlier ones, and name answers that are short', () => {
    expect(shortLines(found)).toEqual(['rare: 2 answers have fewer than min(k, matches) rows']);
    const earlier = [
      { key: 'none', ofUnfiltered: 1 },
      { key: 'half', ofUnfiltered: 0.7 },
    ];
    expect(worseCases(found, earlier)).toEqual([
      'ratio 0.50 under half, was 0.70 and must be 0.56 at least',
      'there is no earlier ratio under rare',
    ]);
  });
});
