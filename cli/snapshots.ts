/**
 * `cairn snapshots COLLECTION [--create NAME [--sequence N | --time T] | --delete NAME]`: states of a collection that
 * are kept.
 */
import { invalid } from '../core/base/errors.js';
import type { Snapshot } from '../core/index.js';
import { snakeDeep } from '../functions/http/index.js';
import { tryAsOf } from './past-point.js';
import { withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';
import { formatBytes, formatTable } from './terminal.js';

export const snapshots: StoreCommand = async (settings, { name, json, options }, { out }) => {
  const { create, delete: discarded } = options;
  if (create !== undefined && discarded !== undefined)
    throw invalid('invalid_flags', 'either --create or --delete, not both');
  const asOf = tryAsOf(options);
  if (asOf !== undefined && create === undefined)
    throw invalid('invalid_flags', '--sequence and --time go with --create');
  await withDatabase(settings, async (database) => {
    const collection = database.collection(name!);
    if (create !== undefined)
      await collection.createSnapshot({ name: String(create), ...(asOf === undefined ? {} : { asOf }) });
    if (discarded !== undefined) await collection.deleteSnapshot(String(discarded));
    const kept = await collection.listSnapshots();
    if (json) out(JSON.stringify(snakeDeep(kept)));
    else if (kept.length === 0) out(`no snapshots of ${collection.name}`);
    else table(kept).forEach((line) => out(line));
  });
};

function table(kept: readonly Snapshot[]): string[] {
  const rows = kept.map(({ name, sequence, createdAt, bytes }) => [
    name,
    sequence,
    createdAt,
    formatBytes(bytes),
  ]);
  return formatTable(['snapshot', 'sequence', 'created', 'segments'], rows);
}
