/** One process of the run: its argument says which part it plays. */
import { inspect } from 'node:util';
import { check } from './check.js';
import { keepCollecting, keepCompacting } from './keepers.js';
import { runLanes } from './lane-process.js';
import type { Part } from './messages.js';
import { say } from './parent-line.js';
import { prepare } from './prepare.js';
import { settle } from './settle.js';

const part = JSON.parse(process.argv[2]!) as Part;

/** The parent is gone, and with it whoever could say what to do. */
process.on('disconnect', () => process.exit());

async function play(): Promise<void> {
  switch (part.role) {
    case 'lanes':
      return await runLanes(part);
    case 'compactor':
      return await keepCompacting(part);
    case 'collector':
      return await keepCollecting(part);
    case 'prepare':
      await prepare(part);
      return say({ is: 'ready' });
    case 'check':
      return say({ is: 'checked', report: await check(part) });
    case 'settle':
      return say({ is: 'settled', report: await settle(part) });
  }
}

try {
  await play();
} catch (error) {
  say({ is: 'wrong', text: inspect(error, { depth: 8 }) });
  process.exitCode = 1;
}
// What still holds the process from here on was not closed.
process.removeAllListeners('disconnect');
process.disconnect();
