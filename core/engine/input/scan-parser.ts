/**
 * Scans as callers write them, checked.
 */
import { mustBeRecordId } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import { parseCursor, parseOrderedCursor } from './cursor.js';
import type { OrderPosition } from './cursor.js';
import { parseInclude } from './include.js';
import type { Projection } from './include.js';
import { mustBeObject, mustHaveOnly, optionalBoolean, optionalInteger } from './input-shape.js';
import type { UnknownObject } from './input-shape.js';
import { parseOrderBy } from './order-parser.js';
import type { OrderField } from './order-parser.js';
import { parseAsOf, parseFilterOption, READ_FIELDS } from './query-parser.js';

export interface ParsedScan {
  readonly filter: CompiledFilter | undefined;
  readonly limit: number;
  readonly projection: Projection;
  /** In the order of the ids, or in one by fields; each with where to go on. */
  readonly from:
    | { readonly after: string }
    | { readonly order: readonly OrderField[]; readonly after: OrderPosition | undefined };
}

const SCAN_FIELDS = ['filter', 'limit', 'orderBy', 'cursor', 'include', 'includeDeleted', ...READ_FIELDS];

/** Throws `invalid`. */
export function parseScan(fields: UnknownObject): ParsedScan {
  mustHaveOnly(fields, SCAN_FIELDS, 'scan');
  const order = parseOrderBy(fields['orderBy']);
  const { cursor } = fields;
  return {
    filter: parseFilterOption(fields['filter']),
    limit: optionalInteger(fields['limit'], {
      name: 'scanLimit',
      min: 1,
      max: limits.scanLimit,
      fallback: 100,
    }),
    projection: parseInclude(fields['include'], ['metadata']),
    from:
      order === undefined
        ? { after: parseCursor(cursor) }
        : { order, after: parseOrderedCursor(cursor, order) },
  };
}

export interface ParsedScanAll {
  /** '' for the first. */
  readonly after: string;
  readonly asOf: number | undefined;
  readonly projection: Projection;
  readonly includeDeleted: boolean;
}

/** Throws `invalid`. */
export function parseScanAll(value: unknown): ParsedScanAll {
  const fields = mustBeObject(value, 'scan');
  mustHaveOnly(fields, ['after', 'asOf', 'include', 'includeDeleted'], 'scan');
  const { after } = fields;
  return {
    after: after === undefined ? '' : mustBeRecordId(after, 'after'),
    asOf: parseAsOf(fields['asOf']),
    projection: parseInclude(fields['include'], ['metadata']),
    includeDeleted: optionalBoolean(fields['includeDeleted'], 'include_deleted'),
  };
}
