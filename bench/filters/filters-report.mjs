/** The findings of the bench of filters as Markdown tables. */
import { TARGET_RECALL } from '../contenders/conditions.mjs';
import { round, whole } from '../latencies.mjs';
import { table } from '../result-files.mjs';
import { percent } from './filter-cases.mjs';
import { BAR, RARE_BAR, RARE_SHARE } from './filter-findings.mjs';

/**
 * @typedef {object} Contender
 * @property {string} key
 * @property {string} title
 * @property {string} settings
 * @property {string | undefined} version
 * @property {number} queries
 * @property {number | undefined} loadSeconds
 * @property {number} buildSeconds
 */

/** @typedef {{ columns: number, documents: number }} Columns bytes in segments */

/**
 * @typedef {object} Findings
 * @property {string} set
 * @property {number} rows
 * @property {number} queries
 * @property {number} rounds
 * @property {boolean} pinned
 * @property {Columns} columns
 * @property {readonly Contender[]} contenders
 * @property {readonly import('./filter-findings.mjs').CaseFinding[]} cases
 */

/** @param {Findings} found @param {string} ranOn */
export function reportOf(found, ranOn) {
  const { set, rounds, queries, pinned, contenders } = found;
  return [
    `# Filters on ${set}`,
    `${ranOn}. Made by \`npm run bench:filters\`; what is measured and how is in bench/filters/filters.mjs. One query after another, ` +
      `k = 10, ${queries} queries, the best of ${rounds} rounds, ${pinned ? 'every process on the same core' : 'not pinned to a core'}.`,
    `Cairn at \`targetRecall: ${TARGET_RECALL}\`. Rows are those that match, for the median query (and the least to the most); recall ` +
      `is of min(10, matching rows), short are answers of fewer. The bar is ${BAR} of the speed without a filter, and ${RARE_BAR} ` +
      `where under ${percent(RARE_SHARE)} of the rows match; a recall below the target does not pass.`,
    ownTable(found),
    ...(contenders.length > 1
      ? ['Queries per second at equal recall, and Cairn / peer:', peerTable(found)]
      : []),
    columnsLine(found.columns),
    'Building:',
    buildTable(found),
    ...contenders.map(({ title, version, settings }) => `${titleOf(title, version)}: ${settings}.`),
    '',
  ].join('\n\n');
}

/** @param {Findings} found */
export function ownTable({ cases, rows }) {
  return table(
    ['filter', 'rows', 'recall@10', 'QPS', 'p50 us', 'p99 us', 'short', '/ unfiltered', 'bar'],
    cases.map(({ title, own, ofUnfiltered, bar, verdict, key, ...matching }) => [
      ...[title, sharesText(matching, rows), own.recall.toFixed(4)],
      ...[whole(own.qps), whole(own.p50us), whole(own.p99us)],
      ...[own.short, ofUnfiltered.toFixed(2), key === 'none' ? '' : `${bar}: ${verdict}`],
    ]),
  );
}

/** @param {Pick<import('./filter-findings.mjs').CaseFinding, 'share' | 'least' | 'most'>} matching @param {number} rows */
function sharesText({ share, least, most }, rows) {
  return least === most
    ? percent(share)
    : `${percent(share)} (${percent(least / rows)} to ${percent(most / rows)})`;
}

/** @param {Findings} found */
export function peerTable({ contenders, cases }) {
  const peers = contenders.slice(1);
  return table(
    ['filter', 'recall', 'Cairn', ...peers.flatMap(({ title }) => [title, `/ ${title}`])],
    cases.map(({ title, at, own, peers: found }) => [
      ...[title, at.toFixed(4), whole(own.qps)],
      ...peers.flatMap(({ key }) => {
        const { qps, ratio } = found[key] ?? { qps: null, ratio: null };
        return [qps === null ? '-' : whole(qps), ratio === null ? '-' : ratio.toFixed(2)];
      }),
    ]),
  );
}

/** @param {Columns} columns */
export function columnsLine({ columns, documents }) {
  if (columns === 0) return 'The segments have no columns: documents are read to be filtered.';
  const share = percent(columns / documents);
  return `Columns take ${whole(columns)} bytes, deflated documents ${whole(documents)}: ${share}.`;
}

/** @param {Findings} found */
function buildTable({ contenders }) {
  return table(
    ['', 'queries', 'loaded s', 'built s'],
    contenders.map(({ title, version, queries, loadSeconds, buildSeconds }) => [
      ...[titleOf(title, version), queries],
      ...[loadSeconds === undefined ? '-' : round(loadSeconds, 2), round(buildSeconds, 2)],
    ]),
  );
}

/** @param {string} title @param {string | undefined} version */
function titleOf(title, version) {
  return [title, version].filter(Boolean).join(' ');
}
