/** What reads answer, given a state. */
export { sequenceOf, tipOf } from './as-of.js';
export { AskedRecords } from './asked-records.js';
export { answerCount } from './count.js';
export { answerFacets } from './facets.js';
export { answerFetch } from './fetch.js';
export { AnswerSize } from './projection.js';
export { answerOrderedQuery, beginQuery, readAhead } from './query.js';
export type { QueryAnswer, SeenQuery } from './query.js';
export { beginRead, readTable, tryAnswer, viewOf } from './read-table.js';
export type { BegunRead, TableRead } from './read-table.js';
export { searchIndex } from './index-search.js';
export { measureRecall, sampleVectors } from './recall.js';
export { answerOrderedScan, answerScan } from './scan.js';
export { toMicroseconds } from './trace.js';
