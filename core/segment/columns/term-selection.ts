/**
 * Which terms of a column satisfy a test of its field: those that surely do, and those of which only documents tell.
 * What a test means is defined by core/filter/evaluate.ts; what is here has to say the same of every value.
 */
import { utf8Encode } from '../../base/bytes.js';
import { compareInstants, matchPattern, tryParseGlob, tryParseInstant } from '../../filter/index.js';
import type { FieldFilter, Instant, ListFilter, OrderOp, Scalar } from '../../filter/index.js';
import { CUT_BYTES, FALSE, NULL, OPAQUE, TERM_BYTES_MAX, termHash, TRUE } from './terms.js';
import type { TermReader } from './term-reader.js';
import type { TextCursor } from './text-blocks.js';

/** Ordinals from one up to, without, another one. */
export type OrdinalRun = readonly [from: number, to: number];

export interface Selection {
  readonly sure: readonly OrdinalRun[];
  /** Of terms that may satisfy the test. */
  readonly unsure: readonly OrdinalRun[];
}

/** A test of one value; `contains_all` is several of these. */
export type TermFilter =
  Exclude<FieldFilter, ListFilter> | (ListFilter & { readonly op: 'in' | 'contains_any' });

/** Which column of the path: `contains` is a part of a direct string, and equality with an element. */
export type ColumnSide = 'direct' | 'elements';

/** Undefined: blocks of terms are missing. */
export function trySelect(filter: TermFilter, side: ColumnSide, terms: TermReader): Selection | undefined {
  const selector = new Selector(terms);
  return selector.tryTake(filter, side) ? selector : undefined;
}

class Selector implements Selection {
  readonly sure: OrdinalRun[] = [];
  readonly unsure: OrdinalRun[] = [];
  readonly #terms: TermReader;

  constructor(terms: TermReader) {
    this.#terms = terms;
  }

  /** False: blocks are missing. */
  tryTake(filter: TermFilter, side: ColumnSide): boolean {
    switch (filter.op) {
      case 'exists':
        add(this.sure, 1, this.#terms.column.order.terms + 1);
        return true;
      case 'eq':
        return this.#takeEqual([filter.value]);
      case 'in':
        return this.#takeEqual(filter.values);
      case 'contains':
        return this.#takeContaining([filter.value], side);
      case 'contains_any':
        return this.#takeContaining(filter.values, side);
      case 'prefix':
        return this.#takePrefixed(utf8Encode(filter.prefix));
      case 'glob': {
        const tokens = tryParseGlob(filter.pattern) ?? [];
        return this.#takeTested((term) => matchPattern(tokens, term.text()));
      }
      default:
        return this.#takeOrdered(filter.op, filter.value);
    }
  }

  /** All are looked for even where a block is missing, so that one more round finds all. */
  #takeEqual(wanted: readonly Scalar[]): boolean {
    let complete = true;
    for (const value of wanted) {
      if (value === null) this.#takeSingle(NULL, this.sure);
      else if (typeof value === 'boolean') this.#takeSingle(value ? TRUE : FALSE, this.sure);
      else if (typeof value === 'number') complete = this.#takeNumbers('gte', value, 'lte') && complete;
      else complete = this.#takeEqualText(value) && complete;
    }
    return complete;
  }

  #takeContaining(wanted: readonly Scalar[], side: ColumnSide): boolean {
    if (side === 'elements') return this.#takeEqual(wanted);
    const parts = wanted.filter((value) => typeof value === 'string').map(utf8Encode);
    if (parts.length === 0) return true;
    return this.#takeTested((term) => parts.some((part) => includes(term, part)));
  }

  #takeOrdered(op: OrderOp, bound: Scalar): boolean {
    if (typeof bound === 'number') return this.#takeNumbers(op, bound);
    if (typeof bound === 'string') return this.#takeOrderedTexts(op, bound);
    if (holds(op, 0 - Number(bound))) this.#takeSingle(FALSE, this.sure);
    if (holds(op, 1 - Number(bound))) this.#takeSingle(TRUE, this.sure);
    return true;
  }

  #takeSingle(single: number, runs: OrdinalRun[]): void {
    const ordinal = this.#terms.column.order.ordinalOf(single);
    if (ordinal > 0) add(runs, ordinal, ordinal + 1);
  }

  /** Numbers that are so, and so besides, to the bound. */
  #takeNumbers(op: OrderOp, bound: number, also: OrderOp = op): boolean {
    const { numbers, order } = this.#terms.column;
    const edge = (of: OrderOp): number | undefined =>
      this.#terms.tryCountNumbers((value) => value < bound || (value === bound && isEdgeBehindEqual(of)));
    const range = bounds(op, also, edge, { first: 0, end: numbers });
    if (range === undefined) return false;
    add(this.sure, order.numbersFrom + range[0], order.numbersFrom + range[1]);
    return true;
  }

  #takeOrderedTexts(op: OrderOp, bound: string): boolean {
    const bytes = utf8Encode(bound);
    this.#takeSingle(OPAQUE, this.unsure);
    const instants = this.#takeOrderedInstants(op, bound, bytes);
    const { column } = this.#terms;
    const { instantsFrom } = column.order;
    // A cut text is below what it is the beginning of, as it stands, and above what it begins with.
    const edge = (): number | undefined =>
      this.#terms.tryCountTexts('texts', (term) => {
        const difference = compare(term, bytes);
        return difference < 0 || (difference === 0 && !term.cut && isEdgeBehindEqual(op));
      });
    const range = bounds(op, op, edge, { first: column.instants, end: column.instants + column.texts });
    const undecided = this.#tryUndecided(bytes);
    if (range === undefined || undecided === undefined) return false;
    const [from, to] = range;
    const [first, end] = undecided;
    add(this.unsure, instantsFrom + first, instantsFrom + end);
    if (first < end && from <= first && end <= to) {
      add(this.sure, instantsFrom + from, instantsFrom + first);
      add(this.sure, instantsFrom + end, instantsFrom + to);
    } else add(this.sure, instantsFrom + from, instantsFrom + to);
    return instants;
  }

  #takeOrderedInstants(op: OrderOp, bound: string, bytes: Uint8Array): boolean {
    const { instants, order } = this.#terms.column;
    const instant = tryParseInstant(bound);
    if (instant === undefined) {
      // Compared as text, in which instants are in no order.
      return this.#terms.tryEach(0, instants, (term, at) => {
        if (holds(op, compare(term, bytes)))
          add(this.sure, order.instantsFrom + at, order.instantsFrom + at + 1);
      });
    }
    const edge = (of: OrderOp): number | undefined =>
      this.#terms.tryCountTexts('instants', (term) => {
        const difference = compareTimes(term, instant, bytes);
        return difference < 0 || (difference === 0 && isEdgeBehindEqual(of));
      });
    const range = bounds(op, op, edge, { first: 0, end: instants });
    if (range === undefined) return false;
    add(this.sure, order.instantsFrom + range[0], order.instantsFrom + range[1]);
    return true;
  }

  #takeEqualText(text: string): boolean {
    const { order } = this.#terms.column;
    const instant = tryParseInstant(text);
    const bytes = utf8Encode(text);
    const hash = bytes.length > TERM_BYTES_MAX ? termHash(bytes) : undefined;
    const part = instant === undefined ? 'texts' : 'instants';
    const head = bytes.subarray(0, CUT_BYTES);
    const distance = (term: TextCursor): number => {
      if (instant !== undefined) return compareTimes(term, instant, bytes);
      if (hash === undefined) return compare(term, bytes) || (term.cut ? 1 : 0);
      return compare(term, head) || (term.cut ? compareBytes(term.hash, hash) : -1);
    };
    const from = this.#terms.tryCountTexts(part, (term) => distance(term) < 0);
    const to = this.#terms.tryCountTexts(part, (term) => distance(term) <= 0);
    if (from === undefined || to === undefined) return false;
    // That a hash is the same is no proof.
    add(hash === undefined ? this.sure : this.unsure, order.instantsFrom + from, order.instantsFrom + to);
    return true;
  }

  #takePrefixed(prefix: Uint8Array): boolean {
    const { column } = this.#terms;
    const { instantsFrom } = column.order;
    this.#takeSingle(OPAQUE, this.unsure);
    // Instants are in the order of time.
    const instants = this.#terms.tryEach(0, column.instants, (term, at) => {
      if (startsWith(term, prefix)) add(this.sure, instantsFrom + at, instantsFrom + at + 1);
    });
    const from = this.#terms.tryCountTexts('texts', (term) => compare(term, prefix) < 0);
    const to = this.#terms.tryCountTexts(
      'texts',
      (term) => compare(term, prefix) < 0 || startsWith(term, prefix),
    );
    const undecided = this.#tryUndecided(prefix);
    if (from === undefined || to === undefined || undecided === undefined) return false;
    add(this.sure, instantsFrom + from, instantsFrom + to);
    add(this.unsure, instantsFrom + undecided[0], instantsFrom + undecided[1]);
    return instants;
  }

  /** Strings that pass a test, which is not asked of those that are cut. */
  #takeTested(test: (term: TextCursor) => boolean): boolean {
    const { instants, texts, order } = this.#terms.column;
    this.#takeSingle(OPAQUE, this.unsure);
    return this.#terms.tryEach(0, instants + texts, (term, at) => {
      const runs = term.cut ? this.unsure : this.sure;
      if (term.cut || test(term)) add(runs, order.instantsFrom + at, order.instantsFrom + at + 1);
    });
  }

  /** The cut texts that begin as a longer text does: whatever is asked of that, their 24 bytes do not tell. */
  #tryUndecided(bytes: Uint8Array): OrdinalRun | undefined {
    if (bytes.length <= CUT_BYTES) return [0, 0];
    const head = bytes.subarray(0, CUT_BYTES);
    const from = this.#terms.tryCountTexts('texts', (term) => {
      const difference = compare(term, head);
      return difference < 0 || (difference === 0 && !term.cut);
    });
    const to = this.#terms.tryCountTexts('texts', (term) => compare(term, head) <= 0);
    return from === undefined || to === undefined ? undefined : [from, to];
  }
}

/** Joins what is side by side. */
function add(runs: OrdinalRun[], from: number, to: number): void {
  if (from >= to) return;
  const last = runs.at(-1);
  if (last !== undefined && last[1] === from) runs[runs.length - 1] = [last[0], to];
  else runs.push([from, to]);
}

function isLower(op: OrderOp): boolean {
  return op === 'gt' || op === 'gte';
}

function isInclusive(op: OrderOp): boolean {
  return op === 'gte' || op === 'lte';
}

/** Whether what equals the bound lies before the edge between what satisfies the test and what does not. */
function isEdgeBehindEqual(op: OrderOp): boolean {
  return isInclusive(op) !== isLower(op);
}

/** From the edge of a lower bound to that of an upper one. Undefined: an edge is. */
function bounds(
  low: OrderOp,
  high: OrderOp,
  edge: (op: OrderOp) => number | undefined,
  { first, end }: { readonly first: number; readonly end: number },
): OrdinalRun | undefined {
  if (first === end) return [first, first];
  const from = isLower(low) ? edge(low) : first;
  const to = isLower(high) ? end : edge(high);
  return from === undefined || to === undefined ? undefined : [Math.max(first, from), to];
}

/** `difference` is of the value from the bound. */
function holds(op: OrderOp, difference: number): boolean {
  if (difference === 0) return isInclusive(op);
  return difference > 0 === isLower(op);
}

const DATE_BYTES = 10;
const T = 0x54;
const Z = 0x5a;

/** `bytes` are the instant as text. */
function compareTimes(term: TextCursor, instant: Instant, bytes: Uint8Array): number {
  const { length } = term;
  // Of one length and form, instants are in the order of their bytes, which costs no parsing.
  if (bytes.length === length && isPlain(term.bytes, length) && isPlain(bytes, length))
    return compare(term, bytes);
  return compareInstants(term.instant(), instant);
}

/** Of an instant: a date, or a time in UTC in capitals. */
function isPlain(bytes: Uint8Array, length: number): boolean {
  return length === DATE_BYTES || (bytes[DATE_BYTES] === T && bytes[length - 1] === Z);
}

/** Order of bytes; a beginning comes before what it begins. */
function compare({ bytes, length }: TextCursor, other: Uint8Array): number {
  const shorter = Math.min(length, other.length);
  for (let i = 0; i < shorter; i++) if (bytes[i] !== other[i]) return bytes[i]! - other[i]!;
  return length - other.length;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

function startsWith({ bytes, length }: TextCursor, prefix: Uint8Array): boolean {
  if (length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

/** UTF-8 holds a text within another exactly where its bytes do. */
function includes({ bytes, length }: TextCursor, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= length; at++) {
    let i = 0;
    while (i < part.length && bytes[at + i] === part[i]) i++;
    if (i === part.length) return true;
  }
  return false;
}
