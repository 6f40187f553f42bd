/**
 * `npm run sim -- --seeds N [--start S] [--replay SEED] [--exhaustive PREEMPTIONS]`: builds the simulator and runs it in
 * a process of its own (docs/TESTING.md).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, FLAGS } from './bundle.mjs';
import { marks } from './marks.mjs';

const root = join(import.meta.dirname, '../..');
const file = await build(root, 'main.ts', 'sim.mjs', marks);
const child = spawn(process.execPath, [...FLAGS, file, ...process.argv.slice(2)], { stdio: 'inherit' });
child.on('exit', (code) => (process.exitCode = code ?? 1));
