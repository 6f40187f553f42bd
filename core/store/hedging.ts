/**
 * Asks once more for what takes unusually long: the second request of a read mostly finds a server that is not the slow one, and
 * the first answer counts. Reads by range alone, which are those of immutable objects; what is small and decides something (a
 * head, a probe for a slot) is asked for once.
 *
 * Unusual is what is past the 95th percentile of requests of about its size. That counts those that ended lately and those
 * that are under way for as long: of many that were begun together the first ones to end are the fast ones, and say nothing
 * of the others. Second requests are at most a tenth of the first ones.
 */
import { limits } from '../base/limits.js';
import type { Clock, Sleep } from '../base/ports.js';
import { ForwardingStore } from './forwarding.js';
import type { GetOptions, GetResult, ObjectStore } from './object-store.js';

/** A few pages, a piece of a small index, a piece of a large one. */
const SIZES_MAX = [262_144, 1_048_576, 4_194_304] as const;

export interface HedgingOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly sleep: Sleep;
}

/**
 * An answer for which a second request was sent says so (`GetResult.sentRequests`). `inner` is the bucket: answers of a cache would
 * pass for fast requests, and each of the bucket's then for a slow one. What is read into memory that is lent (`GetOptions.into`: the pieces of an index) is
 * asked for once: a request that lost would write there after the call has settled, and to read into other memory first was
 * measured to cost more than slow answers do. Cost: up to 10 % more range reads.
 */
export function hedgingStore(inner: ObjectStore, options: HedgingOptions): ObjectStore {
  return new HedgingStore(inner, options);
}

class HedgingStore extends ForwardingStore {
  readonly #options: HedgingOptions;
  readonly #classes: readonly RecentTimes[];
  /** Second requests that may be sent, in hundredths. */
  #credit = 0;

  constructor(inner: ObjectStore, options: HedgingOptions) {
    super(inner);
    this.#options = options;
    this.#classes = Array.from({ length: SIZES_MAX.length + 1 }, () => new RecentTimes());
  }

  override get(key: string, options: GetOptions = {}): Promise<GetResult> {
    const { range, unless, into } = options;
    if (range === undefined || unless !== undefined || into !== undefined)
      return this.inner.get(key, options);
    const { hedgeCreditMax: most, hedgePercent } = limits;
    this.#credit = Math.min(most * 100, this.#credit + hedgePercent);
    const times = this.#classes[sizeClass(range.length)]!;
    return this.#first(times, () => this.#timed(times, () => this.inner.get(key, options)));
  }

  /** The answer of the request, or of another like it, whichever comes first; where both fail, what the first one met. */
  async #first(times: RecentTimes, request: () => Promise<GetResult>): Promise<GetResult> {
    const settled = new AbortController();
    const first = request().finally(() => settled.abort());
    // Told below, by whoever waits for it, or made good by the second.
    first.catch(() => {});
    if (!(await this.#becomesSlow(times, settled.signal))) return await first;
    try {
      const result = await Promise.any([first, request()]);
      return result.status === 'unchanged' ? result : { ...result, sentRequests: 2 };
    } catch {
      return await first;
    }
  }

  /** True once a request that begins now takes unusually long and may be sent again; false where it never comes to that. */
  async #becomesSlow(times: RecentTimes, settled: AbortSignal): Promise<boolean> {
    const { clock, sleep } = this.#options;
    const begunMs = clock.monotonicMs();
    for (let look = 0; look < limits.hedgeLooks && !settled.aborted; look++) {
      if (times.isSlow(begunMs, clock.monotonicMs())) {
        if (this.#credit < 100) return false;
        this.#credit -= 100;
        return true;
      }
      await sleep(limits.hedgeLookMs, settled);
    }
    return false;
  }

  /** Failures say nothing of how long an answer takes. */
  async #timed(times: RecentTimes, request: () => Promise<GetResult>): Promise<GetResult> {
    const flight = times.begin(this.#options.clock.monotonicMs());
    try {
      const result = await request();
      times.keep(this.#options.clock.monotonicMs() - flight.begunMs);
      return result;
    } finally {
      times.end(flight);
    }
  }
}

interface Flight {
  readonly begunMs: number;
}

/** How long requests of one class took, and since when others are under way. */
class RecentTimes {
  readonly #ring = new Float64Array(limits.hedgeTimes);
  #kept = 0;
  /** The oldest first. */
  readonly #underWay = new Set<Flight>();

  begin(begunMs: number): Flight {
    this.#dropLost(begunMs);
    const flight = { begunMs };
    this.#underWay.add(flight);
    return flight;
  }

  end(flight: Flight): void {
    this.#underWay.delete(flight);
  }

  keep(ms: number): void {
    this.#ring[this.#kept++ % this.#ring.length] = ms;
  }

  /** Whether 19 of 20 requests had ended when they were as old as one is that began then: of those that are so old, or have ended. */
  isSlow(begunMs: number, nowMs: number): boolean {
    const known = Math.min(this.#kept, this.#ring.length);
    if (known < limits.hedgeTimesMin) return false;
    this.#dropLost(nowMs);
    let ended = 0;
    for (let i = 0; i < known; i++) if (this.#ring[i]! < nowMs - begunMs) ended += 1;
    let asOld = 0;
    for (const flight of this.#underWay) if (flight.begunMs <= begunMs) asOld += 1;
    return ended >= 0.95 * (known + asOld);
  }

  /** A host that ends a request in the middle lets nobody say so: its flight would make nothing look slow for ever. */
  #dropLost(nowMs: number): void {
    for (const flight of this.#underWay) {
      if (nowMs - flight.begunMs <= limits.placeLostMs) return;
      this.#underWay.delete(flight);
    }
  }
}

/** Requests of one class differ less by their bodies than by chance. */
function sizeClass(bytes: number): number {
  const larger = SIZES_MAX.findIndex((most) => bytes <= most);
  return larger < 0 ? SIZES_MAX.length : larger;
}
