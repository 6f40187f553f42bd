/**
 * Checks on the shape of what a caller passes: objects, known names, numbers in range. For callers without a type
 * checker, and for JSON that came over the wire.
 */
import { invalid, overLimit } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import { nearestName } from '../../base/nearest.js';

export type UnknownObject = Readonly<Record<string, unknown>>;

/** What a value is, for messages: never its content. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value;
}

/** An object literal, or what JSON.parse makes: no array, date or instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export function mustBeObject(value: unknown, what: string): UnknownObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as UnknownObject;
  throw invalid('invalid_request', `${what} must be an object, got ${kindOf(value)}`, { what });
}

/** Refuses names that nothing here knows: a misspelt option that is silently ignored costs its user hours. */
export function mustHaveOnly(object: UnknownObject, names: readonly string[], what: string): void {
  for (const name in object) {
    if (!names.includes(name)) throw unknownName(name, names, what);
  }
  // A literal `__proto__` in source sets the prototype and never shows up as a key; as JSON it is a key like any other.
  if (Object.hasOwn(object, '__proto__')) throw unknownName('__proto__', names, what);
}

function unknownName(name: string, names: readonly string[], what: string): CairnError {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? `known are ${names.join(', ')}` : `did you mean ${nearest}?`;
  return invalid('unknown_field', `${what}: unknown field ${JSON.stringify(name.slice(0, 80))}; ${hint}`, {
    what,
    field: name.slice(0, 80),
    ...(nearest === undefined ? {} : { nearest }),
  });
}

export function mustBeArray(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw invalid('invalid_request', `${what} must be an array, got ${kindOf(value)}`, { what });
}

/** An array of 1 to `max` elements. `limit` names the limit in an error. */
export function mustBeBatch(
  value: unknown,
  what: string,
  limit: { readonly name: string; readonly max: number },
): readonly unknown[] {
  const array = mustBeArray(value, what);
  if (array.length === 0) throw invalid('empty_batch', `${what} is empty`, { what });
  if (array.length > limit.max) throw overLimit(limit.name, array.length, limit.max, what);
  return array;
}

/** An optional integer of a range. Above the range the error is a limit's. */
export function optionalInteger(
  value: unknown,
  range: { readonly name: string; readonly min: number; readonly max: number; readonly fallback: number },
): number {
  if (value === undefined) return range.fallback;
  const { name, min, max } = range;
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    if (value > max) throw overLimit(name, value, max, 'request');
    if (value >= min) return value;
  }
  const shown = typeof value === 'number' ? String(value) : kindOf(value);
  throw invalid('invalid_request', `${name} must be an integer of ${min} to ${max}, got ${shown}`, {
    field: name,
    min,
    max,
  });
}

export function optionalBoolean(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw invalid('invalid_request', `${name} must be true or false, got ${kindOf(value)}`, { field: name });
}

export function optionalNumber(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(
    'invalid_request',
    `${name} must be a finite number, got ${typeof value === 'number' ? value : kindOf(value)}`,
    {
      field: name,
    },
  );
}
