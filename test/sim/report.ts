/** What a run, or many runs, did: operations, faults by kind, and marks of what was reached at least once. */

/** Two of each in a run make it one that counts for something. */
export const SHARED = ['commits', 'compactions', 'fences'] as const;

export class Report {
  operations = 0;
  readonly faults: Map<string, number> = new Map();
  readonly counts: Map<string, number> = new Map();
  /** Rare branches of the engine that were taken. */
  readonly marks: Map<string, number> = new Map();
  /** Runs that did two or more of each of `SHARED`. */
  readonly runsWith: Map<string, number> = new Map();

  fault(kind: string): void {
    increase(this.faults, kind, 1);
  }

  mark(name: string): void {
    increase(this.marks, name, 1);
  }

  count(what: string, by: number = 1): void {
    increase(this.counts, what, by);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  addRun(run: Report): void {
    this.addRuns(run);
    for (const what of SHARED) if (run.of(what) >= 2) increase(this.runsWith, what, 1);
  }

  addRuns(runs: ReportData): void {
    this.operations += runs.operations;
    for (const name of ['faults', 'counts', 'marks', 'runsWith'] as const) {
      for (const [what, count] of runs[name]) increase(this[name], what, count);
    }
  }
}

/** The report of other runs, of which nothing but the data may be left. */
export type ReportData = Pick<Report, 'operations' | 'faults' | 'counts' | 'marks' | 'runsWith'>;

function increase(map: Map<string, number>, name: string, by: number): void {
  map.set(name, (map.get(name) ?? 0) + by);
}
