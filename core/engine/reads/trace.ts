/** What a query that is to be explained notes on its way. Others have none, and pay nothing for it. */
import type { Clock } from '../../base/ports.js';
import type { Explanation, SearchPlanName, SegmentExplanation } from '../interface/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import type { SegmentMatches } from '../table/index.js';

export class QueryTrace {
  readonly #clock: Clock;
  #memtable: Explanation['memtable'] = { rows: 0, rowsVisited: 0, hits: 0 };
  readonly #segments: SegmentTrace[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  memtable(searched: Explanation['memtable']): void {
    this.#memtable = searched;
  }

  /** Of the segment that is searched next. */
  segment(overlay: SegmentOverlay): SegmentTrace {
    const trace = new SegmentTrace(this.#clock, overlay);
    this.#segments.push(trace);
    return trace;
  }

  explanation(): Explanation {
    return { memtable: this.#memtable, segments: this.#segments.map((trace) => trace.explanation()) };
  }
}

interface TracedPlan {
  readonly matches: number;
  readonly plan: SearchPlanName;
  readonly leaves?: number;
  readonly ef?: number;
  readonly rerank?: number;
}

export class SegmentTrace {
  readonly #clock: Clock;
  readonly #overlay: SegmentOverlay;
  readonly #begunMs: number;
  #filteredMs: number;
  #filter: Pick<SegmentExplanation, 'estimate' | 'documentsRead'> = {};
  #plan: TracedPlan = { matches: 0, plan: 'none' };
  #fallback = false;
  #end = { rowsVisited: 0, hits: 0, ms: 0 };

  constructor(clock: Clock, overlay: SegmentOverlay) {
    this.#clock = clock;
    this.#overlay = overlay;
    this.#begunMs = clock.monotonicMs();
    this.#filteredMs = this.#begunMs;
  }

  filtered({ least, documentsRead }: SegmentMatches): void {
    this.#filteredMs = this.#clock.monotonicMs();
    this.#filter = { estimate: { least, most: least + documentsRead }, documentsRead };
  }

  /** Also in the place of a plan that turned out not to do. */
  planned(plan: TracedPlan): void {
    this.#plan = plan;
  }

  gaveUp(): void {
    this.#fallback = true;
  }

  ended({ rowsVisited, hits }: { readonly rowsVisited: number; readonly hits: number }): void {
    this.#end = { rowsVisited, hits, ms: this.#clock.monotonicMs() };
  }

  explanation(): SegmentExplanation {
    const { rows, ref } = this.#overlay.segment.file;
    const { rowsVisited, hits, ms } = this.#end;
    return {
      ...{ segment: ref.key, rows },
      ...this.#filter,
      ...this.#plan,
      ...(this.#fallback ? { fallback: true } : {}),
      ...{ rowsVisited, hits },
      ms: {
        filter: toMicroseconds(this.#filteredMs - this.#begunMs),
        total: toMicroseconds(ms - this.#begunMs),
      },
    };
  }
}

/** What a clock tells beyond that is noise, and long to read. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
