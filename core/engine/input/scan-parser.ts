/**
 * Scans as callers write them, checked.
 */
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import { parseCursor, parseOrderedCursor } from './cursor.js';
import type { OrderPosition } from './cursor.js';
import { parseInclude } from './include.js';
import type { Projection } from './include.js';
import { mustHaveOnly, optionalInteger } from './input-shape.js';
import type { UnknownObject } from './input-shape.js';
import { parseOrderBy } from './order-parser.js';
import type { OrderField } from './order-parser.js';
import { parseFilterOption, SEEN_FIELDS } from './query-parser.js';

export interface ParsedScan {
  readonly filter: CompiledFilter | undefined;
  readonly limit: number;
  readonly projection: Projection;
  /** In the order of the ids, or in one by fields; each with where to go on. */
  readonly from:
    | { readonly after: string }
    | { readonly order: readonly OrderField[]; readonly after: OrderPosition | undefined };
}

const SCAN_FIELDS = ['filter', 'limit', 'orderBy', 'cursor', 'include', ...SEEN_FIELDS];

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
