/**
 * A collection in words: what its head tells. Copies, because answers belong to the caller and heads to everybody.
 */
import type { Head } from '../log/index.js';
import type { CollectionSummary } from './interface/index.js';

export const HOUR_MS = 3_600_000;

export function summaryOf({ name, schema, retentionMs, createdMs }: Head): CollectionSummary {
  return {
    name,
    ...structuredClone(schema),
    retentionHours: retentionMs / HOUR_MS,
    createdAt: new Date(createdMs).toISOString(),
  };
}
