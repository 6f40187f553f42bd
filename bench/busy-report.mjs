/** The findings of the busy bench as Markdown. */
import { round, summaryOf } from './latencies.mjs';
import { table } from './result-files.mjs';

/** @typedef {import('./busy-client.mjs').Phase} Phase */
/** @typedef {import('./busy-writer.mjs').Written} Written */

/**
 * @typedef {object} BusyFindings of one way to compact
 * @property {string} way
 * @property {{ writing: Phase, idle: Phase, compacting: Phase, after: Phase }} phases
 * @property {number} compactionMs
 * @property {{ before: Written, meanwhile: Written }} written
 * @property {any} stats after the compaction
 * @property {import('./busy-stop.mjs').StopReport} stop
 */

const names = /** @type {const} */ ({
  writing: 'with writes, on the server that was filled',
  idle: 'idle, before',
  compacting: 'with writes, while compacting',
  after: 'idle, after, on segments',
});

/**
 * @param {{ set: string, target: number, ranOn: string }} about
 * @param {readonly BusyFindings[]} found
 */
export function busyReport({ set, target, ranOn }, found) {
  return [
    `# Queries and writes during a compaction\n\n${set}. ${ranOn}. Made by \`npm run bench:busy\`.`,
    'The phases of a table follow each other, the last three on one server: idle, before, is on the log that is then compacted.',
    ...found.flatMap((one) => wayLines(one, target)),
    '',
  ].join('\n\n');
}

/** @param {BusyFindings} found @param {number} target */
function wayLines({ way, phases, written, compactionMs, stats, stop }, target) {
  const all = Object.values(phases);
  const wrong = all.reduce((sum, phase) => sum + phase.wrong, 0);
  const faults = all.flatMap((phase) => phase.faults);
  return [
    `## ${way}`,
    `The compaction took ${round(compactionMs / 1_000, 2)} s; ${stats.segments.length} segments after it.`,
    phaseTable(phases),
    ratioLine(phases),
    `Answers: ${wrong} wrong of ${all.reduce((sum, phase) => sum + phase.asked, 0)}; recall at target ${target} ` +
      `${all.every(({ recall }) => recall >= target) ? 'reached in every phase' : '**below the target**'}.` +
      faults.map((fault) => `\n- ${fault}`).join(''),
    writeTable(written),
    stopLines(stop),
  ];
}

/** @param {BusyFindings['phases']} phases */
function ratioLine({ idle, compacting }) {
  const ratio = (/** @type {'sent' | 'due' | 'exact'} */ times, /** @type {'p50' | 'p99'} */ quantile) =>
    round(summaryOf(compacting[times])[quantile] / summaryOf(idle[times])[quantile], 2);
  return (
    `While compacting, p99 is ${ratio('sent', 'p99')} times that of idle (bar 3), p50 ${ratio('sent', 'p50')} times; of ` +
    `exact queries p50 ${ratio('exact', 'p50')} times. Counted from when each query was due, p99 is ${ratio('due', 'p99')} times.`
  );
}

/** @param {BusyFindings['phases']} phases */
function phaseTable(phases) {
  const head = ['phase', 'queries', 'p50 ms', 'p99 ms', 'most ms', 'exact p50 ms', 'recall@10', 'wrong'];
  return table(
    head,
    /** @type {(keyof typeof names)[]} */ (Object.keys(names)).map((name) => {
      const { sent, exact, asked, recall, wrong } = phases[name];
      const { p50, p99, most } = summaryOf(sent);
      return [names[name], asked, p50, p99, most, summaryOf(exact).p50, recall.toFixed(4), wrong];
    }),
  );
}

/** @param {BusyFindings['written']} written */
function writeTable({ before, meanwhile }) {
  const row = (/** @type {string} */ name, /** @type {Written} */ { ms, ids, refused, wrong, faults }) => {
    const { p50, p99 } = summaryOf(ms);
    return [name, ids.length, p50, p99, refused, wrong, faults.join('; ')];
  };
  return table(
    ['writes', 'rows acknowledged', 'p50 ms', 'p99 ms', '429 with Retry-After', 'wrong', ''],
    [row('before', before), row('while compacting', meanwhile)],
  );
}

/** @param {import('./busy-stop.mjs').StopReport} stop */
function stopLines(stop) {
  return [
    `SIGTERM ${round(stop.afterMs / 1_000, 2)} s into a compaction ${stop.met ? 'that was under way' : '**that was over**'}: ` +
      `the process ended after ${round(stop.exitMs, 0)} ms (bar 5,000); the call of compact got: ${stop.compactAnswer}.`,
    `The next server was ready after ${round(stop.readyMs, 0)} ms. Of ${stop.acknowledged} acknowledged rows ` +
      `${stop.missing} are missing, ${stop.besides} are besides, ${stop.different} of the sample differ; ` +
      `${stop.exactWrong} exact answers are wrong; compacted again, ${stop.segments} segments.`,
  ].join('\n\n');
}
