/**
 * How far a fresh process is from its first answer, over a real S3 store: a collection with an index of 30 MB in one segment, and some
 * writes in the log since; in the end once more with a write of a record that the segment holds, which has to be looked up there first.
 * Requests, dependent round trips before the body of the segment, bytes, milliseconds, and the most memory that the process took beyond
 * that of an open database:
 *
 *   npm run build && npm run bench:start -- --rows 30000 --runs 5
 *
 * Starts a Ceph on loopback (test/engines/ceph). Fashion-MNIST, or generated data of its shape where that is absent. cold-start-child.mjs says
 * what memory is held against what.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';
import { startBundledCluster } from '../test/engines/ceph/bundled-cluster.mjs';
import { newBucket, s3Url } from '../test/engines/ceph/new-bucket.mjs';
import { coldStart, roundTripsBeforeBody } from './cold-start-process.mjs';
import { fashionMnistQueries, fashionMnistTrain } from './data-folder.mjs';

const AT_ONCE = 2_000;
const LATER_WRITES = 3;
const ROUND_TRIPS_MOST = 3;
const MEMORY_SHARE_MOST = 1.25;

const { values: flags } = parseArgs({
  options: { rows: { type: 'string', default: '30000' }, runs: { type: 'string', default: '5' } },
});
const [rows, runs] = [Number(flags.rows), Number(flags.runs)];
const { vectors, dimension, name } = fashionMnistTrain();
const queries = fashionMnistQueries().vectors;
const mib = (/** @type {number} */ bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** @param {number} from @param {number} count */
const rowsOf = (from, count) => ({
  ids: Array.from({ length: count }, (_, at) => `r${from + at}`),
  vectors: vectors.subarray(from * dimension, (from + count) * dimension),
});

const cluster = await startBundledCluster();
try {
  const [endpoint = ''] = cluster.gateways;
  const url = s3Url(await newBucket(endpoint, 'cold'), endpoint);
  console.log(`${name}, ${rows} x ${dimension}`);
  await withCollection(url, async (collection) => {
    for (let row = 0; row < rows; row += AT_ONCE)
      await collection.upsert(rowsOf(row, Math.min(AT_ONCE, rows - row)));
    await collection.compact();
    for (let write = 0; write < LATER_WRITES; write++) await collection.upsert(rowsOf(rows + write, 1));
  });
  for (let run = 0; run < runs; run++) await measure(url, run, run === 0);
  console.log('with a record of the segment written anew:');
  await withCollection(url, (collection) => collection.upsert(rowsOf(0, 1)));
  await measure(url, 0, true);
} finally {
  await cluster.stop();
}

/** @param {string} url @param {(collection: import('../dist/core/index.js').Collection) => Promise<unknown>} use */
async function withCollection(url, use) {
  const database = await open(url);
  const settings = /** @type {const} */ ({ dimension, metric: 'euclidean' });
  await use(await database.createCollection('c', settings));
  await database.close();
}

/** @param {string} url @param {number} query @param {boolean} inFull */
async function measure(url, query, inFull) {
  const vector = [...queries.subarray(query * dimension, (query + 1) * dimension)];
  print(await coldStart({ url, collection: 'c', vector }), inFull);
}

/** @param {import('./cold-start-child.mjs').ColdReport} report @param {boolean} inFull */
function print(report, inFull) {
  const { requests, opening, residentBytes, segmentBytes, rss, grown, bytesRead, ms } = report;
  if (inFull) {
    console.log(
      `a segment of ${mib(segmentBytes)}, of which its index takes ${mib(residentBytes)} of memory`,
    );
    console.log(`opening the store, with its self-test: ${opening.length} requests; the query:`);
    for (const { depth, method, path, range } of requests) {
      const asked = range === undefined ? '' : ` ${range.first}-${range.last}`;
      console.log(
        `  ${depth - (requests[0]?.depth ?? 0) + 1}  ${method} ${path.split('/').slice(4).join('/')}${asked}`,
      );
    }
  }
  const trips = roundTripsBeforeBody(report);
  const peak = rss === undefined ? undefined : rss.peak - rss.base;
  const memory =
    peak === undefined
      ? 'memory is not told here'
      : `at most ${mib(peak)} more than the ${mib(rss?.base ?? 0)} of the open database, ` +
        `${(peak / residentBytes).toFixed(2)} of the index (${verdict(peak <= MEMORY_SHARE_MOST * residentBytes)})`;
  console.log(
    `${ms.toFixed(0)} ms, ${requests.length} requests, ${mib(bytesRead)} read; ${trips} round trips before the body ` +
      `(${verdict(trips <= ROUND_TRIPS_MOST)}); ${memory}; of that chunks ${mib(grown.buffers)}, heap ${mib(grown.heap)}`,
  );
}

/** @param {boolean} held */
function verdict(held) {
  if (!held) process.exitCode = 1;
  return held ? 'held' : 'NOT HELD';
}
