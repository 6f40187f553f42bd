/**
 * A collection in words: what its head tells. Copies, because answers belong to the caller and heads to everybody.
 */
import { HOUR_MS } from '../base/dates.js';
import type { Head } from '../log/index.js';
import { settingsInEffect } from './input/index.js';
import type { CollectionSummary } from './interface/index.js';

export function summaryOf({ name, schema, retentionMs, createdMs }: Head): CollectionSummary {
  return {
    name,
    ...structuredClone(settingsInEffect(schema)),
    retentionHours: retentionMs / HOUR_MS,
    createdAt: new Date(createdMs).toISOString(),
  };
}
