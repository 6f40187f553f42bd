/** `npm run soak -- [--minutes 30] [--workers 4] [--seed S]` (docs/TESTING.md). */
import { runBundled } from '../fuzz/bundle.mjs';
import { bundleChild } from './bundle.mjs';

await runBundled({ entry: 'test/soak/main', args: ['--child', await bundleChild()] });
