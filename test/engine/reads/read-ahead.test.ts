/**
 * Strategy: a stand-in for segments of which the second finds no room, or fails: what is read before the state is known fails in
 * silence, all of it. How many requests it may take is told to them.
 */
import { expect, test } from 'vitest';
import { CairnError } from '../../../core/base/errors.js';
import { tierLimits } from '../../../core/base/limits.js';
import { readAhead } from '../../../core/engine/reads/index.js';
import type { PageReading } from '../../../core/store/index.js';

type Ahead = Parameters<typeof readAhead>;

type LeafBlocks = (leaves: readonly number[], reading: PageReading) => Promise<unknown>;

function segmentOf(leafBlocks: LeafBlocks): unknown {
  const range = { offset: 0, length: 100 };
  const leafIndex = { leaves: 2, range: () => range, rowsIn: () => 5, centroids: { factor: 1 } };
  const file = {
    ...{ residentBytes: 1e9, rows: 10, dimension: 2, metric: 'euclidean', leafIndex, leafBlocks },
    prepareDocuments: () => Promise.reject(new Error('no documents')),
  };
  const point = { k: 10, leaves: 1, reach: 0, rerank: 10, slack: 0, reached: 1, lower: 1 };
  return { segment: { file, probeCurve: { probes: [point], covers: [] }, recallCurve: undefined } };
}

interface Rooms {
  readonly segments: number;
  /** Of how many there is room for the scan of the centroids. */
  readonly rooms: number;
}

async function readAheadOf(leafBlocks: LeafBlocks, { segments, rooms }: Rooms): Promise<void> {
  let left = rooms;
  const scan = { prepare: () => {}, centroidDistances: () => Float32Array.of(1, 2), release: () => {} };
  const residency = {
    ...{ isResident: () => false, mustStream: () => true, budgetBytes: 1e8 },
    inRoom: () => {
      if (left-- > 0) return scan;
      throw new CairnError('unavailable', 'memory_budget_exceeded', 'no room');
    },
    inReadRoom: async (_: number, read: () => Promise<unknown>) => await read(),
  };
  const { requestsParallel } = tierLimits.edge;
  const table = {
    overlays: Array.from({ length: segments }, () => segmentOf(leafBlocks)),
    store: { requestsParallel, warmth: { isDue: () => false }, residency },
    during: (reading: unknown) => reading,
  };
  const query = { vector: new Float32Array(2), k: 10, effort: { targetRecall: 0.9 }, index: 'ivf' };
  const projection = { metadata: 'all' };
  await readAhead(table as unknown as Ahead[0], { ...query, projection } as unknown as Ahead[1])!.ended;
}

test.each([1, 2])(
  'ends once all reads have, and fails in silence, where there is room for %d of two segments',
  async (rooms) => {
    let ended = 0;
    const away = async (): Promise<never> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended++;
      throw new CairnError('unavailable', 'x', 'the store is away');
    };
    const rejected: unknown[] = [];
    const onRejected = (error: unknown): void => void rejected.push(error);
    process.on('unhandledRejection', onRejected);
    await readAheadOf(away, { segments: 2, rooms });
    expect(ended).toBe(rooms);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', onRejected);
    expect(rejected).toEqual([]);
  },
);

test.each([
  [1, 5],
  [2, 2],
])(
  'leaves a place for the list of the log: of %d segments in %d requests each',
  async (segments, requests) => {
    const told: (number | undefined)[] = [];
    await readAheadOf(
      async (_, { wave }) => {
        await Promise.resolve();
        told.push(wave?.requests);
      },
      { segments, rooms: segments },
    );
    expect(told).toEqual(Array.from({ length: segments }, () => requests));
  },
);
