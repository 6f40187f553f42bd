/** What a query answers of how it was answered. Names and figures may change between versions: for people, not programs. */

/** How the rows of a segment that may be answered were searched. */
export type SearchPlanName =
  /** No row may be answered. */
  | 'none'
  /** Every vector was compared: asked for, or the rows are so few. */
  | 'exact'
  /** The codes of all of them. */
  | 'scan'
  /** The same of an index for which there is no room in memory: the codes were read for this query and passed by. */
  | 'stream'
  /** The leaves that the query is nearest to were read, and their codes compared: the index is not in memory. */
  | 'probe'
  /** A walk of the graph, in which what may not be answered was left out at the end. */
  | 'walk'
  /** A walk of the graph from one row that may be answered to the next. */
  | 'filtered_walk';

export interface SegmentExplanation {
  /** Key of its object. */
  readonly segment: string;
  readonly rows: number;
  /** Of a filter. What the columns tell of it: so many rows satisfy it at least, and at most. */
  readonly estimate?: { readonly least: number; readonly most: number };
  /** Of a filter: documents that were read for what the columns leave open. */
  readonly documentsRead?: number;
  /** Rows that may be answered: they satisfy the filter, and are neither deleted nor replaced. */
  readonly matches: number;
  readonly plan: SearchPlanName;
  /** A walk found too little and was given up; then the codes of all matches were scanned. */
  readonly fallback?: true;
  /** Of a probe: leaves that were read. */
  readonly leaves?: number;
  /** Candidates of the walk at most. */
  readonly ef?: number;
  /** Candidates that were compared exactly at most. */
  readonly rerank?: number;
  /** Vectors compared, coded ones included. */
  readonly rowsVisited: number;
  readonly hits: number;
  /** Until the rows of the filter were known, and until the end. Segments are searched side by side, so these do not add up. */
  readonly ms: { readonly filter: number; readonly total: number };
}

export interface Explanation {
  /** The unfolded log, which is compared exactly. */
  readonly memtable: { readonly rows: number; readonly rowsVisited: number; readonly hits: number };
  readonly segments: readonly SegmentExplanation[];
}
