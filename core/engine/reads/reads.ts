/**
 * What reads answer, given a state: query, fetch, count, scan. Synchronous and pure but for the memory that they read:
 * a state stays whole only until the next tick.
 */
import { invalid, CairnError } from '../../base/errors.js';
import type { Row } from '../../base/ids.js';
import type { DocumentTest } from '../../filter/index.js';
import { cosineScale, higherIsNearer, scoreOf } from '../../kernel/index.js';
import type { LogState } from '../../log/index.js';
import { toCursor } from '../input/index.js';
import { exactSearch, NEWEST } from '../memtable/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { AnswerSize, recordBytes, toRecord } from './projection.js';
import type { ParsedQuery, Projection } from '../input/index.js';
import type { Match, RecordOutput } from '../interface/index.js';

export interface QueryAnswer {
  readonly matches: readonly Match[];
  readonly rowsScanned: number;
}

export interface QueryContext {
  readonly nowMs: number;
  /** Of all queries of the request. */
  readonly size: AnswerSize;
}

export function answerQuery(
  state: LogState<Memtable>,
  query: ParsedQuery,
  { nowMs, size }: QueryContext,
): QueryAnswer {
  const memtable = state.sink;
  const { metric } = memtable.schema;
  const { asOf, includeDeleted, filter, k, scoreBound, projection } = query;
  const { seq } = state.position;
  if (asOf !== undefined && asOf > seq) {
    const message = `as_of ${asOf} has not happened yet: the collection is at sequence ${seq}`;
    throw invalid('sequence_out_of_range', message, { as_of: asOf, sequence: seq });
  }
  const { foldedSeq } = state.head.head;
  if (asOf !== undefined && asOf < foldedSeq) {
    const message = `as_of ${asOf} is no longer kept: the oldest sequence is ${foldedSeq}`;
    throw invalid('sequence_out_of_range', message, { as_of: asOf, oldest: foldedSeq });
  }
  const view: View = { asOf: asOf === undefined || asOf === seq ? NEWEST : asOf, nowMs, includeDeleted };
  const vector = query.vector ?? vectorOf(memtable, query.id!, view);
  const { hits, rowsScanned } = exactSearch(memtable, { query: vector, k, view, filter });
  const scale = metric === 'cosine' ? cosineScale(squaredNorm(vector)) : 1;
  const matches: Match[] = [];
  for (const { row, distance } of hits) {
    const score = scoreOf(metric, distance, scale);
    if (scoreBound !== undefined && (higherIsNearer(metric) ? score < scoreBound : score > scoreBound)) break;
    size.add(recordBytes(memtable, row, projection));
    const { id, ...rest } = toRecord(memtable, row, view, projection);
    matches.push({ id, score, ...rest });
  }
  return { matches, rowsScanned };
}

function squaredNorm(vector: Float32Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0);
}

function vectorOf(memtable: Memtable, id: string, view: View): Float32Array {
  const row = memtable.find(id, view);
  if (row !== undefined) return memtable.vector(row);
  throw new CairnError('not_found', 'record_not_found', `there is no record ${JSON.stringify(id)}`, {
    details: { id },
  });
}

export interface Selection {
  readonly filter: DocumentTest | undefined;
  readonly view: View;
}

export function answerFetch(
  memtable: Memtable,
  ids: readonly string[],
  view: View,
  projection: Projection,
): readonly RecordOutput[] {
  const rows = ids.map((id) => memtable.find(id, view)).filter((row) => row !== undefined);
  const size = new AnswerSize();
  return rows.map((row) => {
    size.add(recordBytes(memtable, row, projection));
    return toRecord(memtable, row, view, projection);
  });
}

export function answerCount(memtable: Memtable, { filter, view }: Selection): number {
  if (filter === undefined && !view.includeDeleted) return memtable.counts(view.nowMs).visible;
  let count = 0;
  for (const { block, firstRow } of memtable.blocks) {
    for (let i = 0; i < block.rowCount; i++)
      if (passes(memtable, (firstRow + i) as Row, { filter, view })) count++;
  }
  return count;
}

function passes(memtable: Memtable, row: Row, { filter, view }: Selection): boolean {
  return memtable.isVisible(row, view) && (filter === undefined || filter(memtable.document(row)));
}

export interface ScanRequest extends Selection {
  readonly after: string;
  readonly limit: number;
  readonly projection: Projection;
}

export interface ScanAnswer {
  readonly records: readonly RecordOutput[];
  /** Undefined where there are no more. */
  readonly cursor: string | undefined;
}

/** Ends before its limit where the answer would become too large: the cursor goes on from there. */
export function answerScan(memtable: Memtable, request: ScanRequest): ScanAnswer {
  const { view, after, limit, projection } = request;
  const size = new AnswerSize();
  const records: RecordOutput[] = [];
  for (const id of memtable.order.after(after)) {
    const row = memtable.find(id, view);
    if (row === undefined || !passes(memtable, row, request)) continue;
    const bytes = recordBytes(memtable, row, projection);
    if (records.length === limit || !size.fits(bytes)) {
      return { records, cursor: toCursor(records.at(-1)!.id) };
    }
    size.add(bytes);
    records.push(toRecord(memtable, row, view, projection));
  }
  return { records, cursor: undefined };
}
