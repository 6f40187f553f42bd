/** `cairn scrub [COLLECTION]`: checks what the store holds, and fails where it finds an error. */
import { CairnError } from '../core/index.js';
import type { ScrubbedCollection, ScrubFinding, ScrubResult } from '../core/index.js';
import { snakeDeep } from '../functions/http/index.js';
import { withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';
import { formatBytes } from './terminal.js';

export const scrub: StoreCommand = (settings, { name, json, options }, { out }) =>
  withDatabase(settings, async (database) => {
    const repair = options['repair'] === true;
    const result = await database.scrub({ repair, ...(name === undefined ? {} : { collection: name }) });
    if (json) out(JSON.stringify(snakeDeep(result)));
    else report(result).forEach((line) => out(line));
    const { errorsTotal: errors } = result;
    if (errors === 0) return;
    const message = `${counted(errors, 'error')} in ${database.store}`;
    throw new CairnError('corrupt', 'scrub_found_errors', message, { details: { errors } });
  });

function report(result: ScrubResult): string[] {
  const { collections, findings, errorsTotal, noticesTotal, leftOut, requests, bytesRead } = result;
  return [
    ...findings.map(lineOf),
    ...collections.flatMap((collection) => [summaryOf(collection), ...collection.findings.map(lineOf)]),
    ...(leftOut === 0 ? [] : [`${leftOut} more findings are not shown`]),
    `${counted(collections.length, 'collection')}: ${counted(errorsTotal, 'error')}, ` +
      `${counted(noticesTotal, 'notice')}; ${counted(requests, 'request')}, ${formatBytes(bytesRead)} read`,
  ];
}

function summaryOf({ name, uid, state, stored, checked, pending }: ScrubbedCollection): string {
  const what = state === 'active' ? '' : ` (${state})`;
  const waiting =
    pending.objects === 0 ? '' : `, ${pending.objects} in the hands of a writer or a compaction`;
  return (
    `${name ?? uid}${what}: ${checked.objects} of ${stored.objects} objects, ` +
    `${formatBytes(checked.bytes)} of ${formatBytes(stored.bytes)} checked${waiting}`
  );
}

function lineOf({ severity, code, key, message, offset, repaired }: ScrubFinding): string {
  const at = offset === undefined ? '' : ` at byte ${offset}`;
  return `  ${severity} ${code}${repaired === true ? ' (repaired)' : ''}: ${key}${at}: ${message}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
