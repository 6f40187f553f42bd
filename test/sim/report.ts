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
    this.operations += run.operations;
    for (const [kind, count] of run.faults) increase(this.faults, kind, count);
    for (const [what, count] of run.counts) increase(this.counts, what, count);
    for (const [name, count] of run.marks) increase(this.marks, name, count);
    for (const what of SHARED) if (run.of(what) >= 2) increase(this.runsWith, what, 1);
  }
}

function increase(map: Map<string, number>, name: string, by: number): void {
  map.set(name, (map.get(name) ?? 0) + by);
}
