/** The findings of the bench of contenders as Markdown tables. */
import { megabytes, round, whole } from '../latencies.mjs';
import { table } from '../result-files.mjs';
import { RECALLS } from '../contenders/qps-at-recall.mjs';

/**
 * @typedef {object} Finding of one contender
 * @property {string} key
 * @property {string} title
 * @property {string} settings
 * @property {string | undefined} version
 * @property {string | undefined} note
 * @property {number | undefined} loadSeconds
 * @property {number} buildSeconds
 * @property {number} residentBytes
 * @property {number} bytesPerRow
 * @property {import('../contenders/contender.mjs').Point[]} sweep
 * @property {import('../contenders/qps-at-recall.mjs').ByRecall} qpsAt
 */

/**
 * @typedef {object} Findings
 * @property {string} set
 * @property {number} rows
 * @property {number} queries
 * @property {number} rounds
 * @property {boolean} pinned
 * @property {readonly Finding[]} contenders
 * @property {Record<string, import('../contenders/qps-at-recall.mjs').ByRecall>} ratios of Cairn to a peer
 */

/** @param {Findings} found @param {string} ranOn */
export function reportOf(found, ranOn) {
  const { set, rounds, queries, pinned, contenders } = found;
  return [
    `# ${set}`,
    `${ranOn}. Made by \`npm run bench:ann\`; what is measured and how is in bench/ann/ann.mjs. One query after another, ` +
      `k = 10, ${queries} queries, the best of ${rounds} rounds, ${pinned ? 'every process on the same core' : 'not pinned to a core'}.`,
    'Queries per second at recall@10:',
    speedTable(found),
    ...(Object.keys(found.ratios).length === 0 ? [] : ['Cairn / peer:', ratioTable(found)]),
    'Building and memory:',
    buildTable(found),
    ...contenders.flatMap((contender) => [headOf(contender), sweepTable(contender)]),
    '',
  ].join('\n\n');
}

const recallHeads = RECALLS.map((recall) => `${recall}`);

/** @param {Findings} found */
export function speedTable({ contenders }) {
  return table(
    ['', ...recallHeads],
    contenders.map(({ title, qpsAt }) => [title, ...RECALLS.map((recall) => textOf(qpsAt[recall], whole))]),
  );
}

/** @param {Findings} found */
export function ratioTable({ ratios }) {
  return table(
    ['', ...recallHeads],
    Object.entries(ratios).map(([peer, at]) => [
      peer,
      ...RECALLS.map((recall) => textOf(at[recall], (ratio) => ratio.toFixed(2))),
    ]),
  );
}

/** @param {Findings} found */
export function buildTable({ contenders, rows }) {
  return table(
    ['', 'loaded s', 'built s', 'vectors/s', 'resident', 'bytes a row'],
    contenders.map(({ title, loadSeconds, buildSeconds, residentBytes, bytesPerRow }) => [
      title,
      loadSeconds === undefined ? '-' : round(loadSeconds, 2),
      round(buildSeconds, 2),
      whole(rows / buildSeconds),
      megabytes(residentBytes),
      whole(bytesPerRow),
    ]),
  );
}

/** @param {Finding} contender */
function headOf({ title, version, settings, note }) {
  return `${[title, version].filter(Boolean).join(' ')}: ${settings}${note === undefined ? '' : ` (${note})`}:`;
}

/** @param {Finding} contender */
function sweepTable({ sweep }) {
  return table(
    ['effort', 'recall@10', 'QPS', 'p50 us', 'p99 us'],
    sweep.map(({ effort, recall, qps, p50us, p99us }) => [
      effortText(effort),
      recall.toFixed(4),
      whole(qps),
      whole(p50us),
      whole(p99us),
    ]),
  );
}

/** `ef 64, refine 2`. @param {import('../contenders/contender.mjs').Effort} effort */
function effortText(effort) {
  return Object.entries(effort)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** @param {number | null | undefined} value @param {(value: number) => string} text */
function textOf(value, text) {
  return value === null || value === undefined ? '-' : text(value);
}
