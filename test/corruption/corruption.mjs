/** `npm run corruption -- [--share 0.1] [--seed S] [--only KIND]` (docs/TESTING.md). */
import { runBundled } from '../fuzz/bundle.mjs';

await runBundled({ entry: 'test/corruption/main' });
