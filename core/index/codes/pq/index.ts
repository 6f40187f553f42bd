/** Product quantization. */
export type { PqBooks } from './pq-books.js';
export { wrongWord } from './pq-books.js';
export { PqCoder, layOutPqCoder } from './pq-coder.js';
export type { PqCoderPlace, PqPlan } from './pq-coder.js';
export { PqTable, layOutPqTable } from './pq-table.js';
export type { PqScratch } from './pq-table.js';
export { pqSampleRows } from './pq-sample.js';
export { PqTrainer } from './pq-trainer.js';
