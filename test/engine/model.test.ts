/**
 * Strategy: random histories through two databases on one store, every write checked against a Map of records, and
 * after every step every read against brute force over that Map (model.ts). The clock moves in both directions, databases are
 * closed and opened again, cursors of running scans survive all of it. Several writes may be under way at once: the
 * sequence that each is answered with tells in which order the model has to take them.
 *
 * Invariants: 3 and 4 (an acknowledged write is in every later strong read, in order), 5 (the state is a function of the
 * sequence), 11 (counts are those of one effect), 14 (a batch is seen whole).
 *
 * A failure prints fast-check's seed and path; CAIRN_SEED repeats a whole run.
 */
import fc from 'fast-check';
import { test } from 'vitest';
import { newBench } from './fixture.js';
import { Model } from './model.js';
import type { Metric } from './model.js';
import { Run } from './model-run.js';
import { look, step } from './model-steps.js';

const SEED = Number(process.env['CAIRN_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env['CAIRN_RUNS'] ?? 60);

test.each<Metric>(['cosine', 'euclidean', 'dot', 'manhattan'])(
  'a collection is a Map with brute-force search (%s)',
  async (metric) => {
    const history = fc.record({
      softDeleteDays: fc.constantFrom(0, 1, 30),
      // A long vector makes blocks of a few rows, so that ties lie in several blocks.
      dimension: fc.constantFrom(4, 4, 4, 16_000),
      quantization: fc.constantFrom(
        'sq8',
        'none',
        'pq',
        ...(metric === 'manhattan' ? [] : ['rabitq' as const]),
      ),
      steps: fc.array(fc.record({ what: step, look }), { minLength: 1, maxLength: 14 }),
    });
    await fc.assert(
      fc.asyncProperty(history, async ({ softDeleteDays, dimension, quantization, steps }) => {
        const { clock, openAgain } = newBench();
        const run = new Run({
          ...{ model: new Model(metric, softDeleteDays), clock, dimension, quantization },
          open: openAgain,
        });
        await run.start();
        try {
          for (const { what, look: with_ } of steps) {
            if (what.op === 'write') await run.write([what]);
            else if (what.op === 'burst') await run.write(what.requests);
            else if (what.op === 'move') run.move(what.ms);
            else if (what.op === 'compact') await run.compact(what.db);
            else await run.reopen(what.db);
            await run.check(with_);
          }
        } finally {
          await run.end();
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  },
  Math.max(120_000, RUNS * 1_000),
);
