/** What reads answer, given a state. */
export { AnswerSize } from './projection.js';
export { answerCount, answerFetch, answerQuery, answerScan } from './reads.js';
