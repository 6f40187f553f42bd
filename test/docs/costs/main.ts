/** `npm run costs`: counts again, and writes the computed parts of the page whose path is given. */
import { readFileSync, writeFileSync } from 'node:fs';
import { costParts, withParts } from './cost-page.js';
import { countCosts } from './costs.js';

const [page] = process.argv.slice(2);
if (page === undefined) throw new Error('which page?');
const parts = costParts(await countCosts());
writeFileSync(page, withParts(readFileSync(page, 'utf8'), parts));
for (const [name, text] of Object.entries(parts)) console.log(`${name}\n\n${text}\n`);
