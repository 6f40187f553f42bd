/**
 * Checks a decoded body or query string against its schema and turns the first fault into a typed error that names
 * field, value and limit. Unknown fields come first, with the nearest known name: the other faults are often theirs.
 */
import * as z from 'zod';
import { invalid, overLimit } from '../../../core/base/errors.js';
import type { CairnError } from '../../../core/base/errors.js';
import { nearestName } from '../../../core/base/nearest.js';

type Issue = z.core.$ZodIssue;

/** `where` names the value in messages, for example `body` or `body.upsert`. */
export function mustMatch<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  throw faultOf(ofMeantForm(issue), schema, value, where);
}

/** For records that are walked without a schema. */
export function unknownField(name: string, known: readonly string[], where: string): CairnError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return invalid('unknown_field', `${where}: unknown field ${JSON.stringify(name.slice(0, 100))}, ${hint}`, {
    field: name.slice(0, 100),
    ...(nearest === undefined ? {} : { nearest }),
  });
}

/** What a value is, for messages: short, and never its whole content. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** Of a value that may have several forms, and says by a literal which one it has: what is wrong with that. */
function ofMeantForm(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const meant = issue.errors.filter((faults) =>
    faults.every(
      (fault) => fault.path.length > 0 && !(fault.code === 'invalid_value' && fault.values.length === 1),
    ),
  );
  const fault = meant.length === 1 ? meant[0]![0] : undefined;
  return fault === undefined ? issue : { ...fault, path: [...issue.path, ...fault.path] };
}

function faultOf(issue: Issue, schema: z.ZodType, value: unknown, where: string): CairnError {
  const place = [where, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    return unknownField(issue.keys[0]!, fieldsAt(schema, value, issue.path), place);
  }
  const found = valueAt(value, issue.path);
  const field = place.slice(where.length + 1);
  if (issue.code === 'too_big') {
    const measured = sizeOf(found, issue.origin);
    return overLimit(field, measured, Number(issue.maximum), where);
  }
  if (issue.code === 'custom' && typeof issue.params?.['maxItems'] === 'number') {
    const { limit, maxItems } = issue.params as { readonly limit: string; readonly maxItems: number };
    return overLimit(limit, (found as readonly unknown[]).length, maxItems, place);
  }
  if (found === undefined) return invalid('missing_field', `${place} is required`, { field });
  return invalid('invalid_field', `${place} must be ${wanted(issue)}, got ${shown(found)}`, { field });
}

function sizeOf(value: unknown, origin: string): number {
  if (typeof value === 'number') return value;
  return origin === 'string' || origin === 'array'
    ? (value as string | readonly unknown[]).length
    : Number.NaN;
}

function wanted(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int'
        ? 'an integer'
        : `${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map((v) => JSON.stringify(v)).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `${issue.inclusive === false ? 'more than' : 'at least'} ${String(issue.minimum)}`
        : `of length ${String(issue.minimum)} or more`;
    default:
      return issue.message;
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}

function fieldsAt(schema: z.ZodType, value: unknown, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema;
  path.forEach((key, depth) => {
    at = inner(at, valueAt(value, path.slice(0, depth)));
    if (at instanceof z.ZodObject) at = at.shape[String(key)];
    else if (at instanceof z.ZodArray) at = at.element;
  });
  at = inner(at, valueAt(value, path));
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Of several forms the one that the value has but for fields that nobody knows. */
function inner(schema: unknown, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return inner(schema.unwrap(), value);
  if (!(schema instanceof z.ZodUnion)) return schema;
  const forms = schema.options as readonly z.ZodType[];
  return forms.find((form) =>
    (form.safeParse(value).error?.issues ?? []).every(({ code }) => code === 'unrecognized_keys'),
  );
}
