/**
 * The bounds of a filter (docs/FILTERS.md, "Limits") and what can be read off its shape: its size, its depth, its paths.
 */
import { utf8Length } from '../base/bytes.js';
import { overLimit } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Filter } from './ast.js';
import { invalidFilter } from './filter-error.js';
import type { FilterPlace } from './filter-error.js';

const SURROGATE = /\p{Surrogate}/u;

/**
 * Bytes of names and values, and tests, read so far: the bound on the work of reading an object, whatever its shape. Every
 * test is a node: an excess is refused before the rest is read.
 */
export class TextBudget {
  #bytes = 0;
  #tests = 0;

  spendTest(): void {
    this.#tests++;
    if (this.#tests > limits.filterNodes)
      throw overLimit('filterNodes', this.#tests, limits.filterNodes, 'filter');
  }

  spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > limits.filterTextBytes) {
      throw overLimit('filterTextBytes', this.#bytes, limits.filterTextBytes, 'filter');
    }
  }

  spendText(text: string): void {
    // A UTF-16 unit takes at least one byte: a long text is refused before it is walked.
    this.spend(text.length > limits.filterTextBytes ? text.length : utf8Length(text));
  }
}

/** Checks nesting while parsing, so that no input can go deep into the stack. */
export function checkDepth(depth: number): void {
  if (depth > limits.filterDepth) throw overLimit('filterDepth', depth, limits.filterDepth, 'filter');
}

export function mustBeWellFormed(text: string, place: FilterPlace): string {
  const index = text.search(SURROGATE);
  if (index < 0) return text;
  const where = 'position' in place ? { position: place.position + index } : place;
  throw invalidFilter(where, 'a lone surrogate has no UTF-8 form');
}

export function mustBePath(path: string, place: FilterPlace): string {
  if (path.length === 0) throw invalidFilter(place, 'a field name is empty');
  const bytes = utf8Length(path);
  if (bytes > limits.fieldNameBytes)
    throw overLimit('fieldNameBytes', bytes, limits.fieldNameBytes, 'filter');
  return mustBeWellFormed(path, place);
}

/** Checks the finished tree against the limits of depth and nodes. A leaf alone has depth 1; list values are no nodes. */
export function checkShape(filter: Filter): Filter {
  let nodes = 0;
  const pending = [{ filter, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes++;
    checkDepth(next.depth);
    for (const child of childrenOf(next.filter)) pending.push({ filter: child, depth: next.depth + 1 });
  }
  if (nodes > limits.filterNodes) throw overLimit('filterNodes', nodes, limits.filterNodes, 'filter');
  return filter;
}

/** The fields that a filter reads, each once, in order of first appearance. */
export function filterPaths(filter: Filter): readonly string[] {
  const paths = new Set<string>();
  const visit = (node: Filter): void => {
    if ('path' in node) paths.add(node.path);
    else childrenOf(node).forEach(visit);
  };
  visit(filter);
  return [...paths];
}

function childrenOf(filter: Filter): readonly Filter[] {
  if (filter.op === 'and' || filter.op === 'or') return filter.filters;
  return filter.op === 'not' ? [filter.filter] : [];
}
