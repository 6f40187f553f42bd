/** `npm run soak -- [--minutes 30] [--workers 4] [--seed S]` (docs/TESTING.md). */
import { bundle, runBundled } from '../fuzz/bundle.mjs';

await runBundled({ entry: 'test/soak/main', args: ['--child', await bundle('test/soak/child')] });
