/**
 * The settings of a collection as the head stores them, with every default filled in.
 */
import { limits } from '../base/limits.js';
import type { Tier } from '../base/limits.js';
import type { Metric } from '../kernel/index.js';
import type { Quantization } from './quantization.js';

export interface CollectionSchema {
  readonly dimension: number;
  readonly metric: Metric;
  readonly tier: Tier;
  readonly index: { readonly m: number; readonly efConstruction: number };
  readonly quantization: Quantization;
  readonly fields: Readonly<Record<string, { readonly filterable: boolean }>>;
  readonly softDeleteDays: number;
}

export const TIERS: readonly Tier[] = ['edge', 'server'];

/** What an integer or number setting may be. Used to check requests, and heads read from the bucket. */
export const settingRanges: Readonly<
  Record<
    'dimension' | 'm' | 'efConstruction' | 'softDeleteDays',
    { readonly min: number; readonly max: number }
  >
> = {
  dimension: { min: 1, max: limits.dimension },
  m: { min: 4, max: 64 },
  efConstruction: { min: 16, max: 1_000 },
  softDeleteDays: { min: 0, max: 3_650 },
};
