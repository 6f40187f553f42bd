/**
 * The filters that each set is asked under, with the exact neighbours among the rows that match:
 *
 *   none           no filter
 *   NAMED          fashion: label = that of the query; arxiv: the four of its file, a filter for each query
 *   draw-SHARE     a uniform integer field, of which this share of the rows is below the filter's number
 *   other-…        anti-correlated: label, or primary category, != that of the query
 *
 * Where a file has the neighbours and no row is left out, they are the file's; else they are computed here.
 */
import { tryReadData } from '../data-folder.mjs';
import { nearestRows } from '../nearest-rows.mjs';
import { randomFrom } from '../random.mjs';
import { neighboursOf, vectorAt } from '../real-sets.mjs';
import { NEIGHBOURS, trueDistance } from '../true-neighbours.mjs';
import { holds, mustBeFieldTest, textOf } from './field-test.mjs';

/** The generated field holds 0 to DRAWS - 1, each as often. */
const DRAWS = 10_000;
const SHARES = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1];
const DRAW_SEED = 7;
/** Neighbours that are computed: no query asks for more. */
const COMPUTED = 10;
const LABELS = 10;

/** @typedef {import('../real-sets.mjs').BenchSet} BenchSet */
/** @typedef {import('../contenders/contender.mjs').FilterField} FilterField */
/** @typedef {import('./field-test.mjs').FieldTest} FieldTest */

/**
 * @typedef {object} FilterCase
 * @property {string} key
 * @property {string} title
 * @property {readonly FieldTest[] | undefined} tests one for each query; undefined: no filter
 * @property {readonly number[]} matches rows that match, of each query
 * @property {Int32Array} neighbours NEIGHBOURS of each query, nearest first, then -1
 */

/** @typedef {Omit<FilterCase, 'matches' | 'neighbours'> & { file?: string }} Unproven `file` has its neighbours */

/**
 * @typedef {object} FilterSet
 * @property {BenchSet} set
 * @property {readonly FilterField[]} fields
 * @property {readonly import('../../dist/core/index.js').JsonObject[]} documents with the fields in them
 * @property {readonly FilterCase[]} cases
 */

/** @param {BenchSet} set with all its rows, or fewer @returns {FilterSet} */
export function filterSet(set) {
  const rows = set.ids.length;
  const { fields, named } = set.key === 'arxiv' ? papers(set) : images(set);
  const draw = drawField(rows);
  const all = [...fields, draw];
  const queries = set.queries.length / set.dimension;
  const swept = SHARES.map((share) => ({
    ...{ key: `draw-${share}`, title: `uniform, ${percent(share)}` },
    tests: Array.from({ length: queries }, () => below(draw.name, Math.round(share * DRAWS))),
  }));
  const none = { key: 'none', title: 'no filter', tests: undefined };
  const documents = Array.from({ length: rows }, (_, row) => ({
    ...set.documents?.[row],
    ...Object.fromEntries(all.map(({ name, values }) => [name, values[row] ?? null])),
  }));
  const rowsOf = rowsByTest(all);
  const cases = [none, ...named, ...swept].map((unproven) => proven(set, rowsOf, unproven));
  return { set, fields: all, documents, cases };
}

/** @param {number} share */
export function percent(share) {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** @param {string} field @param {number} value @returns {FieldTest} */
const below = (field, value) => ({ field, operator: '<', value });

/** A permutation, so that shares are exact. @param {number} rows @returns {FilterField} */
export function drawField(rows) {
  const random = randomFrom(DRAW_SEED);
  const places = Int32Array.from({ length: rows }, (_, row) => row);
  for (let last = rows - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const kept = places[last] ?? 0;
    places[last] = places[other] ?? 0;
    places[other] = kept;
  }
  const values = Array.from(places, (place) => Math.floor((place * DRAWS) / rows));
  return { name: 'draw', type: 'integer', asked: 'range', values };
}

/** @param {BenchSet} set @returns {{ fields: FilterField[], named: Unproven[] }} */
function images({ ids, queries, dimension, real }) {
  const labelsOf = (/** @type {string} */ name, /** @type {number} */ count) => {
    const random = randomFrom(count);
    const read = real ? tryReadData(name) : undefined;
    return Array.from({ length: count }, (_, at) => read?.[at] ?? Math.floor(random() * LABELS));
  };
  const values = labelsOf('fashion-mnist/train-labels.u8', ids.length);
  const asked = labelsOf('fashion-mnist/test-labels-1000.u8', queries.length / dimension);
  const testsOf = (/** @type {FieldTest['operator']} */ operator) =>
    asked.map((value) => ({ field: 'label', operator, value }));
  return {
    fields: [{ name: 'label', type: 'integer', asked: 'equality', values }],
    named: [
      {
        ...{ key: 'label', title: "label = the query's", tests: testsOf('=') },
        file: 'fashion-mnist/gt100-same-label.i32',
      },
      { key: 'other-label', title: "label != the query's", tests: testsOf('!=') },
    ],
  };
}

/** @param {BenchSet} set @returns {{ fields: FilterField[], named: Unproven[] }} */
function papers({ documents = [], queries, dimension }) {
  const file = tryReadData('arxiv-20k/filters.json');
  // Generated papers have no fields but a title and a date: nothing that filters could be about.
  if (file === undefined) return { fields: [], named: [] };
  const asked = JSON.parse(file.toString()).slice(0, queries.length / dimension);
  const fieldOf = (
    /** @type {string} */ name,
    /** @type {Omit<FilterField, 'name' | 'values'>} */ about,
  ) => ({
    ...{ name, ...about },
    values: documents.map((document) => /** @type {string | number} */ (document[name])),
  });
  const caseOf = (/** @type {string} */ key, /** @type {string} */ title) => ({
    ...{ key, title, file: `arxiv-20k/gt100-${key}.i32` },
    tests: asked.map((/** @type {Record<string, any>} */ filters) => mustBeFieldTest(filters[key])),
  });
  const own = caseOf('primary-own', "primary = the query's");
  return {
    fields: [
      fieldOf('primary', { type: 'text', asked: 'equality' }),
      fieldOf('listed', { type: 'text', asked: 'range' }),
      fieldOf('n_authors', { type: 'integer', asked: 'equality' }),
    ],
    named: [
      own,
      caseOf('primary-rare', 'primary = a rare one'),
      caseOf('recent', 'listed in the last two months'),
      caseOf('single-author', 'n_authors = 1'),
      {
        ...{ key: 'other-primary', title: "primary != the query's" },
        tests: own.tests.map((/** @type {FieldTest} */ test) => ({ ...test, operator: '!=' })),
      },
    ],
  };
}

/** @param {BenchSet} set @param {ReturnType<typeof rowsByTest>} rowsOf @param {Unproven} unproven @returns {FilterCase} */
function proven(set, rowsOf, { file, ...about }) {
  const rows = set.ids.length;
  const queries = set.queries.length / set.dimension;
  if (about.tests === undefined)
    return { ...about, matches: Array(queries).fill(rows), neighbours: set.neighbours };
  const matching = about.tests.map(rowsOf);
  const matches = matching.map((found) => found.length);
  const known = file === undefined || !set.real || !set.whole ? undefined : neighboursOf(file);
  const neighbours = known?.subarray(0, queries * NEIGHBOURS) ?? filteredNeighbours(set, matching);
  return { ...about, matches, neighbours };
}

/**
 * The rows that match, ascending. Queries often share a test.
 * @param {readonly FilterField[]} fields
 * @returns {(test: FieldTest) => Uint32Array}
 */
function rowsByTest(fields) {
  /** @type {Map<string, Uint32Array>} */
  const known = new Map();
  return (test) => {
    const key = textOf(test);
    const values = fields.find(({ name }) => name === test.field)?.values ?? [];
    const rows = known.get(key) ?? Uint32Array.from(rowsWhere(values, test));
    known.set(key, rows);
    return rows;
  };
}

/** @param {FilterField['values']} values @param {FieldTest} test */
function* rowsWhere(values, test) {
  for (const [row, value] of values.entries()) if (holds(test, value)) yield row;
}

/**
 * The nearest of the rows that match. Those among the nearest of all rows are the nearest that match: only where they are too few
 * all that match are compared.
 * @param {BenchSet} set @param {readonly Uint32Array[]} matching ascending rows, of each query
 */
export function filteredNeighbours(set, matching) {
  const found = new Int32Array(matching.length * NEIGHBOURS).fill(-1);
  for (const [query, rows] of matching.entries()) {
    const at = query * NEIGHBOURS;
    const nearest = set.neighbours.subarray(at, at + NEIGHBOURS).filter((row) => includes(rows, row));
    if (nearest.length >= Math.min(COMPUTED, rows.length)) found.set(nearest.subarray(0, COMPUTED), at);
    else found.set(nearestAmong(set, rows, query), at);
  }
  return found;
}

/** @param {BenchSet} set @param {Uint32Array} rows @param {number} query */
function nearestAmong(set, rows, query) {
  const vector = vectorAt(set.queries, set.dimension, query);
  const places = nearestRows(rows.length, COMPUTED, (place) => trueDistance(set, rows[place] ?? 0, vector));
  return places.map((place) => rows[place] ?? -1);
}

/** @param {Uint32Array} rows ascending @param {number} row */
function includes(rows, row) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] ?? 0) < row) low = middle + 1;
    else high = middle;
  }
  return rows[low] === row;
}
