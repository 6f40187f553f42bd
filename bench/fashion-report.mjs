/** The findings of the main bench as Markdown tables. */
import { megabytes, perSecond, round, whole } from './latencies.mjs';
import { table } from './result-files.mjs';

/**
 * @typedef {object} Findings
 * @property {string} set
 * @property {number} rows
 * @property {number} rawBytes of the vectors as f32
 * @property {{ ms: number, waits: number, waitedMs: number }} ingest
 * @property {import('./collection-load.mjs').Compaction & { cpuMs: number }} compaction
 * @property {import('./peers/hnswlib.mjs').PeerReport | undefined} peer
 * @property {import('./fashion.mjs').Measured} first
 * @property {readonly import('./fashion.mjs').Measured[]} queries
 * @property {any} usage
 * @property {any} stats
 * @property {{ now: number, most: number }} memory of the server's process
 * @property {Record<string, { objects: number, bytes: number }>} disk
 */

/** @param {Findings} found @param {string} ranOn */
export function reportOf(found, ranOn) {
  return [
    `# ${found.set}\n\n${ranOn}. Made by \`npm run bench:fashion\`; what is measured and how is in bench/fashion.mjs.`,
    table(['', ''], buildRows(found)),
    firstLine(found),
    `Queries, ${found.queries[0]?.http.count} of each kind, one after another, \`include: []\`:`,
    queryTable(found),
    ...(found.peer === undefined ? [] : [peerLine(found.peer), peerTable(found.peer)]),
    'On disk, after the compaction and before anything was collected:',
    table(
      ['kind', 'objects', 'bytes'],
      Object.entries(found.disk).map(([kind, { objects, bytes }]) => [kind, objects, megabytes(bytes)]),
    ),
    `\`usage\` of one query, k = 10, default target: \`${JSON.stringify(found.usage)}\``,
    '',
  ].join('\n\n');
}

/** @param {Findings} found @returns {[string, string][]} */
function buildRows({ rows, rawBytes, ingest, compaction, peer, stats, memory }) {
  const compactionSeconds = compaction.ms / 1_000;
  /** @type {any[]} */
  const segments = stats.segments;
  const resident = segments.reduce((sum, { resident_bytes: bytes }) => sum + (bytes ?? 0), 0);
  const segmentBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    ['vectors', `${whole(rows)}, ${megabytes(rawBytes)} as f32`],
    ['ingested', `${perSecond(rows, ingest.ms)} vectors/s, ${ingest.waits} waits for 429`],
    [
      'compacted',
      `${perSecond(rows, compaction.ms)} vectors/s: ${round(compactionSeconds, 2)} s in ${compaction.calls} calls, ` +
        `${round(compaction.cpuMs / 1_000, 2)} s of processor time`,
    ],
    ...(peer === undefined
      ? []
      : /** @type {[string, string][]} */ ([
          [
            'hnswlib, same rows, one core',
            `${perSecond(rows, peer.build_seconds * 1_000)} vectors/s: ${round(peer.build_seconds, 2)} s`,
          ],
          [
            'compaction / hnswlib',
            compaction.ms > 0 ? String(round(peer.build_seconds / compactionSeconds, 2)) : '-',
          ],
        ])),
    ['segments', `${segments.length}, ${megabytes(segmentBytes)}`],
    ['resident, of segments', megabytes(resident)],
    ['`memory` of stats', `\`${JSON.stringify(stats.memory)}\``],
    ['process of the server', `${megabytes(memory.now)}, at most ${megabytes(memory.most)}`],
  ];
}

/** @param {Findings} found */
function firstLine({ first: { k, target, http, library } }) {
  const both = `p50 ${http.p50.toFixed(2)} ms over HTTP, ${library.p50.toFixed(2)} ms in process`;
  return `The first ${http.count} queries of both processes, while V8 compiles (k = ${k}, target ${target}): ${both}. Then, warm:`;
}

/** @param {Findings} found */
function queryTable({ queries }) {
  const head = ['k', 'target', 'recall', 'QPS', 'p50 ms', 'p99 ms', 'in-process p50', 'p99', 'HTTP p50 adds'];
  return table(
    head,
    queries.map(({ k, target, http, library }) => [
      k,
      target,
      `${http.recall.toFixed(4)}${http.recall >= target ? '' : ' **below**'}`,
      whole(http.qps),
      http.p50.toFixed(2),
      http.p99.toFixed(2),
      library.p50.toFixed(2),
      library.p99.toFixed(2),
      `${(http.p50 - library.p50).toFixed(2)} ms`,
    ]),
  );
}

/** @param {import('./peers/hnswlib.mjs').PeerReport} peer */
function peerLine({ instructions, pinned }) {
  return `hnswlib, \`-O3 -march=native\` (${instructions}), M 16, ef_construction 128, one thread${pinned ? ' pinned to a core' : ''}, k = 10:`;
}

/** @param {import('./peers/hnswlib.mjs').PeerReport} peer */
function peerTable({ sweep }) {
  return table(
    ['ef', 'recall@10', 'QPS'],
    sweep.map(({ ef, recall, qps }) => [ef, recall.toFixed(4), whole(qps)]),
  );
}
