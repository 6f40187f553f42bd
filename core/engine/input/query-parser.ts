/**
 * Queries as callers write them, checked.
 */
import { invalid } from '../../base/errors.js';
import { mustBeRecordId } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { compiledFilter, parseFilter } from '../../filter/index.js';
import type { CompiledFilter } from '../../filter/index.js';
import { higherIsNearer } from '../../kernel/index.js';
import type { Metric } from '../../kernel/index.js';
import {
  mustBeObject,
  mustHaveOnly,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
} from './input-shape.js';
import { tryParseDateTime } from './date-time.js';
import { parseInclude } from './include.js';
import type { Projection } from './include.js';
import { parseOrderBy } from './order-parser.js';
import type { OrderField } from './order-parser.js';
import type { AsOf, Consistency } from '../interface/index.js';
import type { VectorParser } from './vectors.js';

export interface ParsedRead {
  readonly consistency: Consistency;
  readonly timeoutMs: number;
  /** The state after this commit, or at this time; undefined: the newest. */
  readonly asOf: AsOf | undefined;
}

export const READ_FIELDS = ['consistency', 'timeoutMs'] as const;
/** Of reads of records. */
export const SEEN_FIELDS: readonly string[] = ['asOf', 'includeDeleted', ...READ_FIELDS];

export function parseRead(input: Readonly<Record<string, unknown>>): ParsedRead {
  const consistency = input['consistency'] ?? 'strong';
  if (consistency !== 'strong' && consistency !== 'eventual') {
    throw invalid('invalid_request', 'consistency must be strong or eventual', { field: 'consistency' });
  }
  return { consistency, timeoutMs: parseTimeout(input['timeoutMs']), asOf: parseAsOf(input['asOf']) };
}

/** A time is answered in one spelling, so that equal ones are equal texts. */
function parseAsOf(value: unknown): AsOf | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') {
    const ms = tryParseDateTime(value);
    if (ms !== undefined) return new Date(ms).toISOString();
    const shown = JSON.stringify(value.slice(0, 40));
    const message = `as_of must be a sequence or an RFC 3339 date-time, got ${shown}`;
    throw invalid('invalid_request', message, { field: 'as_of' });
  }
  return optionalInteger(value, { name: 'as_of', min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
}

export function parseTimeout(value: unknown): number {
  return optionalInteger(value, {
    name: 'timeoutMs',
    min: 1,
    max: limits.timeoutMs,
    fallback: limits.requestTimeoutDefaultMs,
  });
}

export function parseFilterOption(value: unknown): CompiledFilter | undefined {
  return value === undefined ? undefined : compiledFilter(parseFilter(value));
}

/** How hard a query searches: at most one of them is given. */
export type WantedEffort =
  { readonly targetRecall: number } | { readonly ef: number } | { readonly exact: true };

export const DEFAULT_EFFORT: WantedEffort = { targetRecall: 0.95 };

/** Which of a segment's indexes answers: `auto` leaves it to what is in memory and what reading takes. */
export type WantedIndex = 'auto' | 'hnsw' | 'ivf' | 'flat';

const INDEXES: readonly WantedIndex[] = ['auto', 'hnsw', 'ivf', 'flat'];

export interface ParsedQuery {
  /** Undefined: the vector of record `id` is asked. */
  readonly vector: Float32Array | undefined;
  readonly id: string | undefined;
  /** Where neither is asked. */
  readonly order: readonly OrderField[] | undefined;
  readonly k: number;
  readonly filter: CompiledFilter | undefined;
  readonly projection: Projection;
  readonly effort: WantedEffort;
  readonly index: WantedIndex;
  /** Score at which matches end. */
  readonly scoreBound: number | undefined;
  readonly includeDeleted: boolean;
  readonly explain: boolean;
}

/** Of these one, and of those at most one. */
const ASKED = ['vector', 'id', 'orderBy'] as const;
const EFFORTS = ['targetRecall', 'ef', 'exact'] as const;

const QUERY_FIELDS = [
  ...[...ASKED, 'k', 'filter', 'include', ...EFFORTS],
  ...['index', 'minScore', 'maxDistance', 'explain', ...SEEN_FIELDS],
];

const MEASURES = [
  ['targetRecall', 'target_recall'],
  ['ef', 'ef'],
  ['exact', 'exact'],
  ['index', 'index'],
  ['minScore', 'min_score'],
  ['maxDistance', 'max_distance'],
  ['explain', 'explain'],
] as const;

/** Requires: an input that was kept. Throws `invalid`. */
export function parseQuery(vectors: VectorParser, metric: Metric, value: unknown, what: string): ParsedQuery {
  const input = mustBeObject(value, what);
  mustHaveOnly(input, QUERY_FIELDS, what);
  let asked = 0;
  for (const name of ASKED) if (input[name] !== undefined) asked++;
  if (asked !== 1) {
    throw invalid('invalid_request', `${what} takes either a vector or an id, or else order_by`, { what });
  }
  const order = parseOrderBy(input['orderBy']);
  if (order !== undefined) mustMeasureNothing(input, what);
  return {
    vector: input['vector'] === undefined ? undefined : vectors.kept(input['vector'], `${what}.vector`),
    id: input['id'] === undefined ? undefined : mustBeRecordId(input['id'], what),
    order,
    k: optionalInteger(input['k'], { name: 'k', min: 1, max: limits.k, fallback: 10 }),
    filter: parseFilterOption(input['filter']),
    projection: parseInclude(input['include'], ['metadata']),
    effort: parseEffort(input, what),
    index: parseIndex(input),
    scoreBound: parseScoreBound(input, metric),
    includeDeleted: optionalBoolean(input['includeDeleted'], 'include_deleted'),
    explain: optionalBoolean(input['explain'], 'explain'),
  };
}

/** Only what is measured can be looked for harder, be too far, or have a plan. */
function mustMeasureNothing(input: Readonly<Record<string, unknown>>, what: string): void {
  for (const [name, spelt] of MEASURES) {
    if (input[name] === undefined) continue;
    throw invalid('invalid_request', `${what}: ${spelt} has no meaning with order_by`, { field: spelt });
  }
}

/** The unfolded log is searched exactly, which satisfies any of them. */
function parseEffort(input: Readonly<Record<string, unknown>>, what: string): WantedEffort {
  let given = 0;
  for (const name of EFFORTS) if (input[name] !== undefined) given++;
  if (given > 1) {
    throw invalid('invalid_request', `${what} takes at most one of target_recall, ef and exact`, { what });
  }
  const targetRecall = optionalNumber(input['targetRecall'], 'target_recall');
  if (targetRecall !== undefined && !(targetRecall > 0 && targetRecall <= 1)) {
    throw invalid('invalid_request', `target_recall must be above 0 and at most 1, got ${targetRecall}`, {
      field: 'target_recall',
    });
  }
  const ef = optionalInteger(input['ef'], { name: 'ef', min: 1, max: limits.k, fallback: 0 });
  if (optionalBoolean(input['exact'], 'exact')) return { exact: true };
  if (ef > 0) return { ef };
  return targetRecall === undefined ? DEFAULT_EFFORT : { targetRecall };
}

function parseIndex(input: Readonly<Record<string, unknown>>): WantedIndex {
  const given = input['index'];
  if (given === undefined) return 'auto';
  const index = INDEXES.find((name) => name === given);
  if (index === undefined) {
    const message = `index must be ${INDEXES.join(', ')}, got ${JSON.stringify(given)?.slice(0, 40)}`;
    throw invalid('invalid_request', message, { field: 'index' });
  }
  if (index !== 'auto' && input['exact'] === true) {
    const message = `exact compares every record, whatever the index: leave out index or exact`;
    throw invalid('invalid_request', message, { field: 'index' });
  }
  if ((index === 'ivf' || index === 'flat') && input['ef'] !== undefined) {
    const message = `ef is the width of a walk of hnsw: with index ${index} give target_recall`;
    throw invalid('invalid_request', message, { field: 'ef' });
  }
  return index;
}

function parseScoreBound(input: Readonly<Record<string, unknown>>, metric: Metric): number | undefined {
  const similarity = higherIsNearer(metric);
  const right = similarity ? 'min_score' : 'max_distance';
  const wrong = similarity ? 'max_distance' : 'min_score';
  if (input[similarity ? 'maxDistance' : 'minScore'] !== undefined) {
    throw invalid('invalid_request', `${wrong} has no meaning under ${metric}; use ${right}`, {
      field: wrong,
      metric,
    });
  }
  return optionalNumber(input[similarity ? 'minScore' : 'maxDistance'], right);
}
