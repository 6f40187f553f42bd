/**
 * The door of the parsers: a filter in either spelling, from anyone, to the checked tree.
 */
import type { Filter } from './ast.js';
import { invalidFilter, typeName, WHOLE_FILTER } from './filter-error.js';
import { parseObjectFilter } from './object-syntax.js';
import { checkShape } from './shape.js';
import { parseTextFilter } from './text-syntax.js';

/**
 * Parses a text (`"year >= 2020"`) or a plain object (`{year: {$gte: 2020}}`); docs/FILTERS.md has both grammars.
 * Throws a CairnError of kind `invalid`: code `invalid_filter` with the place and, where there is one, a suggestion;
 * code `limit_exceeded` where the filter is too long, too deep or has too many nodes.
 */
export function parseFilter(input: unknown): Filter {
  if (typeof input === 'string') return checkShape(parseTextFilter(input));
  if (typeof input === 'object' && input !== null && !Array.isArray(input))
    return checkShape(parseObjectFilter(input));
  throw invalidFilter(WHOLE_FILTER, `must be a text or an object, got ${typeName(input)}`);
}
