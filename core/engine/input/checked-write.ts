/**
 * A write, checked against the collection's schema and hashed: all that has to be read from the caller's own objects.
 */
import { CairnError } from '../../base/errors.js';
import type { CollectionSchema, PreparedBatch } from '../../log/index.js';
import type { RecordParser } from './records.js';
import { parseWrite, requestHash, tryPrepareBlind } from './write-parser.js';
import type { ParsedWrite } from './write-parser.js';

export interface CheckedWrite {
  readonly schema: CollectionSchema;
  readonly write: ParsedWrite;
  /** Undefined where the write depends on the state. */
  readonly blind: PreparedBatch | undefined;
  readonly requestHash: string;
}

/** Throws `invalid`. `key`: the idempotency key. */
export function checkWrite(parser: RecordParser, input: unknown, key: string): CheckedWrite {
  const write = parseWrite(parser, input, key);
  const blind = tryPrepareBlind(parser, write);
  const hash = requestHash(parser, write, blind);
  return { schema: parser.schema, write: withOwnRows(write, blind), blind, requestHash: hash };
}

/** Columns of floats are parsed where they lie. From here on the caller may write to them: a blind batch holds a copy. */
function withOwnRows(write: ParsedWrite, blind: PreparedBatch | undefined): ParsedWrite {
  const { upsert } = write;
  if (upsert === undefined) return write;
  const vectors = blind?.batch.vectors ?? upsert.batch.vectors.slice();
  return { ...write, upsert: { ...upsert, batch: { ...upsert.batch, vectors } } };
}

/** Undefined where the schema forbids the write: it may be that of a collection that was dropped meanwhile. */
export function tryCheckWrite(parser: RecordParser, input: unknown, key: string): CheckedWrite | undefined {
  try {
    return checkWrite(parser, input, key);
  } catch (error) {
    if (error instanceof CairnError && error.kind === 'invalid') return undefined;
    throw error;
  }
}

/**
 * Checks once more what another metric may refuse, where the collection turns out to be another one than at the call.
 * Throws `conflict` (`collection_replaced`) where the dimension is another: the caller's own rows are gone by then.
 */
export function mustStillHold(checked: CheckedWrite, parser: RecordParser, name: string): void {
  const { dimension, metric } = checked.schema;
  const now = parser.schema;
  if (dimension !== now.dimension) {
    throw new CairnError(
      'conflict',
      'collection_replaced',
      `collection ${name} was dropped and made anew with dimension ${now.dimension}; this write was checked for dimension ${dimension}`,
      { details: { collection: name, dimension: now.dimension }, outcome: 'not_applied' },
    );
  }
  if (metric === now.metric) return;
  const { upsert, patch } = checked.write;
  if (upsert !== undefined) parser.vectors.checkRows(upsert.batch.vectors, (row) => `records[${row}]`);
  if (patch === undefined || !('records' in patch)) return;
  patch.records.forEach(({ vector }, i) => {
    if (vector !== undefined) parser.vectors.checkRows(vector, () => `records[${i}]`);
  });
}
