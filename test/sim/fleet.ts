/**
 * The processes of a run: servers that clients call, compactors, collectors. One that dies is started anew after a while,
 * with nothing but the bucket.
 */
import type { Database } from '../../core/index.js';
import { EngineDatabase } from '../../core/engine/database.js';
import { accountingStore, meteringStore, retryingStore } from '../../core/store/index.js';
import type { Chance } from '../log/virtual-time.js';
import { kernel } from './kernel.js';
import { RATE_MAX } from './watch.js';
import { forgetInvocations, SimProcess } from './process.js';
import type { Surroundings } from './process.js';

export interface FleetOptions {
  readonly around: Surroundings;
  readonly chance: Chance;
  /** Wall clocks off by an hour and jumping, monotonic ones fast and slow. */
  readonly badClocks: boolean;
  readonly crashes: boolean;
  readonly pauses: boolean;
  /** Handlers of the edge tier among them, whose calls may make so many requests each. */
  readonly edges: boolean;
}

export interface Host {
  readonly process: SimProcess;
  readonly database: Database;
}

/** Awaits after which one dies: some in the middle of their first call, some late. */
const LIVES = [10, 40, 120, 400];
/** Requests of an invocation: too few for anything, or for a fold, or for maintenance, and enough. */
const INVOCATIONS = [5, 6, 8, 16, 20, 25, 30, 40, 60, 200, 1_000, 1_000, 1_000, 1_000, 1_000];
const HOUR_MS = 3_600_000;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #hosts = new Map<number, Host>();
  #faultless = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The process of that number, started where there is none. */
  host(lane: number): Host {
    const known = this.#hosts.get(lane);
    if (known !== undefined && !known.process.dead) return known;
    const host = this.#start(lane);
    this.#hosts.set(lane, host);
    return host;
  }

  #start(lane: number): Host {
    const { around, chance, badClocks, crashes, pauses, edges } = this.#options;
    const span = 2 * Math.log(RATE_MAX);
    const nature = {
      rate: badClocks ? Math.exp((chance.below(1_001) / 1_000 - 0.5) * span) : 1,
      skewMs: badClocks ? chance.pick([0, 0, HOUR_MS, -HOUR_MS, 1_000, chance.below(HOUR_MS)]) : 0,
      jumps: badClocks && chance.happens(0.5) ? 0.01 : 0,
      latencyMs: chance.pick([3, 20, 20, 60]),
    };
    const process = new SimProcess(around, lane, nature, chance.word());
    if (crashes && !this.#faultless) process.dieAfter(1 + chance.below(chance.pick(LIVES)));
    if (pauses && !this.#faultless && chance.happens(0.5)) this.#pauseLater(process);
    const { ports } = process;
    const edge = edges && chance.happens(0.5);
    if (edge && !this.#faultless) process.requestsMost = INVOCATIONS;
    const metered = edge ? meteringStore(process.store, { current: process.invocation }) : process.store;
    const store = accountingStore(retryingStore(metered, ports));
    const shareRequests = !edge && chance.happens(0.6);
    const parts = { store, ports, kernel, tier: edge ? 'edge' : 'server' } as const;
    const database = new EngineDatabase({ ...parts, shareRequests, background: shareRequests });
    return { process, database };
  }

  #pauseLater(process: SimProcess): void {
    const { around, chance } = this.#options;
    const { world, report } = around;
    const run = (): void => {
      report.count('stalls');
      process.pause(chance.pick([2_000, 29_000, 61_000, 200_000, 2 * HOUR_MS]));
    };
    world.plan({ atMs: world.nowMs + chance.below(60_000), lane: -1, timer: true, run });
  }

  /** From now on nobody dies, and who had a life left keeps it; and nobody counts requests. */
  endFaults(): void {
    this.#faultless = true;
    for (const { process } of this.#hosts.values()) {
      process.dieAfter(Infinity);
      process.requestsMost = undefined;
    }
    forgetInvocations();
  }
}
