/**
 * `npm run sim:mutants`: builds the simulator once for each mutant and runs it until it notices. One that lives on is a
 * failure. `--seeds N`: how many seeds a mutant may survive; `--only TEXT`: those whose name holds it.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build, FLAGS } from './bundle.mjs';
import { mutants } from './mutants.mjs';

const root = join(import.meta.dirname, '../..');
const args = process.argv.slice(2);
/** @param {string} name @param {string} fallback */
const option = (name, fallback) =>
  args.includes(name) ? (args[args.indexOf(name) + 1] ?? fallback) : fallback;
const seeds = option('--seeds', '6000');
const only = option('--only', '');

/** @type {number[]} */
const killedAfter = [];
let alive = 0;
/** @type {Map<string, number>} */
const perRule = new Map();
for (const { rule } of mutants) perRule.set(rule, (perRule.get(rule) ?? 0) + 1);
for (const [rule, count] of perRule) if (count > 3) throw new Error(`${count} mutants of one rule: ${rule}`);

for (const { name, edits } of mutants.filter((mutant) => mutant.name.includes(only))) {
  const file = await build(root, 'main.ts', 'mutant.mjs', edits);
  const run = [...FLAGS, file, '--seeds', seeds, '--until-failure'];
  const output = execFileSync(process.execPath, run, { encoding: 'utf8' });
  const killed = /^killed after (\d+) seeds: (.*)$/m.exec(output);
  if (killed === null) alive++;
  else killedAfter.push(Number(killed[1]));
  console.log(
    killed === null ? `ALIVE after ${seeds} seeds: ${name}` : `${killed[1]}\t${name}\t(${killed[2]})`,
  );
}
killedAfter.sort((a, b) => a - b);
const median = killedAfter[killedAfter.length >> 1] ?? 0;
console.log(
  `${killedAfter.length} mutants killed, ${alive} alive; median ${median} seeds, worst ${killedAfter.at(-1) ?? 0}`,
);
process.exitCode = alive === 0 ? 0 : 1;
