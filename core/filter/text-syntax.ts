/**
 * The text spelling, SQL's: `year >= 2020 AND (topic = 'cs.CL' OR tags IN ('nlp', 'ir'))`.
 *
 *   or = and {"OR" and};  and = not {"AND" not};  not = {"NOT"} primary;  primary = "(" or ")" | predicate
 *
 * One method per rule (docs/FILTERS.md has them all), recursion only through parentheses, fewer than
 * `limits.filterDepth` of them open; chains of AND, OR and NOT are loops.
 */
import { overLimit } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { nearestName } from '../base/nearest.js';
import { all, and, compare, contains, exists, isNull, list, not, or } from './ast.js';
import type { CompareOp, Filter, Scalar } from './ast.js';
import { invalidFilter, shown } from './filter-error.js';
import { patternFilter, tryParseLike } from './pattern.js';
import { TextBudget, checkDepth, mustBePath, mustBeWellFormed } from './shape.js';
import { comparisonSymbols, describeToken, reservedWords, TokenReader } from './text-tokens.js';
import type { Token } from './text-tokens.js';

const comparisons: Readonly<Record<string, CompareOp>> = {
  '=': 'eq',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
};
const predicateWords = ['IN', 'LIKE', 'BETWEEN', 'CONTAINS', 'EXISTS', 'IS', 'NOT'] as const;
const negatableWords = ['IN', 'LIKE', 'BETWEEN', 'CONTAINS', 'EXISTS'] as const;

export function parseTextFilter(text: string): Filter {
  new TextBudget().spendText(text);
  mustBeWellFormed(text, { position: 0 });
  return new TextParser(new TokenReader(text)).parse();
}

class TextParser {
  readonly #tokens: TokenReader;
  #predicates = 0;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
  }

  parse(): Filter {
    if (this.#peek().kind === 'end')
      throw invalidFilter({ position: 0 }, 'is empty; write TRUE to match everything');
    const filter = this.#or(1);
    const rest = this.#peek();
    if (rest.kind !== 'end') throw this.#unexpected('AND, OR or the end', ['AND', 'OR']);
    return filter;
  }

  #or(depth: number): Filter {
    const filters = [this.#and(depth)];
    while (this.#tryWord('OR')) filters.push(this.#and(depth));
    return or(filters);
  }

  #and(depth: number): Filter {
    const filters = [this.#not(depth)];
    while (this.#tryWord('AND')) filters.push(this.#not(depth));
    return and(filters);
  }

  #not(depth: number): Filter {
    let negated = false;
    while (this.#tryWord('NOT')) negated = !negated;
    const filter = this.#primary(depth);
    return negated ? not(filter) : filter;
  }

  #primary(depth: number): Filter {
    if (this.#trySymbol('(')) {
      checkDepth(depth + 1);
      const filter = this.#or(depth + 1);
      if (!this.#trySymbol(')')) throw this.#unexpected('AND, OR or ")"', ['AND', 'OR']);
      return filter;
    }
    // Every predicate is a node: refuse the excess before the rest is read.
    if (++this.#predicates > limits.filterNodes) {
      throw overLimit('filterNodes', this.#predicates, limits.filterNodes, 'filter');
    }
    if (this.#tryWord('TRUE')) return all();
    if (this.#tryWord('FALSE')) return not(all());
    if (this.#tryWord('EXISTS')) {
      const parenthesis = this.#trySymbol('(');
      const path = this.#path();
      if (parenthesis && !this.#trySymbol(')')) throw this.#unexpected('")"');
      return exists(path);
    }
    return this.#predicate(this.#path());
  }

  #predicate(path: string): Filter {
    const token = this.#peek();
    if (token.kind === 'symbol' && comparisonSymbols.includes(token.symbol)) {
      this.#tokens.advance();
      return this.#comparison(path, token.symbol);
    }
    if (this.#tryWord('IS')) {
      const negated = this.#tryWord('NOT');
      if (!this.#tryWord('NULL')) throw this.#unexpected('NULL', ['NULL', 'NOT']);
      return negated ? not(isNull(path)) : isNull(path);
    }
    if (this.#tryWord('NOT')) return not(this.#negatable(path, 'IN, LIKE, BETWEEN, CONTAINS or EXISTS'));
    return this.#negatable(path, `an operator after the field ${shown(path)}`);
  }

  #negatable(path: string, expected: string): Filter {
    if (this.#tryWord('IN')) return list('in', path, this.#list());
    if (this.#tryWord('EXISTS')) return exists(path);
    if (this.#tryWord('LIKE')) return this.#like(path);
    if (this.#tryWord('BETWEEN')) {
      const low = this.#ordered();
      if (!this.#tryWord('AND')) throw this.#unexpected('the AND of BETWEEN', ['AND']);
      return and([compare('gte', path, low), compare('lte', path, this.#ordered())]);
    }
    if (this.#tryWord('CONTAINS')) {
      if (this.#tryWord('ANY')) return list('contains_any', path, this.#list());
      if (this.#tryWord('ALL')) return list('contains_all', path, this.#list());
      return contains(path, this.#scalar());
    }
    throw this.#unexpected(expected, expected.startsWith('IN') ? negatableWords : predicateWords);
  }

  #comparison(path: string, symbol: string): Filter {
    if (symbol === '!=' || symbol === '<>') return not(compare('eq', path, this.#scalar()));
    if (symbol === '=') return compare('eq', path, this.#scalar());
    return compare(comparisons[symbol]!, path, this.#ordered());
  }

  #like(path: string): Filter {
    const { position } = this.#peek();
    const text = this.#string('a pattern in single quotes');
    const tokens = tryParseLike(text, this.#tryWord('ESCAPE') ? this.#escape() : undefined);
    if (tokens === undefined)
      throw invalidFilter({ position }, 'the pattern ends in a single escape character');
    return patternFilter(path, tokens);
  }

  #escape(): string {
    const { position } = this.#peek();
    const text = this.#string('an escape character in single quotes');
    if (text.length > 1 && Array.from(text).length > 1)
      throw invalidFilter({ position }, `ESCAPE takes one character or none, got ${shown(text)}`);
    return text;
  }

  #list(): Scalar[] {
    if (!this.#trySymbol('(')) throw this.#unexpected('"(" and a list of values');
    const values: Scalar[] = [];
    if (this.#trySymbol(')')) return values;
    do values.push(this.#scalar());
    while (this.#trySymbol(','));
    if (!this.#trySymbol(')')) throw this.#unexpected('"," or ")"');
    return values;
  }

  #ordered(): Scalar {
    const { position } = this.#peek();
    const value = this.#scalar();
    if (value === null) throw invalidFilter({ position }, 'null has no order: use IS NULL');
    return value;
  }

  #scalar(): Scalar {
    const token = this.#peek();
    if (token.kind === 'string' || token.kind === 'number') {
      this.#tokens.advance();
      return token.kind === 'string' ? token.text : token.value;
    }
    if (this.#tryWord('TRUE')) return true;
    if (this.#tryWord('FALSE')) return false;
    if (this.#tryWord('NULL')) return null;
    if (token.kind !== 'path') throw this.#unexpected('a value');
    const problem = `expected a value, found the field name ${shown(token.path)}: a string takes single quotes`;
    throw invalidFilter(
      { position: token.position },
      problem,
      this.#suggest(token, ['TRUE', 'FALSE', 'NULL']),
    );
  }

  #string(expected: string): string {
    const token = this.#peek();
    if (token.kind !== 'string') throw this.#unexpected(expected);
    this.#tokens.advance();
    return token.text;
  }

  #path(): string {
    const token = this.#peek();
    if (token.kind !== 'path') throw this.#unexpected('a field');
    if (token.word !== undefined && reservedWords.includes(token.word)) {
      const problem = `expected a field, found the keyword ${token.word} (in double quotes it is a field)`;
      throw invalidFilter({ position: token.position }, problem);
    }
    this.#tokens.advance();
    return mustBePath(token.path, { position: token.position });
  }

  #peek(): Token {
    return this.#tokens.peek();
  }

  #tryWord(word: string): boolean {
    const token = this.#peek();
    const found = token.kind === 'path' && token.word === word;
    if (found) this.#tokens.advance();
    return found;
  }

  #trySymbol(symbol: string): boolean {
    const token = this.#peek();
    const found = token.kind === 'symbol' && token.symbol === symbol;
    if (found) this.#tokens.advance();
    return found;
  }

  #unexpected(expected: string, words: readonly string[] = []): CairnError {
    const token = this.#peek();
    const problem = `expected ${expected}, found ${describeToken(token)}`;
    return invalidFilter({ position: token.position }, problem, this.#suggest(token, words));
  }

  #suggest(token: Token, words: readonly string[]): string | undefined {
    return token.kind === 'path' && token.word !== undefined ? nearestName(token.word, words) : undefined;
  }
}
