/** The tables of the bench of cold queries of a large collection, and what larger ones would take. */
import { megabytes, round, whole } from '../latencies.mjs';
import { machineLine, table } from '../result-files.mjs';

/** How bytes that are read grow with the rows of a collection. @typedef {'tails' | 'leaf blocks' | 'rows' | 'whole index'} Share */
/** @typedef {{ p50: number, p90: number, most: number }} Spread */
/**
 * @typedef {{
 *   recall: number, mostInFlight: number, ms: Spread, msAfterHead: Spread, chain: Spread, waves: Spread, requests: Spread, megabytes: Spread, peakMegabytes: Spread,
 * }} Summary
 */

/** Sections of the end of a segment, which is read whole when it is opened, and the root, which mostly has it. */
const TAIL = /^(root|leafStarts|expiries|statistics|columnIndex|leafIndex|footer and filling)$/;
const LEAF_BLOCKS = /^leaves$/;
/** What is fetched of single rows. */
const ROWS = /^(vectors|ids|documents|seqs)$/;
/** Of the collection, whatever its size. */
const OTHER = /^(catalog|head|log|del|win|list|batch)$/;

/** @param {string} part @returns {Share | undefined} undefined: not of a segment */
function shareOf(part) {
  if (OTHER.test(part)) return undefined;
  if (TAIL.test(part)) return 'tails';
  if (LEAF_BLOCKS.test(part)) return 'leaf blocks';
  return ROWS.test(part) ? 'rows' : 'whole index';
}

/**
 * @param {{
 *   machine: ReturnType<typeof import('../result-files.mjs').machine>,
 *   profile: string, load: number, rows: number, dimension: number, queries: number, seconds: Record<string, number>,
 *   memoryBudgetBytes: number, parts: Record<string, number>, segments: { rows: number, bytes: number }[], server: Summary,
 * } & Summary} found
 */
export function leavesReport(found) {
  const { machine, profile, load, rows, dimension, queries, seconds, segments, parts } = found;
  return `${[
    '# The first query of a handler, of a large collection',
    `${machineLine(machine)}; load before ${load}. Made by \`npm run bench:cold-leaves\`; what is measured and how is in bench/cold/leaves.mjs, the generator in bench/cold/embedding-set.mjs. ${whole(rows)} x ${dimension}, cosine, ${queries} queries, each by a handler that holds nothing: ${megabytes(found.memoryBudgetBytes)} of memory, store \`${profile}\`, k = 10 at target recall 0.95.`,
    '## Tier edge: a Worker, with six connections',
    ...summaryTable(found),
    '## Tier server: a function of a cloud, with as many as it wants',
    ...summaryTable(found.server),
    '## What is read, tier edge',
    table(
      ['part', 'is of', 'bytes per query'],
      Object.entries(parts)
        .toSorted(([, a], [, b]) => b - a)
        .map(([part, bytes]) => [part, shareOf(part) ?? 'the collection', whole(bytes)]),
    ),
    `Means. The collection has ${segments.length} segments, of ${segments.map((segment) => whole(segment.rows)).join(', ')} rows and ${segments.map(({ bytes }) => megabytes(bytes)).join(', ')}.`,
    '## What larger collections would take',
    scaleTable(found),
    'Arithmetic from the bytes above, not measured. Tails, with the index of leaves, grow with the rows; what of them is too large for the root is read beside it. So do whole indexes. Leaf blocks and single rows are fetched from each segment: they grow with the segments where these stay as large as they are, and stay what they are where segments grow instead.',
    '## Making it',
    table(
      ['step', 'seconds'],
      Object.entries(seconds).map(([step, took]) => [step, round(took, 1)]),
    ),
  ].join('\n\n')}\n`;
}

/** @param {Summary} found */
function summaryTable({
  recall,
  mostInFlight,
  ms,
  msAfterHead,
  chain,
  waves,
  requests,
  megabytes: read,
  peakMegabytes,
}) {
  const line = (/** @type {string} */ name, /** @type {Spread} */ { p50, p90, most }) => [
    name,
    p50,
    p90,
    most,
  ];
  return [
    table(
      ['', 'p50', 'p90', 'most'],
      [
        line('ms', ms),
        line('ms after the head', msAfterHead),
        line('round trips after the head: longest chain', chain),
        line('round trips after the head: waves', waves),
        line('requests', requests),
        line('MB read', read),
        line('MB of memory, peak', peakMegabytes),
      ],
    ),
    `Recall@10: **${recall}**. Most requests in flight at once: ${mostInFlight}.`,
  ];
}

/** @param {{ rows: number, parts: Record<string, number> }} found */
function scaleTable({ rows, parts }) {
  /** @type {Record<Share, number>} */
  const shares = { tails: 0, 'leaf blocks': 0, rows: 0, 'whole index': 0 };
  let fixed = 0;
  for (const [part, bytes] of Object.entries(parts)) {
    const share = shareOf(part);
    if (share === undefined) fixed += bytes;
    else shares[share] += bytes;
  }
  const names = /** @type {Share[]} */ (Object.keys(shares));
  const sizes = [rows, 10 * rows, 100 * rows];
  const perSegment = new Set(['leaf blocks', 'rows']);
  const of = (/** @type {Share} */ name, /** @type {number} */ size, /** @type {boolean} */ more) =>
    shares[name] * (perSegment.has(name) && !more ? 1 : size / rows);
  const cells = (/** @type {number} */ size, /** @type {boolean} */ more) => [
    ...names.map((name) => megabytes(of(name, size, more))),
    megabytes(names.reduce((sum, name) => sum + of(name, size, more), fixed)),
  ];
  return table(
    ['rows', 'segments', ...names, 'all'],
    sizes.flatMap((size) =>
      size === rows
        ? [[whole(size), 'as measured', ...cells(size, true)]]
        : [
            [whole(size), 'more of them', ...cells(size, true)],
            [whole(size), 'larger ones', ...cells(size, false)],
          ],
    ),
  );
}
