/** What a run, or many runs, did: operations, faults by kind, and marks of what was reached at least once. */

export class Report {
  operations = 0;
  readonly faults: Map<string, number> = new Map();
  readonly counts: Map<string, number> = new Map();

  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  count(what: string, by: number = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  add(other: Report): void {
    this.operations += other.operations;
    for (const [kind, count] of other.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    for (const [what, count] of other.counts) this.count(what, count);
  }
}
