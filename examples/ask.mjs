/**
 * Asks the demo collection a question of your own: `npm start` in one terminal, this in another.
 *
 *   node examples/ask.mjs "Which operators can a filter use?"
 *
 * The question is embedded here, by the demo's own feature hashing, and sent as a vector. `--server URL` names another
 * server; the first of CAIRN_API_KEYS is sent where it is set.
 */
import { parseArgs } from 'node:util';
import { embedText } from '../dist/cli/demo/feature-hashing.js';

const { values, positionals } = parseArgs({
  options: { server: { type: 'string', default: 'http://127.0.0.1:8080' } },
  allowPositionals: true,
});
const question = positionals.join(' ');
if (question === '') {
  console.error('usage: node examples/ask.mjs [--server URL] "YOUR QUESTION"');
  process.exit(2);
}
const key = process.env['CAIRN_API_KEYS']?.split(',')[0]?.trim();
const response = await fetch(`${values.server}/v1/collections/docs/query`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
  body: JSON.stringify({ vector: [...embedText(question)], k: 3, filter: 'EXISTS source' }),
});
const answer = await response.json();
if (!response.ok) {
  console.error(`${answer.code}: ${answer.detail}`);
  process.exit(1);
}
for (const { score, metadata } of answer.matches) {
  console.log(`\n${score.toFixed(3)}  ${metadata.source}: ${metadata.heading}\n\n${metadata.text}`);
}
