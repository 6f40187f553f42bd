/** What the tests of threads share: the built library, whose threads are files of their own, and what it is asked. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import type * as library from '../../core/index.js';
import { root } from '../../scripts/set-up.mjs';
import { numberSource } from '../kernel/number-source.js';

const built = join(root, 'dist/core/index.js');
if (!existsSync(built)) throw new Error(`${built} is missing: run \`npm run build\` first`);
export const { open } = (await import(built)) as typeof library;

/** Those that were started since. */
export const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));

const data = process.env['CAIRN_DATA'] ?? join(root, '../shared/data');
export const hasData: boolean = existsSync(join(data, 'README.md'));

function read(name: string): Float32Array {
  return new Float32Array(Uint8Array.from(gunzipSync(readFileSync(join(data, `${name}.gz`)))).buffer);
}

export interface Rows {
  readonly dimension: number;
  readonly metric: 'cosine' | 'euclidean' | 'dot' | 'manhattan';
  readonly vectors: Float32Array;
  readonly queries: readonly Float32Array[];
}

/** Abstracts of papers: real vectors and real queries. */
export function abstracts(rows: number, queries: number): Rows {
  const dimension = 256;
  const asked = read('arxiv-20k/query-lsa256.f32');
  return {
    ...{ dimension, metric: 'cosine' },
    vectors: read('arxiv-20k/base-lsa256.f32').slice(0, rows * dimension),
    queries: Array.from({ length: queries }, (_, i) => asked.slice(i * dimension, (i + 1) * dimension)),
  };
}

/** Around centres of their own. */
export function generated(rows: number, queries: number, metric: Rows['metric'], dimension = 48): Rows {
  const next = numberSource(rows + dimension);
  const centres = Array.from({ length: 60 }, () => Float32Array.from({ length: dimension }, next));
  const draw = (count: number): Float32Array => {
    const drawn = new Float32Array(count * dimension);
    for (let at = 0; at < drawn.length; at += dimension) {
      const centre = centres[Math.floor(((next() + 1) / 2) * 60)]!;
      for (let d = 0; d < dimension; d++) drawn[at + d] = centre[d]! + 0.5 * (next() + next());
    }
    return drawn;
  };
  const asked = draw(queries);
  return {
    ...{ dimension, metric, vectors: draw(rows) },
    queries: Array.from({ length: queries }, (_, i) => asked.slice(i * dimension, (i + 1) * dimension)),
  };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'cairn-threads-'));
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Nothing tells when a thread takes its first job: by then they do. Without, the caller does all that there is before that. */
export async function threadsHaveStarted(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

/** The rows `from` to `end` as `r{row}`, with fields to filter by. */
export async function upsert(
  to: library.Collection,
  { vectors, dimension }: Rows,
  from: number,
  end: number,
): Promise<void> {
  for (let first = from; first < end; first += 5_000) {
    const last = Math.min(end, first + 5_000);
    const rows = Array.from({ length: last - first }, (_, i) => first + i);
    await to.upsert({
      ids: rows.map((row) => `r${row}`),
      vectors: vectors.subarray(first * dimension, last * dimension),
      metadata: rows.map((row) => ({ hundred: row % 100, third: row % 3 === 0 })),
    });
  }
}

/** Every way to ask that an index answers differently. */
function waysToAsk(): readonly Partial<library.QueryInput>[] {
  return [
    {},
    { k: 1 },
    { k: 100, targetRecall: 0.99 },
    { ef: 20 },
    { ef: 400, k: 50 },
    { filter: { third: true } },
    { filter: { hundred: 7 } },
    { filter: { hundred: { $lt: 20 } }, k: 20 },
    { filter: { hundred: { $lt: 90 } } },
    { exact: true },
    { exact: true, filter: { hundred: { $gte: 50 } } },
  ];
}

/** No thread has a part in what is exact, which reads all raw vectors for each query: so many stand for all. */
const ASKED_EXACTLY = 5;

/** What each query finds in each way, asked all at once. */
export async function ask(of: library.Collection, { queries }: Rows): Promise<readonly library.Match[][]> {
  const answers = await Promise.all(
    waysToAsk().flatMap((way) =>
      (way.exact === true ? queries.slice(0, ASKED_EXACTLY) : queries).map((vector) =>
        of.query({ vector, consistency: 'eventual', include: [], ...way }),
      ),
    ),
  );
  return answers.map(({ matches }) => [...matches]);
}
