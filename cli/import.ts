/** `cairn import SOURCE`: an export, or one file of records, into a collection. */
import { resolve } from 'node:path';
import { CairnError } from '../core/index.js';
import { snakeDeep } from '../functions/http/index.js';
import type { Settings } from '../functions/settings/index.js';
import { importCollection, METRICS } from './backup/index.js';
import type { ImportResult } from './backup/index.js';
import { withDatabase } from './store-command.js';
import type { Terminal } from './terminal.js';

export interface ImportCall {
  readonly source: string;
  readonly collection: string | undefined;
  readonly metric: string | undefined;
  readonly json: boolean;
}

export async function importCommand(settings: Settings, call: ImportCall, terminal: Terminal): Promise<void> {
  const { source, collection, metric, json } = call;
  const known = METRICS.find((one) => one === metric);
  if (metric !== undefined && known === undefined) {
    const message = `--metric must be one of ${METRICS.join(', ')}, got ${JSON.stringify(metric)}`;
    throw new CairnError('invalid', 'invalid_request', message);
  }
  await withDatabase(
    settings,
    async (database) => {
      const result = await importCollection(database, {
        source: resolve(terminal.directory, source),
        name: collection,
        metric: known,
        nowMs: () => Date.now(),
        onFile: ({ name, rows }) => {
          if (!json) terminal.out(`${name}  ${rows} rows`);
        },
      });
      if (json) terminal.out(JSON.stringify(snakeDeep(result)));
      else linesOf(result).forEach((line) => terminal.out(line));
    },
    { createStore: true },
  );
}

function linesOf({ collection, created, rows, commits, repeated, count }: ImportResult): readonly string[] {
  const how = created ? 'new collection' : 'it was there';
  const lines = [`${collection} (${how}): ${rows} rows in ${commits} commits, ${count} records now`];
  if (repeated > 0) {
    lines.push(
      `${repeated} of the commits were made by an earlier run and not again: what was changed since is as it was changed`,
    );
  }
  return lines;
}
