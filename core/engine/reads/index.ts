/** What reads answer, given a state. */
export { AskedRecords } from './asked-records.js';
export { answerCount } from './count.js';
export { answerFacets } from './facets.js';
export { answerFetch } from './fetch.js';
export { AnswerSize } from './projection.js';
export { answerOrderedQuery, answerQuery } from './query.js';
export { mustTellOf, readTable, reloadWhereGone } from './read-table.js';
export type { TableRead, TableState } from './read-table.js';
export { measureRecall, sampleVectors } from './recall.js';
export { answerOrderedScan, answerScan } from './scan.js';
export type { ScanAnswer, ScanRequest } from './scan.js';
export { toMicroseconds } from './trace.js';
