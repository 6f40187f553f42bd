/**
 * Strategy: a process that has just begun asks one query of a collection in a real store, and everything that it sends is seen
 * (bench/cold-start-child.mjs). What it sends, in which waves, and what it reads are the same each time. `npm run bench:start` has an
 * index of 30 MB and tells the most resident memory, which is judged there.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { coldStart, roundTripsBeforeBody } from '../../bench/cold-start-process.mjs';
import type { ColdReport } from '../../bench/cold-start-process.mjs';
import { limits, open } from '../../core/index.js';
import { gateways, makeBucket, s3Url } from '../engines/ceph/bucket.js';

/** An index of two chunks, without a graph, which would take its time to build. */
const ROWS = 1_900;
const DIMENSION = 4_096;
const LATER_WRITES = 3;

function vectorsOf(first: number, rows: number): Float32Array {
  return Float32Array.from(
    { length: rows * DIMENSION },
    (_, at) => ((first * DIMENSION + at) * 7_919) % 10_007,
  );
}

const rowsOf = (first: number, rows: number) => ({
  ids: Array.from({ length: rows }, (_, at) => `r${first + at}`),
  vectors: vectorsOf(first, rows),
});

describe.skipIf(gateways.length === 0)('a cold start over S3', { timeout: 120_000 }, () => {
  let report: ColdReport;
  let waves: readonly (readonly string[])[];

  beforeAll(async () => {
    const url = s3Url(await makeBucket('cold'), gateways[0]!);
    const database = await open(url);
    const collection = await database.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    await collection.upsert(rowsOf(0, ROWS));
    await collection.compact();
    for (let write = 0; write < LATER_WRITES; write++) await collection.upsert(rowsOf(ROWS + write, 1));
    await database.close();
    report = await coldStart({ url, collection: 'c', vector: [...vectorsOf(7, 1)] });
    const depths = [...new Set(report.requests.map(({ depth }) => depth))];
    waves = depths.map((depth) =>
      report.requests
        .filter((request) => request.depth === depth)
        .map(({ method, path }) => `${method} ${kindOf(path)}`)
        .toSorted(),
    );
  }, 120_000);

  it('finds what is nearest', () => {
    expect(report.ids[0]).toBe('r7');
    expect(report.ids).toHaveLength(10);
  });

  it('asks for the body of the segment after three round trips', () => {
    expect(roundTripsBeforeBody(report)).toBe(3);
    expect(waves.slice(0, 3)).toEqual([
      ['GET catalog'],
      ['GET head', 'GET root', 'LIST '],
      // What the head names has come with it.
      new Array<string>(LATER_WRITES).fill('GET log'),
    ]);
    const chunks = Math.ceil(report.residentBytes / limits.residentChunkBytesMin);
    // And the ids beside it.
    expect(waves[3]).toEqual(new Array<string>(chunks + 1).fill('GET seg'));
  });

  it('reads the index once, and little beside it', () => {
    const pages = Math.ceil(report.residentBytes / limits.pageBytes);
    // A page has all ids.
    expect(chunksOf(report)).toBe((pages + 1) * limits.pageBytes);
    expect(report.bytesRead).toBeGreaterThan(report.residentBytes);
    expect(report.bytesRead).toBeLessThan(report.residentBytes * 1.25);
  });

  it('leaves nothing of the bodies lying about', () => {
    expect(report.grown.external).toBeGreaterThan(report.residentBytes);
    // Of two copies, of which either would be as long as the index; what is on its way is a third of it, and more where the machine is busy.
    expect(report.grown.buffers).toBeLessThan(report.residentBytes * 0.75);
  });
});

/** Whatever names an object is random. */
function kindOf(path: string): string {
  if (path.endsWith('.win')) return 'win';
  return /\/prefix\/(?:c\/[^/]+\/)?(catalog|head|root|log|seg)/.exec(path)?.[1] ?? '';
}

/** Bytes of the first wave of the segment's body. */
function chunksOf({ requests }: ColdReport): number {
  const first = requests[0]!.depth + 3;
  return requests
    .filter(({ depth }) => depth === first)
    .reduce((sum, { range }) => sum + range!.last - range!.first + 1, 0);
}
