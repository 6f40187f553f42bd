/** `cairn compact [COLLECTION]`: compacts now instead of at the next scheduled run. */
import type { CompactResult } from '../core/index.js';
import { snakeDeep } from '../functions/http/index.js';
import { chosen, withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';
import { formatBytes } from './terminal.js';

export const compact: StoreCommand = (settings, { name, json }, { out }) =>
  withDatabase(settings, async (database) => {
    for await (const collection of chosen(database, name)) {
      const done = await collection.compact();
      out(json ? JSON.stringify(resultOf(collection.name, done)) : lineOf(collection.name, done));
    }
  });

function resultOf(name: string, done: CompactResult): object {
  return { name, ...(snakeDeep(done) as object) };
}

function lineOf(name: string, done: CompactResult): string {
  const { rowsWritten, rowsDropped, bytesWritten } = done;
  return (
    `${name}: folded ${done.foldedSlots} log slots, wrote ${done.segmentsWritten} segments, ` +
    `merged ${done.segmentsMerged}; ${rowsWritten} rows written, ${rowsDropped} dropped, ${formatBytes(bytesWritten)}`
  );
}
