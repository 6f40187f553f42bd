/** The tables of the cold bench. */
import { whole } from '../latencies.mjs';
import { machineLine, table } from '../result-files.mjs';

/** @typedef {import('./cold.mjs').Measured} Measured */
/** @typedef {import('./cold.mjs').Times} Times */

/** @param {Times} times */
const both = ({ p50, p99 }) => `${short(p50)} / ${short(p99)}`;

/** Milliseconds, as exact as they are steady. @param {number} ms */
const short = (ms) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));

/** `1,000,000 x 128`. @param {string} set */
function named(set) {
  const [rows, dimension] = set.split('x').map(Number);
  return `${whole(rows ?? 0)} x ${dimension}`;
}

/**
 * @param {{
 *   machine: ReturnType<typeof import('../result-files.mjs').machine>,
 *   profiles: typeof import('./latency-store.mjs').profiles,
 *   starts: { process: number, modules: number, open: number, selfTests: Record<string, number> },
 *   measured: readonly Measured[],
 * }} found
 */
export function coldReport({ machine, profiles, starts, measured }) {
  const first = (/** @type {Measured} */ { set, profile }) => [named(set), profile];
  const hedged = measured.flatMap((one) =>
    one.hedged === undefined ? [] : [{ ...one, hedged: one.hedged }],
  );
  const profileLines = Object.entries(profiles).map(
    ([name, { get, list, put }]) =>
      `\`${name}\`: first byte of a get ${get.p50} ms at the median and ${get.p99.toFixed(0)} at p99, of a list ${list.p50.toFixed(0)}, of a put ${put.p50.toFixed(0)}`,
  );
  const parts = [
    '# Queries of a far bucket, cold and warm',
    `${machineLine(machine)}. Made by \`npm run bench:cold\`; what is measured and how is in bench/cold/cold.mjs, the model of the store in bench/cold/latency-store.mjs. ${profileLines.join('; ')}; 80 MiB/s for each request. Generated rows, euclidean, k = 10 at target recall 0.95. Milliseconds, p50 / p99.`,
    '## Cold: open, collection, first query',
    table(
      [
        'rows',
        'store',
        'cold',
        'beyond',
        'processor',
        'round trips',
        'requests',
        'at once',
        'MB',
        'queries',
        'load',
      ],
      measured.map((one) => [
        ...first(one),
        ...[
          both(one.cold),
          short(one.cold.beyond),
          short(one.cpuMs),
          one.cold.roundTrips,
          one.cold.requests,
          one.mostInFlight,
        ],
        ...[one.cold.megabytes, one.cold.count, one.load],
      ]),
    ),
    `"Beyond" is what the median query takes beyond what the model of the store has it wait, "processor" the time of all threads for the median query, "load" how many processes wanted one of the cores before the measurement. Not in it, once per process: start of Node ${starts.process} ms, loading the modules ${starts.modules} ms, compiling the kernel and opening ${starts.open} ms, the self-test of a bucket ${Object.entries(
      starts.selfTests,
    )
      .map(([name, ms]) => `${ms} ms (\`${name}\`)`)
      .join(', ')}.`,
    '## Warm: the index in memory',
    table(
      [
        'rows',
        'store',
        'new',
        'beyond',
        'round trips',
        'requests',
        'again',
        'beyond',
        'eventual',
        'recall@10',
        'queries',
      ],
      measured.map((one) => [
        ...first(one),
        ...[both(one.new), short(one.new.beyond), one.new.roundTrips, one.new.requests],
        ...[both(one.again), short(one.again.beyond)],
        ...[both(one.eventual), one.recall, one.new.count],
      ]),
    ),
    '"New" queries read the pages of raw vectors that they need, beside the two requests of a strong read; "again" are the same ones when these pages are there; "eventual" ones ask nothing.',
  ];
  if (hedged.length > 0) {
    parts.push(
      '## Hedged reads',
      table(
        ['rows', 'store', 'cold', 'hedged', 'new', 'hedged', 'more requests'],
        hedged.map((one) => [
          ...first(one),
          ...[both(one.cold), both(one.hedged.cold), both(one.new), both(one.hedged.new)],
          `${one.hedged.extraPercent} %`,
        ]),
      ),
    );
  }
  return `${parts.join('\n\n')}\n`;
}
