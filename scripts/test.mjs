/** `npm test`: sets up, builds, runs every test. Arguments go to vitest: `npm test -- test/log`. */
import { join } from 'node:path';
import { root, run, setUp } from './set-up.mjs';

await setUp();
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
process.exitCode = await run(process.execPath, [vitest, 'run', ...process.argv.slice(2)]);
