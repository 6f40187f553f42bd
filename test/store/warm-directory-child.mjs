/**
 * A process with a warm directory: DIRECTORY BYTES_MAX FIRST COUNT ENTRY_BYTES [UID]. Puts entries number FIRST to FIRST + COUNT - 1 of its own
 * collection, and says how many of them are there at the end. From the build.
 */
import { warmDirectory } from '../../dist/core/store/adapters/node/index.js';

const [directory, ...numbers] = process.argv.slice(2);
const [bytes, first, count, entryBytes, uid] = numbers.map(Number);
if (uid !== undefined) process.setuid(uid);
const cache = warmDirectory({ directory, bytes });
const nameOf = (i) => `${'0'.repeat(32)}/${String(first).padStart(32, '0')}/entry@${i}`;

for (let i = first; i < first + count; i++) await cache.put(nameOf(i), new Uint8Array(entryBytes).fill(i));
let kept = 0;
for (let i = first; i < first + count; i++) if ((await cache.get(nameOf(i))) !== undefined) kept++;
process.stdout.write(JSON.stringify({ kept }));
