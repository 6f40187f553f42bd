/**
 * What a path finds in a document.
 *
 * A dot in a key and a step into an object are the same: `a.b` finds `{"a": {"b": 1}}`, `{"a.b": 1}`, and both where
 * both are there. So a path is one string, a document is a flat set of (path, value) pairs, and an index over it needs
 * no escaping. An array on the way, or at the end, stands for its elements, nested arrays too.
 *
 * Keys are looked up as own properties only: `__proto__` and `constructor` are names like others.
 * Cost: each value of the document is visited at most once per path. No recursion.
 */

export interface FieldValues {
  /** The path leads somewhere: to null, to an empty array, to anything. */
  readonly present: boolean;
  /** Values at the end of the path that are no arrays. */
  readonly direct: readonly unknown[];
  /** Elements of the arrays at the end of the path. */
  readonly elements: readonly unknown[];
}

/** A value, and the offset in the path of the first character that is still to be found beneath it. */
interface Step {
  readonly value: unknown;
  readonly offset: number;
}

const NOTHING: FieldValues = { present: false, direct: [], elements: [] };

export function fieldValues(document: unknown, path: string): FieldValues {
  if (!isObject(document)) return NOTHING;
  let present = false;
  const direct: unknown[] = [];
  const elements: unknown[] = [];
  const pending: Step[] = [{ value: document, offset: 0 }];
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const { value, offset } = step;
    if (offset > path.length) {
      present = true;
      if (Array.isArray(value)) pushElements(value, elements);
      else direct.push(value);
    } else if (Array.isArray(value)) {
      for (const item of value) pending.push({ value: item, offset });
    } else if (isObject(value)) {
      descend(value, path, offset, pending);
    }
  }
  return { present, direct, elements };
}

/** Queues the values beneath `object` whose key is the rest of the path, or a part of it that ends before a dot. */
function descend(
  object: Readonly<Record<string, unknown>>,
  path: string,
  offset: number,
  pending: Step[],
): void {
  if (path.indexOf('.', offset) < 0) {
    const key = path.slice(offset);
    if (Object.hasOwn(object, key)) pending.push({ value: object[key], offset: path.length + 1 });
    return;
  }
  // By the object's keys, not by the path's dots: a long path over many small objects then costs what they hold.
  for (const key of Object.keys(object)) {
    const end = offset + key.length;
    if (path.startsWith(key, offset) && (end === path.length || path[end] === '.')) {
      pending.push({ value: object[key], offset: end + 1 });
    }
  }
}

function pushElements(array: readonly unknown[], elements: unknown[]): void {
  const pending: unknown[] = [array];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!Array.isArray(next)) elements.push(next);
    else for (const item of next) if (item !== undefined) pending.push(item);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
