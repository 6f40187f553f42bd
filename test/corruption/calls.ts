/**
 * What a process asks of a collection, read by read and write by write, and what of the answers may not differ: all that
 * says which records there are and what they hold. What says how they lie may.
 */
import type { Collection } from '../../core/index.js';
import { records, recordOf, upTo } from './bucket.js';
import type { Name } from './bucket.js';

export interface Step {
  readonly name: string;
  /** The number of a write that changes records: who knows which of them were applied knows the state. */
  readonly write?: number;
  readonly call: (c: Collection, name: Name) => Promise<unknown>;
}

const include = ['metadata', 'vector', 'expires_at'];
const asked = { vector: [1, 2, 3, 4], k: 7 };
const byColumns = "n >= 8 AND (tags = 't1' OR text LIKE '%word 6%') AND NOT n = 60";
const ids = ['r', 's', 'b'].flatMap((prefix) =>
  upTo(90).map((n) => `${prefix}${String(n).padStart(2, '0')}`),
);

const reads: readonly Step[] = [
  { name: 'query, exact', call: (c) => c.query({ ...asked, exact: true, include }) },
  { name: 'query, by the index', call: (c) => c.query({ ...asked, ef: 60, include }) },
  { name: 'query, by columns', call: (c) => c.query({ ...asked, exact: true, filter: byColumns }) },
  { name: 'fetch', call: (c) => c.fetch({ ids: [...ids, 'waiting', 'z'], include, includeDeleted: true }) },
  { name: 'count', call: (c) => c.count() },
  { name: 'count, facets', call: (c) => c.count({ filter: byColumns, facets: { n: 9, tags: 9, of: 2 } }) },
  { name: 'scan', call: (c) => c.scan({ limit: 200, include, includeDeleted: true }) },
  {
    name: 'scan, in an order',
    call: (c) => c.scan({ limit: 20, orderBy: [{ field: 'n', direction: 'desc' }] }),
  },
  { name: 'scan, by columns', call: (c) => c.scan({ limit: 50, filter: byColumns }) },
  {
    name: 'describe',
    call: async (c) => {
      const { segments: _, ...told } = await c.describe();
      return told;
    },
  },
  {
    name: 'stats',
    call: async (c) => {
      const { sequence, records: counted } = await c.stats();
      return { sequence, visible: counted.visible, softDeleted: counted.softDeleted };
    },
  },
];

const writes: readonly Step[] = [
  {
    name: 'the first write again',
    call: (c, name) => c.upsert(records(name, 'r', upTo(20)), { idempotencyKey: 'first' }),
  },
  {
    name: 'the last write again',
    call: (c, name) => c.upsert([recordOf(name, 'z', 99)], { idempotencyKey: 'last' }),
  },
  {
    name: 'upsert',
    write: 1,
    call: (c, name) =>
      c.upsert([recordOf(name, 'new', 98), recordOf(name, 'r07', 97)], { idempotencyKey: 'upsert' }),
  },
  {
    name: 'patch',
    write: 2,
    call: (c) =>
      c.patch({ filter: 'n >= 3 AND n < 6', metadata: { seen: true } }, { idempotencyKey: 'patch' }),
  },
];

const [exact, byIndex, columns, , count, , scan] = reads as readonly [
  Step,
  Step,
  Step,
  Step,
  Step,
  Step,
  Step,
];

/** Where an answer depends on how far a compaction got, only that there is one counts. */
const compact: Step = {
  name: 'compact',
  call: async (c) => {
    await c.compact();
    return 'done';
  },
};

export const steps: readonly Step[] = [
  ...reads,
  ...writes,
  scan,
  compact,
  ...[exact, byIndex, columns, count, scan],
];

/** Of a collection whose neighbour is damaged. */
export const neighbourSteps: readonly Step[] = [exact, count];

/** An answer as text, without what it cost. */
export function textOf(answer: unknown): string {
  return JSON.stringify(answer, (key, value: unknown) => (key === 'usage' ? undefined : value));
}
