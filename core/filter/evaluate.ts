/**
 * The naive evaluator: a filter over one JSON document. It defines what filters mean (docs/FILTERS.md says it in words);
 * anything faster is tested against it.
 *
 * Logic is two-valued. A test of a field asks whether some value of the field satisfies it, so that on a missing field,
 * or a value of another type, it is false and its `not` is true.
 * Cost: at most nodes x values of the document; text matching is linear in the text.
 */
import { compareUtf8 } from '../base/bytes.js';
import type { FieldFilter, Filter, OrderOp, Scalar } from './ast.js';
import { fieldValues } from './field-values.js';
import type { FieldValues } from './field-values.js';
import { compareInstants, tryParseInstant } from './instant.js';
import { matchPattern, tryParseGlob } from './pattern.js';
import { ScalarSet } from './scalar-set.js';

export type DocumentTest = (document: unknown) => boolean;

/** A filter as an index reads it, and as a test of documents. */
export interface CompiledFilter {
  readonly tree: Filter;
  readonly test: DocumentTest;
}

type FieldTest = (values: FieldValues) => boolean;
type ValueTest = (value: unknown) => boolean;

/** Whether a document satisfies a filter. For many documents `compileFilter` saves its preparations. */
export function matches(filter: Filter, document: unknown): boolean {
  return compileFilter(filter)(document);
}

/** The test of a filter, for any number of documents. Anything but an object is a document without fields. */
export function compileFilter(filter: Filter): DocumentTest {
  if ('path' in filter) {
    const test = fieldTest(filter);
    return (document) => test(fieldValues(document, filter.path));
  }
  if (filter.op === 'all') return () => true;
  if (filter.op === 'not') {
    const test = compileFilter(filter.filter);
    return (document) => !test(document);
  }
  const tests = filter.filters.map(compileFilter);
  if (filter.op === 'and') return (document) => tests.every((test) => test(document));
  return (document) => tests.some((test) => test(document));
}

function fieldTest(filter: FieldFilter): FieldTest {
  if (filter.op === 'exists') return (values) => values.present;
  if (filter.op === 'prefix') {
    return anyValue((value) => typeof value === 'string' && value.startsWith(filter.prefix));
  }
  if (filter.op === 'glob') {
    const tokens = tryParseGlob(filter.pattern) ?? [];
    return anyValue((value) => typeof value === 'string' && matchPattern(tokens, value));
  }
  if (filter.op === 'contains') return containsAny([filter.value]);
  if ('values' in filter) {
    if (filter.op === 'in') return equalsAny(filter.values);
    return filter.op === 'contains_any' ? containsAny(filter.values) : containsAll(filter.values);
  }
  if (filter.op === 'eq') return equalsAny([filter.value]);
  return anyValue(orderTest(filter.op, filter.value));
}

function anyValue(test: ValueTest): FieldTest {
  return (values) => values.direct.some(test) || values.elements.some(test);
}

function equalsAny(wanted: readonly Scalar[]): FieldTest {
  const set = new ScalarSet(wanted);
  return anyValue((value) => set.has(value));
}

/** A string that is the field contains its substrings, an array its elements. */
function containsAny(wanted: readonly Scalar[]): FieldTest {
  const set = new ScalarSet(wanted);
  const parts = wanted.filter((value) => typeof value === 'string');
  return (values) =>
    values.elements.some((value) => set.has(value)) ||
    values.direct.some((text) => typeof text === 'string' && parts.some((part) => text.includes(part)));
}

function containsAll(wanted: readonly Scalar[]): FieldTest {
  return (values) => {
    if (!values.present) return false;
    const elements = new ScalarSet(values.elements);
    return wanted.every((value) => elements.has(value) || directContains(values, value));
  };
}

function directContains(values: FieldValues, part: Scalar): boolean {
  return (
    typeof part === 'string' && values.direct.some((text) => typeof text === 'string' && text.includes(part))
  );
}

function orderTest(op: OrderOp, bound: Scalar): ValueTest {
  if (typeof bound !== 'string') {
    return (value) => typeof value === typeof bound && holds(op, Number(value) - Number(bound));
  }
  const boundInstant = tryParseInstant(bound);
  return (value) => {
    if (typeof value !== 'string') return false;
    const instant = boundInstant === undefined ? undefined : tryParseInstant(value);
    const bothInstants = boundInstant !== undefined && instant !== undefined;
    return holds(op, bothInstants ? compareInstants(instant, boundInstant) : compareUtf8(value, bound));
  };
}

/** `difference` is of the value from the bound. */
function holds(op: OrderOp, difference: number): boolean {
  if (op === 'gt') return difference > 0;
  if (op === 'gte') return difference >= 0;
  return op === 'lt' ? difference < 0 : difference <= 0;
}
