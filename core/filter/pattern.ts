/**
 * Patterns over whole strings: `$glob` (`*` any run, `?` one character, `\` takes the next character as it is) and LIKE
 * (`%`, `_`, an escape character). Both become the same tokens; a glob in normal form is how the tree holds them.
 *
 *   normal form = of a run of wildcards first each `?`, then at most one `*`; a backslash before `*`, `?` and `\` only
 *
 * A character is a code point. Nothing here builds a RegExp.
 */
import { utf8Length } from '../base/bytes.js';
import { overLimit } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { glob, prefix } from './ast.js';
import type { Filter } from './ast.js';

/** Code points, or one of the two wildcards. */
export type PatternTokens = readonly number[];

const ONE = -1;
const MANY = -2;

interface Spelling {
  readonly one: string;
  readonly many: string;
  /** Empty: there is no escape. */
  readonly escape: string;
}

const GLOB: Spelling = { one: '?', many: '*', escape: '\\' };
const LIKE: Spelling = { one: '_', many: '%', escape: '\\' };
const UNESCAPED: Spelling = { ...GLOB, escape: '' };

/** Undefined where the pattern ends in its escape character. Throws `limit_exceeded`. */
export function tryParseGlob(text: string): PatternTokens | undefined {
  return tryParse(text, GLOB);
}

/** `escape`: one character, or empty for none. Undefined where the pattern ends in its escape character. */
export function tryParseLike(text: string, escape: string = LIKE.escape): PatternTokens | undefined {
  return tryParse(text, { ...LIKE, escape });
}

/** The node of a pattern: characters and then one `*` are a prefix, which an ordered index can look up. */
export function patternFilter(path: string, tokens: PatternTokens): Filter {
  const literal = tokens.filter((token) => token >= 0).length;
  if (literal === tokens.length - 1 && tokens.at(-1) === MANY) {
    return prefixFilter(path, print(tokens.slice(0, -1), UNESCAPED));
  }
  // Measured after escapes are undone, so that every spelling of a pattern has the same length. A character has four bytes.
  if (4 * tokens.length > limits.filterPatternBytes) checkLength(print(tokens, UNESCAPED));
  return glob(path, print(tokens, GLOB));
}

export function prefixFilter(path: string, text: string): Filter {
  checkLength(text);
  return prefix(path, text);
}

function checkLength(text: string): void {
  const bytes = utf8Length(text);
  if (bytes > limits.filterPatternBytes) {
    throw overLimit('filterPatternBytes', bytes, limits.filterPatternBytes, 'filter pattern');
  }
}

export function prefixAsLike(text: string): string {
  return print(Array.from(text, codePoint), LIKE) + LIKE.many;
}

/** Requires: a glob in normal form. */
export function globAsLike(pattern: string): string {
  return print(tryParseGlob(pattern) ?? [], LIKE);
}

/** Counts the steps of a match, for the test that bounds them. */
export interface StepCounter {
  steps: number;
}

/**
 * Greedy with one point of return, the latest `*`: an earlier one can gain nothing by taking more.
 * Cost: at most (characters of the text) x (longest run between two `*` + 2) steps, and a run is at most
 * `limits.filterPatternBytes`: linear in the text.
 */
export function matchPattern(tokens: PatternTokens, text: string, counter?: StepCounter): boolean {
  let at = 0;
  let token = 0;
  let retryAt = 0;
  let retryToken = -1;
  while (at < text.length) {
    if (counter !== undefined) counter.steps++;
    const wanted = tokens[token];
    const found = text.codePointAt(at)!;
    if (wanted === MANY) {
      retryAt = at;
      retryToken = ++token;
      if (token === tokens.length) return true;
    } else if (wanted === ONE || wanted === found) {
      at += width(found);
      token++;
    } else if (retryToken >= 0) {
      retryAt += width(text.codePointAt(retryAt)!);
      at = retryAt;
      token = retryToken;
    } else {
      return false;
    }
  }
  if (tokens[token] === MANY) token++;
  return token === tokens.length;
}

function tryParse(text: string, spelling: Spelling): PatternTokens | undefined {
  const tokens: number[] = [];
  let escaped = false;
  for (const character of text) {
    if (escaped) {
      tokens.push(codePoint(character));
      escaped = false;
    } else if (character === spelling.escape) escaped = true;
    else if (character === spelling.many) pushMany(tokens);
    else if (character === spelling.one) pushOne(tokens);
    else tokens.push(codePoint(character));
    // Each is a byte at least; of one more the last may be the star that makes a prefix of it.
    if (tokens.length > limits.filterPatternBytes + 1) {
      throw overLimit('filterPatternBytes', tokens.length, limits.filterPatternBytes, 'filter pattern');
    }
  }
  return escaped ? undefined : tokens;
}

function pushMany(tokens: number[]): void {
  if (tokens.at(-1) !== MANY) tokens.push(MANY);
}

function pushOne(tokens: number[]): void {
  const afterMany = tokens.at(-1) === MANY;
  if (afterMany) tokens.pop();
  tokens.push(ONE);
  if (afterMany) tokens.push(MANY);
}

function print(tokens: PatternTokens, spelling: Spelling): string {
  const { one, many, escape } = spelling;
  let text = '';
  for (const token of tokens) {
    if (token === ONE) text += one;
    else if (token === MANY) text += many;
    else {
      const character = String.fromCodePoint(token);
      const special = character === one || character === many || character === escape;
      text += special ? escape + character : character;
    }
  }
  return text;
}

function codePoint(character: string): number {
  return character.codePointAt(0)!;
}

function width(code: number): number {
  return code > 0xffff ? 2 : 1;
}
