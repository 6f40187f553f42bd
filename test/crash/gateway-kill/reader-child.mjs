/** A fresh process that reads all that there is, by strong reads, and has the store checked. Its argument is the URL of the store. */
import process from 'node:process';
import { open } from '../../../dist/core/index.js';
import { COLLECTION } from './planned-writes.mjs';

/**
 * @typedef {object} ReaderReport
 * @property {import('../../../dist/core/index.js').RecordOutput[]} records
 * @property {number} count
 * @property {import('../../../dist/core/index.js').CollectionStats} stats
 * @property {number} scrubErrors
 */

const PAGE = 1_000;

const database = await open(process.argv[2] ?? '');
const collection = database.collection(COLLECTION);
const records = [];
/** @type {string | undefined} */
let cursor;
do {
  const at = cursor === undefined ? {} : { cursor };
  const page = await collection.scan({ limit: PAGE, include: ['metadata', 'vector'], ...at });
  records.push(...page.records);
  cursor = page.cursor;
} while (cursor !== undefined);
const { count } = await collection.count();
const stats = await collection.stats();
const { errors, collections } = await database.scrub();
const scrubErrors = collections.reduce((sum, each) => sum + each.errors, errors);
await database.close();
process.send?.({ records, count, stats, scrubErrors });
