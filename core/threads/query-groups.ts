/**
 * The ends of queries that are under way side by side. What ends a query is the caller's to do, and so is the beginning of others: where
 * both together take longer than the searches do, the caller must not search while a thread could. So those end first of which all is
 * found, and the caller searches only where too few of these are left.
 */
import type { SearchGroup } from '../engine/index.js';
import type { PoolSearch } from './pool-search.js';

/** Queries for each thread, the caller's among them, that end in one turn: while they do, the threads are at those of the next. */
const ENDING_EACH = 4;
/** Fewer than this are not worth a turn: the caller searches for others. */
const ENDING_LEAST = 8;
/** Of those that wait the longest, what may be found by now. */
const LOOKED_AT = 64;
/** Turns after which the one that waits the longest is searched here, whoever else is at it: its thread may be gone. */
const PASSED_OVER_MOST = 128;

export interface GroupsHost {
  /** Threads, the caller's among them. */
  readonly threads: () => number;
  /** Hears what threads have found. */
  readonly collect: () => void;
  /** Runs it when everything else that is ready has had its turn. */
  readonly soon: (run: () => void) => void;
}

export class QueryGroup implements SearchGroup {
  readonly #wait: (group: QueryGroup) => void;
  readonly #searches: PoolSearch[] = [];
  #end: (() => void) | undefined;
  passedOver = 0;

  constructor(wait: (group: QueryGroup) => void) {
    this.#wait = wait;
  }

  add(search: PoolSearch): void {
    this.#searches.push(search);
  }

  get isFound(): boolean {
    return this.#searches.every(({ hasEnded }) => hasEnded);
  }

  /** No thread is at any of it: what is not found yet may be searched here. */
  get isFree(): boolean {
    return !this.#searches.some(({ isBegun }) => isBegun);
  }

  endLater(end: () => void): void {
    this.#end = end;
    this.#wait(this);
  }

  end(): void {
    this.#end!();
  }

  runHere(): void {
    for (const search of this.#searches) search.runHere();
  }
}

export class QueryGroups {
  readonly #host: GroupsHost;
  /** That are to end, as they came. */
  readonly #waiting: QueryGroup[] = [];
  #turnComes = false;

  constructor(host: GroupsHost) {
    this.#host = host;
  }

  make(): QueryGroup {
    return new QueryGroup((group) => {
      this.#waiting.push(group);
      this.#awaitTurn();
    });
  }

  #awaitTurn(): void {
    if (this.#turnComes) return;
    this.#turnComes = true;
    this.#host.soon(() => {
      this.#turnComes = false;
      this.#endSome();
      if (this.#waiting.length > 0) this.#awaitTurn();
    });
  }

  #endSome(): void {
    const most = ENDING_EACH * this.#host.threads();
    const oldest = this.#waiting[0]!;
    for (let ended = 0; ended < most; ended++) {
      this.#host.collect();
      const next = this.#next(ended);
      if (next === undefined) break;
      this.#waiting.splice(next, 1)[0]!.end();
    }
    if (this.#waiting[0] === oldest && ++oldest.passedOver === PASSED_OVER_MOST) oldest.runHere();
  }

  #next(ended: number): number | undefined {
    const waiting = this.#waiting;
    const looked = Math.min(waiting.length, LOOKED_AT);
    for (let at = 0; at < looked; at++) if (waiting[at]!.isFound) return at;
    if (ended >= ENDING_LEAST) return undefined;
    for (let at = 0; at < looked; at++) if (waiting[at]!.isFree) return at;
    // Where others have ended, those who asked may have more to begin than to wait for a thread.
    return looked > 0 && ended === 0 ? 0 : undefined;
  }
}
