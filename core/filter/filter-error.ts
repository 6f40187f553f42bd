/**
 * How a bad filter is refused: kind `invalid`, code `invalid_filter`, with the place (a position in a text, a path in
 * an object), what was found there and, where there is one, a suggestion.
 */
import { invalid } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';

const SHOWN_CHARACTERS = 40;

/** A value in an object by the key or the index that it has there. Put into words only for an error: most are none. */
export interface ObjectPlace {
  /** Undefined for the filter itself. */
  readonly parent: ObjectPlace | undefined;
  readonly key: string | number;
}

/** Where in the filter: UTF-16 offset in a text from 0, or the place in an object. */
export type FilterPlace = { readonly position: number } | ObjectPlace;

export const WHOLE_FILTER: ObjectPlace = { parent: undefined, key: 'filter' };

/** Such as `filter.$or[1].year`. */
function pathOf(place: ObjectPlace): string {
  let path = '';
  for (let at: ObjectPlace | undefined = place; at !== undefined; at = at.parent) {
    const { key, parent } = at;
    if (parent === undefined) return key + path;
    if (typeof key === 'number') path = `[${key}]${path}`;
    else path = (/^[\w$.-]{1,64}$/.test(key) ? `.${key}` : `[${shown(key)}]`) + path;
  }
  return path;
}

export function invalidFilter(place: FilterPlace, problem: string, suggestion?: string): CairnError {
  const found = 'position' in place ? place : { path: pathOf(place) };
  const where = 'position' in found ? `filter, position ${found.position}` : found.path;
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return invalid('invalid_filter', `${where}: ${problem}${hint}`, {
    ...found,
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
