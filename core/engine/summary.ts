/**
 * A collection in words: what its head tells. Copies, because answers belong to the caller and heads to everybody.
 */
import type { Head } from '../log/index.js';
import type { CollectionSummary } from './interface/index.js';

export function summaryOf({ name, schema, createdMs }: Head): CollectionSummary {
  return { name, ...structuredClone(schema), createdAt: new Date(createdMs).toISOString() };
}
