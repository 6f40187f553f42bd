/**
 * Metadata: any JSON object of at most 64 KiB. Checked before it becomes text, because what JSON cannot say (undefined,
 * NaN, dates, cycles) would be lost in silence, and because depth costs stack wherever it is read again.
 */
import { utf8Length } from '../../base/bytes.js';
import { corrupt, invalid, overLimit } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { isPlainObject, kindOf } from './input-shape.js';
import type { JsonObject, JsonValue } from '../interface/index.js';

/** JSON text of an object; '' for null and undefined. Throws `invalid`, with `where` in the message. */
export function metadataToText(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (!isPlainObject(value))
    throw invalid('invalid_metadata', `${where}: metadata must be an object, got ${kindOf(value)}`, {
      where,
    });
  mustBeJson(value, where, 1);
  const text = JSON.stringify(value);
  // A UTF-16 unit takes at most three bytes: only longer texts need measuring.
  if (text.length * 3 > limits.metadataBytes) {
    const bytes = utf8Length(text);
    if (bytes > limits.metadataBytes) throw overLimit('metadataBytes', bytes, limits.metadataBytes, where);
  }
  return text;
}

function mustBeJson(value: unknown, where: string, depth: number): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (depth > limits.metadataDepth) throw overLimit('metadataDepth', depth, limits.metadataDepth, where);
  if (Array.isArray(value)) {
    for (const inner of value as unknown[]) mustBeJson(inner, where, depth + 1);
    return;
  }
  if (!isPlainObject(value)) {
    const found = typeof value === 'number' ? String(value) : kindOf(value);
    throw invalid('invalid_metadata', `${where}: metadata holds ${found}, which JSON has no form for`, {
      where,
    });
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__')
      throw invalid('invalid_metadata', `${where}: metadata must not have a field named __proto__`, {
        where,
      });
    mustBeJson(value[key], where, depth + 1);
  }
}

/** The object of a text that the log holds. Throws `corrupt`: what was checked on the way in is no longer what it was. */
export function documentOf(text: string): JsonObject {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below, like JSON that is no object.
  }
  if (!isPlainObject(value))
    throw corrupt({ key: 'log', offset: 0, expected: 'metadata as a JSON object', found: shorten(text) });
  if (mayBeDeep(text) && isDeeper(value, limits.metadataDepth)) {
    const expected = `metadata of a depth of at most ${limits.metadataDepth}`;
    throw corrupt({ key: 'log', offset: 0, expected, found: shorten(text) });
  }
  return value as JsonObject;
}

/** That no writer would refuse it: then what a change of it is refused for is the change. Throws `corrupt`. */
export function mustBeStorable(document: JsonObject): void {
  try {
    mustBeJson(document, 'a stored record', 1);
  } catch (error) {
    const found = (error as CairnError).message;
    throw corrupt({ key: 'log', offset: 0, expected: 'metadata as a writer leaves it', found });
  }
}

/** Few texts have so many brackets, and to search for them costs little beside parsing. */
function mayBeDeep(text: string): boolean {
  let open = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1))
      if (++open > limits.metadataDepth) return true;
  }
  return false;
}

/** Whether a value has more objects and arrays within each other. Recursion ends there. */
function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return most === 0 || Object.values(value).some((inner) => isDeeper(inner, most - 1));
}

function shorten(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

/** Whether two documents say the same: the order of an object's fields says nothing. */
export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((value, i) => sameJson(value as JsonValue, b[i] as JsonValue));
  }
  const [left, right] = [a as JsonObject, b as JsonObject];
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && sameJson(left[name]!, right[name]!));
}

/** RFC 7396: objects merge, null removes, everything else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const below = merged[key];
      const base =
        typeof below === 'object' && below !== null && !Array.isArray(below) ? (below as JsonObject) : {};
      merged[key] = mergePatch(base, value as JsonObject);
    } else merged[key] = value;
  }
  return merged as JsonObject;
}
