/**
 * What histories are made of: few ids, few numbers and few filters, so that ties, repeats and misses are the rule.
 */
import fc from 'fast-check';
import type { FilterInput, JsonObject, JsonValue } from '../../core/index.js';
import type { DocumentPredicate, ModelOrder } from './model.js';

const DAY_MS = 86_400_000;

/** UTF-16 order and UTF-8 order of these differ. */
export const IDS = [
  'a',
  'b',
  'B',
  'ab',
  'é',
  '\uff5e',
  '\ufffd',
  '\u{1f600}',
  '\u{10ffff}',
  'a\u0000',
  '\ud7ff',
  '1',
  '10',
  '2',
];

export const FILTERS: readonly { readonly input: FilterInput; readonly holds: DocumentPredicate }[] = [
  { input: { n: { $gte: 2 } }, holds: (d) => typeof d['n'] === 'number' && d['n'] >= 2 },
  { input: 'n = 1', holds: (d) => d['n'] === 1 },
  {
    input: "tag = 'x' OR n < 1",
    holds: (d) => d['tag'] === 'x' || (typeof d['n'] === 'number' && d['n'] < 1),
  },
  { input: { $not: { tag: 'x' } }, holds: (d) => d['tag'] !== 'x' },
  { input: { 'in.side': { $exists: true } }, holds: (d) => Object.hasOwn((d['in'] ?? {}) as object, 'side') },
  { input: {}, holds: () => true },
];

const id = fc.constantFrom(...IDS);
const ids = fc.array(id, { minLength: 1, maxLength: 5 });
/** Of every type, in every place of an order; some of them equal as instants, or several at once. */
const value: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  ...[null, false, true, -1, 0.5, 10, '', 'a', 'b', '\uff5e', '\u{1f600}', '1'],
  ...['2024-05-01', '2024-05-01T02:00:00+02:00', '2024-04-30T23:59:59Z', '2024-05'],
  ...[[], [3, -2], ['a', 'a', null], [[true], { side: 1 }], { side: 1 }, [{ side: 2 }]],
);
const metadata: fc.Arbitrary<JsonObject> = fc.record(
  {
    n: fc.integer({ min: 0, max: 3 }),
    tag: fc.constantFrom('x', 'y'),
    v: value,
    in: fc.record(
      { side: fc.integer({ min: 0, max: 1 }), out: fc.constant([1, { deep: null }]) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const patchMetadata = fc.oneof(
  metadata,
  fc.constantFrom<JsonObject | null>(
    null,
    { n: null },
    { in: { side: null } },
    { in: 4 },
    { tag: { side: { new: 1 } } },
  ),
);
/** Few distinct vectors: ties are the rule. */
const head: fc.Arbitrary<readonly number[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom([0, 0, 0], [1, 0, 0], [0, 1, 0]) },
  {
    weight: 1,
    arbitrary: fc.tuple(...Array.from({ length: 3 }, () => fc.constantFrom(0, 0.25, 1, -1, 2, -2.5))),
  },
);
/** Milliseconds from now. */
const expiry = fc.option(fc.constantFrom(-1, 0, 1, 5_000, 3 * DAY_MS), { nil: undefined });

const upsert = fc.record({ id, head, metadata: fc.option(metadata, { nil: undefined }), expiry });
const patchRecord = fc.record({
  id,
  head: fc.option(head, { nil: undefined }),
  metadata: fc.option(patchMetadata, { nil: undefined }),
});
const upserts = fc.array(upsert, { minLength: 1, maxLength: 6 });
const patch = fc.record(
  {
    mode: fc.constantFrom('merge' as const, 'replace' as const),
    records: fc.array(patchRecord, { minLength: 1, maxLength: 4 }),
    /** In place of records. */
    filtered: fc.record({ filter: fc.nat(FILTERS.length - 1), metadata: patchMetadata }),
  },
  { requiredKeys: ['mode', 'records'] },
);
const deletion = fc.record({
  ids: fc.option(ids, { nil: undefined }),
  filter: fc.nat(FILTERS.length - 1),
  soft: fc.boolean(),
});
type Upsert = typeof upsert extends fc.Arbitrary<infer T> ? T : never;
type Patch = typeof patch extends fc.Arbitrary<infer T> ? T : never;
type Deletion = typeof deletion extends fc.Arbitrary<infer T> ? T : never;

const writeRequest = fc.oneof(
  { weight: 4, arbitrary: fc.record({ upsert: upserts, columns: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ patch }) },
  { weight: 3, arbitrary: fc.record({ delete: deletion }) },
  { weight: 2, arbitrary: fc.record({ restore: ids }) },
  {
    weight: 3,
    arbitrary: fc.record(
      { upsert: upserts, patch, delete: deletion, /** How long ago. */ ifSequence: fc.nat(4) },
      { requiredKeys: ['upsert'] },
    ),
  },
);
export interface WriteRequest {
  readonly upsert?: readonly Upsert[];
  readonly columns?: boolean;
  readonly patch?: Patch;
  readonly delete?: Deletion;
  readonly restore?: readonly string[];
  readonly ifSequence?: number;
}

const db = fc.nat(1);
export const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('write' as const), db, request: writeRequest }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('burst' as const),
      requests: fc.array(fc.record({ db, request: writeRequest }), { minLength: 2, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('move' as const),
      ms: fc.constantFrom(1, 4_999, DAY_MS, 40 * DAY_MS, -2, -DAY_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reopen' as const), db }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('compact' as const), db }) },
);
const order: fc.Arbitrary<readonly ModelOrder[]> = fc.array(
  fc.record({
    field: fc.constantFrom('n', 'tag', 'v', 'v', 'v.side', 'in.side', 'none'),
    direction: fc.constantFrom('asc' as const, 'desc' as const),
  }),
  { minLength: 1, maxLength: 3 },
);
export const look = fc.record({
  order,
  db,
  head,
  k: fc.constantFrom(1, 2, 3, 5, 10_000),
  filter: fc.option(fc.nat(FILTERS.length - 1), { nil: undefined }),
  includeDeleted: fc.boolean(),
  bound: fc.option(fc.constantFrom(-2, 0, 0.5, 1, 2.25, 4), { nil: undefined }),
  asOf: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  id: fc.option(id, { nil: undefined }),
  limit: fc.constantFrom(1, 2, 3, 100),
});
export type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;
