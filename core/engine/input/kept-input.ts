/**
 * What a caller passed, as it was at the call. A caller may reuse its buffers as soon as a method has returned its
 * promise; whatever is read after the first await has to be a copy.
 */
import { overLimit } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { isPlainObject } from './input-shape.js';

/** Deeper input than any request may have is left as it is: it will be refused for its depth. */
const DEPTH_MAX = 100;

/**
 * A copy of arrays, plain objects and 32-bit floats, to any valid depth. Everything else (strings, but also dates, class
 * instances and functions, which the checks that follow refuse) is the same value. Cycles stay cycles. Throws `invalid`
 * past `keptValues`: nothing is checked yet, so a body may hold millions of empty arrays.
 */
export function keepInput(value: unknown): unknown {
  return keep(value, { kept: new Map(), values: 0 }, 0);
}

interface Keeping {
  readonly kept: Map<object, unknown>;
  /** Arrays, objects and their fields so far. */
  values: number;
}

function keep(value: unknown, keeping: Keeping, depth: number): unknown {
  const { kept } = keeping;
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  const known = kept.get(value);
  if (known !== undefined) return known;
  if (value instanceof Float32Array) return value.slice();
  if (Array.isArray(value)) {
    countValues(keeping, 1);
    const copy: unknown[] = [...(value as unknown[])];
    kept.set(value, copy);
    for (let i = 0; i < copy.length; i++) {
      if (typeof copy[i] === 'object') copy[i] = keep(copy[i], keeping, depth + 1);
    }
    return copy;
  }
  if (!isPlainObject(value)) return value;
  // A spread defines what it copies: a key named __proto__ has to arrive as a key, so that it can be refused.
  const copy: Record<string, unknown> =
    Object.getPrototypeOf(value) === null
      ? Object.assign(Object.create(null) as Record<string, unknown>, value)
      : { ...value };
  kept.set(value, copy);
  const names = Object.keys(copy);
  countValues(keeping, 1 + names.length);
  for (const name of names) {
    if (typeof copy[name] === 'object') copy[name] = keep(copy[name], keeping, depth + 1);
  }
  return copy;
}

function countValues(keeping: Keeping, more: number): void {
  keeping.values += more;
  if (keeping.values > limits.keptValues)
    throw overLimit('keptValues', keeping.values, limits.keptValues, 'request');
}
