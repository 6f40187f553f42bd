/**
 * How a bad filter is refused: kind `invalid`, code `invalid_filter`, with the place (a position in a text, a path in
 * an object), what was found there and, where there is one, a suggestion.
 */
import { invalid } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';

const SHOWN_CHARACTERS = 40;

/** Where in the filter: UTF-16 offset in a text from 0, or the path in an object, such as `filter.$or[1].year`. */
export type FilterPlace = { readonly position: number } | { readonly path: string };

export function invalidFilter(place: FilterPlace, problem: string, suggestion?: string): CairnError {
  const where = 'position' in place ? `filter, position ${place.position}` : place.path;
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return invalid('invalid_filter', `${where}: ${problem}${hint}`, {
    ...place,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

/** A piece of the user's own text for a message: quoted, escaped and cut short. */
export function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS
    ? `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}…`
    : JSON.stringify(text);
}

/** What a value is, for a message. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a Date';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}
