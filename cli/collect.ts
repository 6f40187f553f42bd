/** `cairn collect`: deletes what nothing needs any more. */
import { withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';
import { formatBytes } from './terminal.js';

export const collect: StoreCommand = (settings, { json }, { out }) =>
  withDatabase(settings, async (database) => {
    const { objects, bytes, collections } = await database.collect();
    if (json) out(JSON.stringify({ objects, bytes, collections }));
    else
      out(
        `deleted ${objects} objects (${formatBytes(bytes)}), of ${collections} dropped collections among them`,
      );
  });
