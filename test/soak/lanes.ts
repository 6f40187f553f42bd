/**
 * Who writes where. A lane is a range of ids of one collection that one strand of one process writes to, so that what is
 * stored in it is decided by that strand's operations alone, whatever all others do to the same collection.
 */
import type { CollectionSettings } from '../../core/index.js';

export const DIMENSION = 16;

/** Different in all that changes how they are searched, folded and refused. */
export const SHARED: Readonly<Record<string, CollectionSettings>> = {
  main: { dimension: DIMENSION, metric: 'euclidean', tier: 'server' },
  edge: { dimension: DIMENSION, metric: 'cosine', tier: 'edge' },
};

export interface Lane {
  /** Of all lanes of the run; in the metadata of each of its records. */
  readonly number: number;
  readonly collection: string;
  /** A collection that this lane alone uses, and makes and drops as it likes. */
  readonly own: boolean;
  /** Of its ids. */
  readonly ids: number;
}

const LANES_OF_ONE = 4;

/** Two in one collection, so that writes of one process share slots. */
export function lanesOf(worker: number): readonly Lane[] {
  const first = worker * LANES_OF_ONE;
  return [
    { number: first, collection: 'main', own: false, ids: 500 },
    { number: first + 1, collection: 'main', own: false, ids: 300 },
    { number: first + 2, collection: 'edge', own: false, ids: 300 },
    { number: first + 3, collection: `own-${worker}`, own: true, ids: 100 },
  ];
}

export function settingsOf({ collection }: Lane): CollectionSettings {
  return (
    SHARED[collection] ?? { dimension: DIMENSION, metric: 'manhattan', tier: 'edge', quantization: 'none' }
  );
}
