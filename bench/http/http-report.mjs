/** The tables of the HTTP bench. */
import { megabytes, whole } from '../latencies.mjs';
import { machineLine, table } from '../result-files.mjs';

/**
 * @typedef {object} Profile
 * @property {string} form
 * @property {number} connections
 * @property {number} qps
 * @property {number} serverUs
 * @property {{ layer: string, us: number }[]} layers
 */

/**
 * @param {{
 *   machine: ReturnType<typeof import('../result-files.mjs').machine>,
 *   wrk: string, rows: number, threads: number, dimension: number, load: number, recall: number, residentBytes: number,
 *   library: { consistency: string, qps: number, us: number, p50: number, p99: number }[],
 *   measured: { form: string, connections: number, qps: number, serverUs: number, clientUs: number, p50: number, p99: number, rates: number[] }[],
 *   profiles: Profile[],
 * }} found
 */
export function httpReport({
  machine,
  wrk,
  rows,
  threads,
  dimension,
  load,
  recall,
  residentBytes,
  library,
  measured,
  profiles,
}) {
  const parts = [
    '# Queries through HTTP',
    `${machineLine(machine)}; load before ${load}. Made by \`npm run bench:http\`; what is measured and how is in bench/http/http.mjs. \`cairn serve --threads ${threads}\` over ${whole(rows)} x ${dimension} generated clustered vectors, euclidean, k = 10 at target recall 0.95, \`include: []\`; wrk ${wrk} on the same cores. Recall@10 of the answers ${recall}; the server's resident memory ${megabytes(residentBytes)}.`,
    '## Rate',
    table(
      [
        'body',
        'connections',
        'queries/s',
        'server us',
        'wrk us',
        'p50 ms',
        'p99 ms',
        'queries/s of each round',
      ],
      measured.map(({ form, connections, qps, serverUs, clientUs, p50, p99, rates }) => [
        ...[form, connections, whole(qps), serverUs, clientUs, p50, p99],
        rates.map((rate) => whole(rate)).join(', '),
      ]),
    ),
    '"us" are microseconds of processor time per query, of all threads, system calls included. `ten` are ten queries in one request, whose time p50 and p99 tell.',
    '## The same queries without HTTP',
    table(
      ['`collection.query`, one after another', 'queries/s', 'us', 'p50 ms', 'p99 ms'],
      library.map(({ consistency, qps, us, p50, p99 }) => [consistency, whole(qps), us, p50, p99]),
    ),
  ];
  if (profiles.length > 0) {
    const layers = [...new Set(profiles.flatMap((profile) => profile.layers.map(({ layer }) => layer)))];
    const at = (/** @type {Profile} */ profile, /** @type {string} */ layer) =>
      profile.layers.find((one) => one.layer === layer)?.us ?? 0;
    parts.push(
      '## Where the time goes',
      table(
        ['microseconds per query', ...profiles.map(({ form }) => form)],
        [
          ...layers.map((layer) => [layer, ...profiles.map((profile) => at(profile, layer))]),
          ['all of it', ...profiles.map(({ serverUs }) => serverUs)],
          ['queries/s meanwhile', ...profiles.map(({ qps }) => whole(qps))],
        ],
      ),
      `The shares that a profile (\`--cpu-prof\`) finds, of the processor time of a server without threads, ${profiles[0]?.connections} connections, with what the profile itself takes.`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}
