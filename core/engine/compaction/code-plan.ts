/** How the rows of a segment that gets a graph are coded, and what has to be learnt for that. */
import { PqTrainer, pqSampleRows } from '../../index/index.js';
import type { CodePlan, Coding } from '../../index/index.js';
import type { Kernel } from '../../kernel/index.js';
import type { CollectionSchema } from '../../log/index.js';
import type { Breathe } from './breath.js';
import { codingFor } from './coding.js';
import { withRoom } from './room.js';
import type { RowSet } from './row-set.js';

/** With fewer, and where there are more rows, a sample is fetched. */
const SAMPLE_ENOUGH = 2_048;

export interface CodePlanOptions {
  readonly rows: RowSet;
  readonly schema: CollectionSchema;
  readonly kernel: Kernel;
  readonly evict: () => boolean;
  readonly breathe: Breathe;
  readonly seed: number;
  /** Vectors of some rows from all over. */
  readonly sample: Float32Array;
}

/** Undefined: sq8, which needs no plan. Throws `memory_budget_exceeded`. */
export async function planCode(options: CodePlanOptions): Promise<CodePlan | undefined> {
  const coding = codingFor(options.schema);
  if (coding.kind === 'sq8') return undefined;
  return coding.kind === 'pq' ? await planPq(options, coding) : { coding };
}

async function planPq(options: CodePlanOptions, coding: Extract<Coding, { kind: 'pq' }>): Promise<CodePlan> {
  const { schema, kernel, evict, breathe, seed } = options;
  const { dimension, metric } = schema;
  const sample = await sampleFor(options);
  const trainer = withRoom(evict, () => new PqTrainer(kernel.pool, { dimension, metric, coding, seed }));
  try {
    for (const _ of trainer.train(sample)) await breathe();
    return { coding, books: trainer.books() };
  } finally {
    trainer.release();
  }
}

/** The sample that is there, or a larger one. */
async function sampleFor({ rows, schema, sample }: CodePlanOptions): Promise<Float32Array> {
  const { dimension } = schema;
  const wanted = pqSampleRows(rows.rows, dimension);
  if (sample.length / dimension >= Math.min(wanted, SAMPLE_ENOUGH)) return sample;
  const own = new Float32Array(wanted * dimension);
  const spread = Uint32Array.from({ length: wanted }, (_, i) => Math.floor((i * rows.rows) / wanted));
  await rows.vectors(spread, own);
  return own;
}
