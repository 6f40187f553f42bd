/**
 * `npm run fuzz -- [--decoder NAME] [--inputs N] [--start S]`, in a process whose heap is small (docs/TESTING.md).
 */
import { runBundled } from './bundle.mjs';

await runBundled({ entry: 'test/fuzz/main', flags: ['--max-old-space-size=256'] });
