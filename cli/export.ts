/** `cairn export COLLECTION --out FOLDER`: a collection as files, or the rest of an export that was stopped. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { CairnError } from '../core/index.js';
import type { Settings } from '../functions/settings/index.js';
import { exportCollection, PART_FORMATS } from './backup/index.js';
import { withDatabase } from './store-command.js';
import { formatBytes } from './terminal.js';
import type { Terminal } from './terminal.js';

export interface ExportCall {
  readonly name: string;
  readonly out: string;
  readonly format: string;
  readonly json: boolean;
}

export async function exportCommand(settings: Settings, call: ExportCall, terminal: Terminal): Promise<void> {
  const { name, out: folder, format, json } = call;
  const known = PART_FORMATS.find((one) => one === format);
  if (known === undefined) {
    const message = `--format must be ${PART_FORMATS.join(' or ')}, got ${JSON.stringify(format)}`;
    throw new CairnError('invalid', 'invalid_request', message);
  }
  await withDatabase(settings, async (database) => {
    const { manifest, kept } = await exportCollection(database.collection(name), {
      folder: resolve(terminal.directory, folder),
      format: known,
      newId: randomUUID,
      nowMs: () => Date.now(),
      onPart: (part) => {
        if (!json) terminal.out(`${part.name}  ${part.rows} rows, ${formatBytes(part.bytes)}`);
      },
    });
    const { rows, sequence, parts } = manifest;
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const result = { collection: name, folder, sequence, rows, parts: parts.length, kept, bytes };
    if (json) terminal.out(JSON.stringify(result));
    else {
      const earlier = kept === 0 ? '' : `, ${kept} of them from an earlier run`;
      terminal.out(
        `${name}: ${rows} rows as of sequence ${sequence} in ${parts.length} parts${earlier}, ${formatBytes(bytes)}, in ${folder}`,
      );
    }
  });
}
