/** `npm run costs`, after `npm run build`: the tables of docs/COST.md anew, at the prices of `prices.ts`. */
import { join } from 'node:path';
import { runBundled } from '../../fuzz/bundle.mjs';

const page = join(import.meta.dirname, '../../../docs/COST.md');
await runBundled({ entry: 'test/docs/costs/main', args: [page] });
