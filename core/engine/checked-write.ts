/**
 * A write, checked against the collection's schema and hashed: all that has to be read from the caller's own objects.
 */
import { CairnError } from '../base/errors.js';
import type { CollectionSchema, PreparedBatch } from '../log/index.js';
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
  return { schema: parser.schema, write, blind, requestHash: requestHash(parser, write, blind) };
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

/** What was checked against one schema holds under another where these are the same. */
export function mustStillHold(checked: CheckedWrite, schema: CollectionSchema, name: string): void {
  const { dimension, metric } = checked.schema;
  if (dimension === schema.dimension && metric === schema.metric) return;
  throw new CairnError(
    'conflict',
    'collection_replaced',
    `collection ${name} was dropped and made anew with dimension ${schema.dimension} and metric ${schema.metric} while this write for dimension ${dimension} and metric ${metric} was under way`,
    { details: { collection: name }, outcome: 'not_applied' },
  );
}
