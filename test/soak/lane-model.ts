/** What a lane must hold, as the answers to its own operations say it. */
import type { Lane } from './lanes.js';
import { firstStamp } from './records.js';
import type { Kept, Records } from './records.js';

/** A state of the lane that can be asked for by its sequence. */
export interface PastState {
  readonly sequence: number;
  readonly records: Records;
}

/** As it is kept in a file. */
export interface ModelState {
  readonly exists: boolean;
  readonly nextStamp: number;
  readonly tail: number;
  readonly records: readonly (readonly [string, Kept])[];
  readonly snapshots: readonly (readonly [string, number, readonly (readonly [string, Kept])[]])[];
  readonly branches: readonly (readonly [string, readonly (readonly [string, Kept])[]])[];
}

const RECENT_KEPT = 3;

export class LaneModel {
  readonly lane: Lane;
  /** Whether there is the collection. */
  exists = true;
  nextStamp: number;
  /** The highest sequence of the collection that the lane knows of: no later than the tail of whatever it does next. */
  tail = 0;
  records = new Map<string, Kept>();
  readonly snapshots = new Map<string, PastState>();
  /** What branches hold of the lane. They outlive the collection. */
  readonly branches = new Map<string, Map<string, Kept>>();
  /** States that nothing keeps: each may be gone. */
  recent: readonly PastState[] = [];

  constructor(lane: Lane) {
    this.lane = lane;
    this.exists = !lane.own;
    this.nextStamp = firstStamp(lane.number);
  }

  static of(lane: Lane, { exists, nextStamp, tail, records, snapshots, branches }: ModelState): LaneModel {
    const model = new LaneModel(lane);
    model.exists = exists;
    model.nextStamp = nextStamp;
    model.tail = tail;
    model.records = new Map(records);
    for (const [name, sequence, kept] of snapshots)
      model.snapshots.set(name, { sequence, records: new Map(kept) });
    for (const [name, kept] of branches) model.branches.set(name, new Map(kept));
    return model;
  }

  toState(): ModelState {
    const { exists, nextStamp, tail, records, snapshots, branches } = this;
    const kept = [...snapshots].map(([name, past]) => [name, past.sequence, [...past.records]] as const);
    const begun = [...branches].map(([name, of]) => [name, [...of]] as const);
    return { exists, nextStamp, tail, records: [...records], snapshots: kept, branches: begun };
  }

  get visibleIds(): readonly string[] {
    return [...this.records].flatMap(([id, { hidden }]) => (hidden ? [] : [id]));
  }

  get hiddenIds(): readonly string[] {
    return [...this.records].flatMap(([id, { hidden }]) => (hidden ? [id] : []));
  }

  set(id: string, kept: Kept): void {
    this.records.set(id, kept);
    this.nextStamp = Math.max(this.nextStamp, kept.stamp + 1);
  }

  hide(id: string, hidden: boolean): void {
    this.records.set(id, { ...this.records.get(id)!, hidden });
  }

  keepRecent(sequence: number): void {
    this.recent = [{ sequence, records: new Map(this.records) }, ...this.recent].slice(0, RECENT_KEPT);
  }

  /** The collection is another one, or none. */
  begin(exists: boolean): void {
    this.exists = exists;
    this.tail = 0;
    this.records = new Map();
    this.snapshots.clear();
    this.recent = [];
  }
}
