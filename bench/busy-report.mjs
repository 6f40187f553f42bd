/** The findings of the busy bench as Markdown. */
import { round, summaryOf } from './latencies.mjs';
import { table } from './result-files.mjs';

/** @typedef {import('./busy-client.mjs').Phase} Phase */
/** @typedef {import('./busy-writer.mjs').Written} Written */

/**
 * @typedef {object} BusyFindings
 * @property {string} set
 * @property {number} target
 * @property {{ idle: Phase, writing: Phase, compacting: Phase, after: Phase }} phases
 * @property {number} compactionMs
 * @property {{ before: Written, meanwhile: Written }} written
 * @property {any} stats after the compaction
 * @property {import('./busy-stop.mjs').StopReport} stop
 */

const names = /** @type {const} */ ({
  idle: 'idle, before',
  writing: 'with writes',
  compacting: 'with writes, while compacting',
  after: 'idle, after',
});

/** @param {BusyFindings} found @param {string} ranOn */
export function busyReport(found, ranOn) {
  const { phases, written, compactionMs, stats, target } = found;
  const idle = summaryOf(phases.idle.sent);
  const during = summaryOf(phases.compacting.sent);
  const due = summaryOf(phases.compacting.due).p99 / summaryOf(phases.idle.due).p99;
  const all = Object.values(phases);
  const wrong = all.reduce((sum, phase) => sum + phase.wrong, 0);
  const faults = all.flatMap((phase) => phase.faults);
  return [
    `# Queries and writes during a compaction\n\n${found.set}. ${ranOn}. Made by \`npm run bench:busy\`.`,
    `The compaction took ${round(compactionMs / 1_000, 2)} s; ${stats.segments.length} segments after it.`,
    phaseTable(found),
    `p99 while compacting is ${round(during.p99 / idle.p99, 2)} times that of idle (p50 ${round(during.p50 / idle.p50, 2)}); ` +
      `counted from when each query was due, ${round(due, 2)} times.`,
    `Answers: ${wrong} wrong of ${all.reduce((sum, phase) => sum + phase.asked, 0)}; recall at target ${target} ` +
      `${all.every(({ recall }) => recall >= target) ? 'reached in every phase' : '**below the target**'}.` +
      faults.map((fault) => `\n- ${fault}`).join(''),
    writeTable(written),
    stopLines(found.stop),
    '',
  ].join('\n\n');
}

/** @param {BusyFindings} found */
function phaseTable({ phases }) {
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
