/** Patches by filter, facets and orders that are no such thing. */
import { code } from './bad-row.js';
import type { BadRow } from './bad-row.js';

export const selectionShapes: readonly BadRow[] = [
  [
    'records and a filter at once',
    'patch',
    { records: [], filter: {}, metadata: {} },
    400,
    code('invalid_field', 'either records or filter'),
  ],
  ['neither records nor a filter', 'patch', {}, 400, code('invalid_field', 'either records or filter')],
  [
    'a filter without metadata',
    'patch',
    { filter: {} },
    400,
    code('invalid_field', 'metadata goes with filter'),
  ],
  [
    'metadata beside records',
    'patch',
    { records: [], metadata: {} },
    400,
    code('invalid_field', 'metadata goes'),
  ],
  [
    'a vector for all',
    'patch',
    { filter: {}, metadata: {}, vector: [1, 1] },
    400,
    code('unknown_field', 'vector'),
  ],
  ['metadata of another kind', 'patch', { filter: {}, metadata: [] }, 400, code('invalid_metadata')],
  [
    'an unknown field of an order',
    'scan',
    { order_by: [{ field: 'n', directoin: 'asc' }] },
    400,
    { code: 'unknown_field', details: { field: 'directoin', nearest: 'direction' } },
  ],
  ['an order of nothing', 'scan', { order_by: [] }, 400, code('invalid_field', 'order_by')],
  [
    'a direction',
    'query',
    { order_by: [{ field: 'n', direction: 'up' }] },
    400,
    code('invalid_field', '"asc", "desc"'),
  ],
  [
    'a vector and an order',
    'query',
    { vector: [1, 0], order_by: [{ field: 'n' }] },
    400,
    code('invalid_request', 'or else order_by'),
  ],
  [
    'an order and a bound',
    'query',
    { order_by: [{ field: 'n' }], min_score: 1 },
    400,
    code('invalid_request', 'min_score has no meaning with order_by'),
  ],
  [
    'a cursor of another order',
    'scan',
    { order_by: [{ field: 'n' }], cursor: 'MWE' },
    400,
    code('invalid_cursor'),
  ],
  [
    'facets that are an array',
    'count',
    { facets: ['n'] },
    400,
    code('invalid_request', 'facets must be an object'),
  ],
  ['no facets', 'count', { facets: {} }, 400, code('empty_batch', 'facets')],
  ['a facet of none', 'count', { facets: { n: 0 } }, 400, code('invalid_request', 'facetLimit')],
];

export const selectionExcesses: readonly BadRow[] = [
  [
    'the fields of an order',
    'scan',
    { order_by: Array.from({ length: 5 }, () => ({ field: 'n' })) },
    400,
    { details: { limit: 'order_by', value: 5, maximum: 4 } },
  ],
  [
    'the values of a facet',
    'count',
    { facets: { n: 1_001 } },
    400,
    { details: { limit: 'facetLimit', value: 1_001, maximum: 1_000 } },
  ],
  [
    'facets',
    'count',
    { facets: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`f${i}`, 1])) },
    400,
    { details: { limit: 'facetFields', value: 17, maximum: 16 } },
  ],
];
