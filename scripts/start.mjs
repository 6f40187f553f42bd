/**
 * `npm start`: from a fresh clone to a server with the demo collection. Arguments go to `cairn serve`.
 * The server runs in this very process, so that a signal sent here reaches it and its exit code is ours.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './set-up.mjs';

await setUp();
const main = join(root, 'dist/cli/main.js');
process.argv = [process.execPath, main, 'serve', '--demo', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
