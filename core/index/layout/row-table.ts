/** What searches and builds ask of the rows of an index, whatever their coding. */
import { assertInternal } from '../../base/errors.js';
import type { Arena } from '../../kernel/index.js';

/** Of a prepared query: what its distances are made of beside what lies in the table's scratch. */
export interface QueryConstants {
  readonly base: number;
  readonly scale: number;
  readonly termFactor: number;
}

/** The rows as codes of one kind. The kernels read the table that was selected last. */
export interface RowTable {
  readonly dimension: number;
  /** The kernel distance is that inside x unit + offset. */
  readonly scale: { readonly unit: number; readonly offset: number };
  /** Address of the f32 query. */
  readonly queryAt: number;
  /** Distances of the raw rows can be had of the codes, to the bit. */
  readonly exact: boolean;
  /** Makes the kernels read this table. */
  select(): void;
  /** Prepares a query for the kernels. Requires: selected. */
  prepare(query: Float32Array): void;
  /** Prepares the query that lies at `queryAt`. Requires: selected. */
  prepareHere(): void;
  /** From now on the kernels' rows are these. Of an index in memory they are all, and nobody has to say so. */
  beginRows(first: number, count: number): void;
  /** Of the query that was prepared last. */
  constants(): QueryConstants;
  /** Goes back to the query of this table that these are of. Requires: selected. */
  putConstants(constants: QueryConstants): void;
  /** Of the first keys of the pool the upper halves become the kernels' distances of the raw rows. Requires: `exact`; selected. */
  measureExactly(count: number): void;
}

/** Puts a query where its table looks for it. */
export function putQuery(
  { f32 }: Arena,
  { dimension, queryAt }: Pick<RowTable, 'dimension' | 'queryAt'>,
  query: Float32Array,
): void {
  assertInternal(query.length === dimension, () => `a query of ${query.length} numbers, not ${dimension}`);
  f32.set(query, queryAt / 4);
}

/** Addresses of the sections of codes. */
export interface CodesAt {
  readonly params: number;
  readonly codes: number;
  readonly terms: number;
}

/** Where a builder makes them. */
export interface CoderPlace {
  readonly at: CodesAt;
  readonly paramCount: number;
}

/** Rows one after another, f32 one behind the other at an address. */
export interface InputRows {
  readonly first: number;
  readonly count: number;
  readonly at: number;
  /** Address of an f32 for each that it is multiplied by first; 0: none. */
  readonly scales: number;
}

/** Codes the rows of an index as they come to its builder. */
/** Of rows that come next, whole leaves. */
export interface PlacedLeaves {
  /** The first row of each. */
  readonly starts: Uint32Array;
  /** f32[leaves][dimension]; for cosine of rows brought to length 1. */
  readonly centroids: Float32Array;
}

export interface RowCoder {
  readonly table: RowTable;
  /** Absent: what is coded is not relative to leaves. */
  placeLeaves?(leaves: PlacedLeaves): void;
  encode(rows: InputRows): void;
}
