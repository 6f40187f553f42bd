/**
 * Where an operation may be cut off: before and after each request that changes the store. Named by what the request is
 * of; the test holds this list against what the operations do, in both directions.
 */

const compaction = [
  'put work',
  'put head copy',
  'put head',
  'finish segment',
  'put window',
  'put head copy',
  'put head',
  'put root',
] as const;

const points = {
  write: ['put slot'],
  'large write': ['put batch', 'put slot'],
  fold: compaction,
  merge: compaction,
  // Garbage, then the hint that there was work.
  collect: ['put head copy', 'put head', 'delete', 'delete'],
  snapshot: ['put head copy', 'put head'],
  'snapshot of the past': ['put head copy', 'put head'],
  'snapshot deletion': ['put head copy', 'put head'],
  retention: ['put head copy', 'put head'],
  restore: ['put head copy', 'put head', 'put slot'],
  'fold of a restore': compaction,
  branch: [
    'put work',
    'put head copy',
    'put head',
    'finish segment',
    'put deletions',
    'put window',
    'put head',
    'put entry',
  ],
  // The branch was dropped: the fence of its parent, which then lets go of what it named; the objects of both, and its hint.
  'collection of a branch': [
    'put head copy',
    'put head',
    'put head copy',
    'put head',
    'put work',
    'delete',
    'delete',
    'delete',
  ],
  drop: ['put head copy', 'put head', 'put work', 'put entry'],
} as const;

export type CrashedOperation = keyof typeof points;
export type CrashedRequest = (typeof points)[CrashedOperation][number];
export interface CrashPoint {
  readonly operation: CrashedOperation;
  /** Which of the operation's requests. */
  readonly at: number;
  readonly request: CrashedRequest;
  readonly when: 'before' | 'after';
}

export const crashedOperations: readonly CrashedOperation[] = Object.keys(points) as CrashedOperation[];

export const requestsOf = (operation: CrashedOperation): readonly CrashedRequest[] => points[operation];

export const crashPoints: readonly CrashPoint[] = crashedOperations.flatMap((operation) =>
  requestsOf(operation).flatMap((request, at) =>
    (['before', 'after'] as const).map((when) => ({ operation, at, request, when })),
  ),
);
