/**
 * `npm run fuzz:filters -- --filters N --seed S`: parses and compiles broken filters, from the build. Says how many were
 * refused, fails where one ends in anything but a typed error, and tells which took the longest: as it came, with
 * whatever the process was doing meanwhile, and the best of twenty more times.
 */
import { parseArgs } from 'node:util';
import { isCairnError } from '../../dist/core/index.js';
import { compileFilter, parseFilter } from '../../dist/core/filter/index.js';
import { kinds, seeded, show } from './broken-filters.mjs';

const KEPT = 20;

const { values } = parseArgs({
  options: { filters: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const total = Number(values.filters);
const draw = seeded(Number(values.seed));

/** @typedef {{ readonly name: string, readonly input: unknown, readonly ms: number }} Measured */

/**
 * Milliseconds of processor time: what else the machine does says nothing of a filter.
 *
 * @param {unknown} input
 * @param {Map<string, number>} ends
 */
function measure(input, ends) {
  let end = 'compiled';
  const start = process.cpuUsage();
  try {
    compileFilter(parseFilter(input));
  } catch (error) {
    if (!isCairnError(error) || error.kind !== 'invalid')
      throw new Error(`${show(input)} threw`, { cause: error });
    end = error.code;
  }
  const { user, system } = process.cpuUsage(start);
  ends.set(end, (ends.get(end) ?? 0) + 1);
  return (user + system) / 1_000;
}

/** @type {Map<string, number>} */
const ends = new Map();
/** @type {Measured[]} */
let slowest = [];
for (const { name, make, share } of kinds) {
  for (let made = 0; made < Math.ceil((total * share) / 100); made++) {
    const input = make(draw);
    slowest.push({ name, input, ms: measure(input, ends) });
    if (slowest.length > 1_000) slowest = slowest.toSorted((a, b) => b.ms - a.ms).slice(0, KEPT);
  }
}
slowest = slowest.toSorted((a, b) => b.ms - a.ms).slice(0, KEPT);
const again = slowest
  .map(({ name, input }) => ({
    name,
    input,
    ms: Math.min(...Array.from({ length: 20 }, () => measure(input, new Map()))),
  }))
  .toSorted((a, b) => b.ms - a.ms);
process.stdout.write(
  `${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}; nothing else was thrown\n`,
);
for (const [what, found] of /** @type {const} */ ([
  ['slowest as it came', slowest[0]],
  ['slowest of these 20 when repeated', again[0]],
])) {
  if (found !== undefined) {
    process.stdout.write(
      `${what}: ${found.ms.toFixed(2)} ms, of ${found.name}: ${show(found.input).slice(0, 120)}\n`,
    );
  }
}
