/**
 * The words of the text spelling (grammar in docs/FILTERS.md). A dotted path is one token, its quoting undone:
 * `meta."2nd".in` is the path `meta.2nd.in`.
 *
 * Cost: one pass; each character is looked at a bounded number of times. Nothing is read before it is asked for, so a text
 * costs no more than what is well-formed of it. A filter may be 65,536 bytes of values: what most of them are made of is told
 * by its character codes, the rest of Unicode by expressions.
 */
import { nearestName } from '../base/nearest.js';
import { invalidFilter, shown } from './filter-error.js';

/** `position` is the offset of the token's first UTF-16 unit. */
export type Token =
  | {
      readonly kind: 'path';
      readonly position: number;
      readonly path: string;
      readonly word: string | undefined;
    }
  | { readonly kind: 'string'; readonly position: number; readonly text: string }
  | { readonly kind: 'number'; readonly position: number; readonly value: number }
  | { readonly kind: 'symbol'; readonly position: number; readonly symbol: string }
  | { readonly kind: 'end'; readonly position: number };

/** Words that are never a field unless quoted. */
export const reservedWords: readonly string[] = [
  'AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'LIKE', 'BETWEEN', 'EXISTS', 'CONTAINS', 'TRUE', 'FALSE',
]; // prettier-ignore

export const comparisonSymbols: readonly string[] = ['=', '!=', '<>', '<', '<=', '>', '>='];

/** What users of other languages write. */
const foreignSymbols: Readonly<Record<string, string>> = {
  '==': '=',
  '===': '=',
  '!==': '!=',
  '=<': '<=',
  '=>': '>=',
  '~': 'LIKE',
  '=~': 'LIKE',
  '&': 'AND',
  '&&': 'AND',
  '|': 'OR',
  '||': 'OR',
  '!': 'NOT',
};

const SPACE = /\s+/y;
const WORD = /[\p{L}_$][\p{L}\p{M}\p{N}_$-]*/uy;
/** After a dot a name may begin with a digit: `levels.2.title`. */
const SEGMENT = /[\p{L}\p{N}_$][\p{L}\p{M}\p{N}_$-]*/uy;
const NUMBER = /-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /[=<>!&|~]+/y;
const BLANK = 32;
const ASCII_MAX = 127;

export class TokenReader {
  readonly #text: string;
  #position = 0;
  #token: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token. Throws `invalid_filter` where there is none. */
  peek(): Token {
    return (this.#token ??= this.#read());
  }

  /** Passes over the token that was looked at. */
  advance(): void {
    this.#token = undefined;
  }

  #read(): Token {
    const text = this.#text;
    const start = afterSpace(text, this.#position);
    if (start === text.length) return { kind: 'end', position: start };
    const [token, end] = readToken(text, start);
    this.#position = end;
    return token;
  }
}

function afterSpace(text: string, position: number): number {
  let at = position;
  while (text.charCodeAt(at) === BLANK) at++;
  const code = text.charCodeAt(at);
  const maySpace = code < BLANK || code > ASCII_MAX;
  return maySpace ? at + match(SPACE, text, at).length : at;
}

/** A word of ASCII; '' where there is none, or where it may go on beyond ASCII. */
function asciiWord(text: string, position: number, mayBeginWithDigit: boolean): string {
  let at = position;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code === 36;
    if (letter || (isDigit(code) && (at > position || mayBeginWithDigit))) continue;
    if (code === 45 && at > position) continue;
    if (code > ASCII_MAX) return '';
    break;
  }
  return text.slice(position, at);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function wordAt(text: string, position: number): string {
  return asciiWord(text, position, false) || match(WORD, text, position);
}

function segmentAt(text: string, position: number): string {
  return asciiWord(text, position, true) || match(SEGMENT, text, position);
}

/** What a token looks like, for a message. */
export function describeToken(token: Token): string {
  if (token.kind === 'string') return `the string ${shown(token.text)}`;
  if (token.kind === 'number') return `the number ${token.value}`;
  if (token.kind === 'end') return 'the end';
  return shown(token.kind === 'path' ? token.path : token.symbol);
}

type Read = readonly [Token, end: number];

function readToken(text: string, position: number): Read {
  const first = text[position]!;
  if (first === ',' || first === '(' || first === ')') {
    return [{ kind: 'symbol', position, symbol: first }, position + 1];
  }
  if (first === "'") {
    const [content, end] = readQuoted(text, position);
    return [{ kind: 'string', position, text: content }, end];
  }
  if (isDigit(text.charCodeAt(position))) {
    return tryReadInteger(text, position) ?? readNumber(text, position, match(NUMBER, text, position));
  }
  if (first === '"' || first === '`' || wordAt(text, position) !== '') return readPath(text, position);
  const symbol = match(SYMBOL, text, position);
  if (symbol !== '') {
    if (!comparisonSymbols.includes(symbol))
      throw invalidFilter({ position }, `unknown operator ${shown(symbol)}`, suggestSymbol(symbol));
    return [{ kind: 'symbol', position, symbol }, position + symbol.length];
  }
  const number = match(NUMBER, text, position);
  if (number !== '') return readNumber(text, position, number);
  throw invalidFilter(
    { position },
    `unexpected character ${shown(String.fromCodePoint(text.codePointAt(position)!))}`,
  );
}

function readPath(text: string, position: number): Read {
  const segments: string[] = [];
  let end = position;
  let quoted = false;
  do {
    if (segments.length > 0) end++;
    const first = text[end];
    if (first === '"' || first === '`') {
      const [content, next] = readQuoted(text, end);
      segments.push(content);
      end = next;
      quoted = true;
    } else {
      const segment = segments.length === 0 ? wordAt(text, end) : segmentAt(text, end);
      if (segment === '') throw invalidFilter({ position: end }, 'expected a field name after the dot');
      segments.push(segment);
      end += segment.length;
    }
  } while (text[end] === '.');
  const word = segments.length === 1 && !quoted ? segments[0]!.toUpperCase() : undefined;
  return [{ kind: 'path', position, path: segments.join('.'), word }, end];
}

/** A string or a quoted name: the quote itself is written twice. */
function readQuoted(text: string, position: number): readonly [content: string, end: number] {
  const quote = text[position]!;
  const parts: string[] = [];
  for (let from = position + 1; ;) {
    const close = text.indexOf(quote, from);
    if (close < 0) throw invalidFilter({ position }, `the quote ${quote} is never closed`);
    parts.push(text.slice(from, close));
    if (text[close + 1] !== quote) return [parts.join(quote), close + 1];
    from = close + 2;
  }
}

/** Digits alone, as lists are full of them: undefined for any other number. */
function tryReadInteger(text: string, position: number): Read | undefined {
  let value = 0;
  let end = position;
  for (; isDigit(text.charCodeAt(end)); end++) value = 10 * value + text.charCodeAt(end) - 48;
  const after = text[end];
  const ends = after === undefined || after === ',' || after === ')' || after === ' ';
  // So many digits are exact.
  return ends && end - position <= 15 ? [{ kind: 'number', position, value }, end] : undefined;
}

function readNumber(text: string, position: number, number: string): Read {
  const end = position + number.length;
  if (text[end] === '.' || segmentAt(text, end) !== '') {
    throw invalidFilter(
      { position },
      `malformed number: a string takes single quotes, a field name that begins with a digit double ones`,
    );
  }
  const value = Number(number);
  if (!Number.isFinite(value)) throw invalidFilter({ position }, `the number ${shown(number)} is too large`);
  return [{ kind: 'number', position, value }, end];
}

function suggestSymbol(symbol: string): string | undefined {
  return Object.hasOwn(foreignSymbols, symbol)
    ? foreignSymbols[symbol]
    : nearestName(symbol, comparisonSymbols);
}

/** What a sticky expression matches at a position; empty where it does not. */
function match(form: RegExp, text: string, position: number): string {
  form.lastIndex = position;
  return form.exec(text)?.[0] ?? '';
}
