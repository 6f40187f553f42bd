/** `npm run sim -- --seeds N [--start S] [--replay SEED]`: builds the simulator and runs it (docs/TESTING.md). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { bundle } from './bundle.mjs';
import { marks } from './marks.mjs';
import { settings } from './settings.mjs';

const root = join(import.meta.dirname, '../..');
const file = join(root, 'build/sim/sim.mjs');
// A run makes much that lives for a moment.
setFlagsFromString('--max-semi-space-size=64');
await bundle(root, 'main.ts', file, [...settings, ...marks]);
await import(pathToFileURL(file).href);
