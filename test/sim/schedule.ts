/**
 * Which of the things that could happen next does. An event belongs to a lane (a process, or the store itself); a timer
 * may not happen before its time, anything else (a request that arrives, an answer) at any moment from now on.
 *
 *   TimeOrder      by virtual time: latencies decide, as they do outside
 *   PriorityOrder  PCT (Burckhardt et al. 2010): the lane of the highest priority goes on until it waits for a timer; at a
 *                  few random steps the lane that goes on falls behind all others. Finds bugs of depth d with a
 *                  probability that is known, where latencies would have to be very odd
 *   ChoiceOrder    as a list of choices says: what an exhaustive search walks through
 */
import type { Chance } from '../log/virtual-time.js';

export interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly lane: number;
  readonly timer: boolean;
  readonly run: () => void;
  cancelled: boolean;
}

export interface Order {
  add(event: SimEvent): void;
  /** Takes the next event out. Undefined where there is none. */
  next(nowMs: number): SimEvent | undefined;
}

const isBefore = (a: SimEvent, b: SimEvent): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap. */
export class TimeOrder implements Order {
  readonly #heap: SimEvent[] = [];

  add(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  next(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

/** Events in the order in which they were added, and how one of them is taken out. */
abstract class LaneOrder implements Order {
  readonly #events: SimEvent[] = [];

  add(event: SimEvent): void {
    this.#events.push(event);
  }

  next(nowMs: number): SimEvent | undefined {
    const events = this.#events;
    // The first event of each lane that may happen now.
    const lanes: number[] = [];
    const firsts: number[] = [];
    let earliest = -1;
    let kept = 0;
    for (const event of events) {
      if (event.cancelled) continue;
      const i = kept++;
      events[i] = event;
      if (earliest < 0 || isBefore(event, events[earliest]!)) earliest = i;
      if (event.timer && event.atMs > nowMs) continue;
      const known = lanes.indexOf(event.lane);
      if (known < 0) {
        lanes.push(event.lane);
        firsts.push(i);
      } else if (isBefore(event, events[firsts[known]!]!)) firsts[known] = i;
    }
    events.length = kept;
    if (earliest < 0) return undefined;
    const at = lanes.length === 0 ? earliest : firsts[lanes.indexOf(this.choose(lanes))]!;
    return events.splice(at, 1)[0];
  }

  /** Requires: at least one lane. */
  protected abstract choose(lanes: readonly number[]): number;
}

export class PriorityOrder extends LaneOrder {
  readonly #chance: Chance;
  readonly #priorities = new Map<number, number>();
  readonly #changes: Set<number>;
  #steps = 0;
  #lowest = 0;

  constructor(chance: Chance, options: { readonly depth: number; readonly steps: number }) {
    super();
    this.#chance = chance;
    this.#changes = new Set(Array.from({ length: options.depth }, () => chance.below(options.steps)));
  }

  protected choose(lanes: readonly number[]): number {
    let best = lanes[0]!;
    for (const lane of lanes) if (this.#priority(lane) > this.#priority(best)) best = lane;
    if (this.#changes.has(this.#steps++)) this.#priorities.set(best, --this.#lowest);
    return best;
  }

  #priority(lane: number): number {
    const known = this.#priorities.get(lane);
    if (known !== undefined) return known;
    const fresh = 1 + this.#chance.word();
    this.#priorities.set(lane, fresh);
    return fresh;
  }
}

/** One choice that was made, and what else could have been. */
export interface Choice {
  readonly lanes: readonly number[];
  readonly chosen: number;
  /** Switches away from a lane that could have gone on, up to and with this one. */
  readonly preemptions: number;
}

export class ChoiceOrder extends LaneOrder {
  readonly made: Choice[] = [];
  readonly #given: readonly number[];
  #last = -1;
  #preemptions = 0;

  /** `given`: the lanes to choose, as far as they are given; from then on whoever ran goes on. */
  constructor(given: readonly number[]) {
    super();
    this.#given = given;
  }

  protected choose(lanes: readonly number[]): number {
    const sorted = [...lanes].sort((a, b) => a - b);
    const chosen = this.#given[this.made.length] ?? (lanes.includes(this.#last) ? this.#last : sorted[0]!);
    if (!lanes.includes(chosen))
      throw new Error(`lane ${chosen} cannot go on: the run is not the same again`);
    if (lanes.includes(this.#last) && chosen !== this.#last) this.#preemptions++;
    this.made.push({ lanes: sorted, chosen, preemptions: this.#preemptions });
    this.#last = chosen;
    return chosen;
  }
}
