/** What has to be learnt of the rows of a segment before they are coded by product quantization. */
import { PqTrainer, pqSampleRows } from '../../index/index.js';
import type { Coding, PqBooks } from '../../index/index.js';
import type { Kernel } from '../../kernel/index.js';
import type { CollectionSchema } from '../../log/index.js';
import type { Breathe } from './breath.js';
import { withRoom } from '../segments/index.js';
import type { RowSet } from './row-set.js';

/** With fewer, where there are more rows, another sample is fetched. */
const SAMPLE_ENOUGH = 2_048;

export interface PqPlanOptions {
  readonly rows: RowSet;
  readonly schema: CollectionSchema;
  readonly kernel: Kernel;
  readonly evict: () => boolean;
  readonly breathe: Breathe;
  readonly seed: number;
}

/** `sample`: vectors of some rows from all over. Throws `memory_budget_exceeded`. */
export async function learnBooks(
  options: PqPlanOptions,
  coding: Extract<Coding, { kind: 'pq' }>,
  sample: Float32Array,
): Promise<PqBooks> {
  const { schema, kernel, evict, breathe, seed } = options;
  const { dimension, metric } = schema;
  const learntFrom = await enoughOf(options, sample);
  const trainer = withRoom(evict, () => new PqTrainer(kernel.pool, { dimension, metric, coding, seed }));
  try {
    for (const _ of trainer.train(learntFrom)) await breathe();
    return trainer.books();
  } finally {
    trainer.release();
  }
}

/** The sample that is there, or a larger one. */
async function enoughOf({ rows, schema }: PqPlanOptions, sample: Float32Array): Promise<Float32Array> {
  const { dimension } = schema;
  const wanted = pqSampleRows(rows.rows, dimension);
  if (sample.length / dimension >= Math.min(wanted, SAMPLE_ENOUGH)) return sample;
  const own = new Float32Array(wanted * dimension);
  const spread = Uint32Array.from({ length: wanted }, (_, i) => Math.floor((i * rows.rows) / wanted));
  await rows.vectors(spread, own);
  return own;
}
