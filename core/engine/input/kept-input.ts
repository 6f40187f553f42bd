/**
 * What a caller passed, as it was at the call. A caller may reuse its buffers as soon as a method has returned its
 * promise; whatever is read after the first await has to be a copy.
 */

/** Deeper input than any request may have is left as it is: it will be refused for its depth. */
const DEPTH_MAX = 100;

/**
 * A copy of arrays, plain objects and 32-bit floats, to any valid depth. Everything else (strings, but also dates, class
 * instances and functions, which the checks that follow refuse) is the same value. Cycles stay cycles.
 */
export function keepInput(value: unknown): unknown {
  return keep(value, new Map(), 0);
}

function keep(value: unknown, kept: Map<object, unknown>, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  const known = kept.get(value);
  if (known !== undefined) return known;
  if (value instanceof Float32Array) return value.slice();
  if (Array.isArray(value)) {
    const copy: unknown[] = [...(value as unknown[])];
    kept.set(value, copy);
    for (let i = 0; i < copy.length; i++) {
      if (typeof copy[i] === 'object') copy[i] = keep(copy[i], kept, depth + 1);
    }
    return copy;
  }
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && prototype !== Object.prototype) return value;
  const copy = Object.create(prototype) as object;
  kept.set(value, copy);
  for (const [name, inner] of Object.entries(value)) {
    // Defined, not assigned: a key named __proto__ has to arrive as a key, so that it can be refused.
    Object.defineProperty(copy, name, {
      value: keep(inner, kept, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}
