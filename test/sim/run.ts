/**
 * One seed: servers, clients, compactors, collectors, creators and droppers on one bucket until all have done their part;
 * then faults stop, everybody looks, everything is compacted and collected, and the bucket holds nothing that cannot be
 * explained (`settle.ts`).
 */
import { Chance } from '../log/virtual-time.js';
import { Bucket } from './bucket.js';
import { Client, restartValues, tolerate } from './client.js';
import { faultOfEffect } from './effects.js';
import { Faults } from './faults.js';
import { Fleet } from './fleet.js';
import { History } from './history.js';
import { takeBackMemory } from './kernel.js';
import { forgetInvocations } from './process.js';
import type { Surroundings } from './process.js';
import type { Taken } from './reference.js';
import { checkLinearizable } from './linearizable.js';
import { Report } from './report.js';
import { PriorityOrder, TimeOrder } from './schedule.js';
import { faultOfScrub, settle } from './settle.js';
import { Watch } from './watch.js';
import { World } from './world.js';

export interface RunResult {
  readonly seed: number;
  readonly report: Report;
  readonly history: History;
  readonly trace: number;
  readonly steps: number;
  readonly shape: Shape;
  readonly failure: unknown;
}

/** Of a compactor, a collector, a dropper. */
const ROUNDS = 3;

/** Of the server tier: handlers of the other one fold and merge it, too, as far as they may. */
const SETTINGS = { dimension: 2, metric: 'euclidean', tier: 'server' } as const;
const BURST_MS = 5_000;
const LINEARIZED_EVERY = 10;

/** What a seed makes of a run. */
export interface Shape {
  readonly scheduler: 'time' | 'priority';
  readonly servers: number;
  readonly clients: number;
  readonly callsPerClient: number;
  readonly compactors: number;
  readonly collectors: number;
  readonly collections: readonly string[];
  readonly faultRate: number;
  readonly drops: boolean;
  readonly crashes: boolean;
  readonly pauses: boolean;
  readonly edges: boolean;
  readonly badClocks: boolean;
  /** Clients make snapshots, read the past, go back to it, and branch. */
  readonly past: boolean;
  /** Somebody checks the whole store while it is written, folded and collected. */
  readonly scrubs: boolean;
  /** Reads take so long, and compactors and collectors are so busy, that one meets what the other did. */
  readonly stale: boolean;
}

function shapeOf(chance: Chance): Shape {
  return {
    scheduler: chance.happens(0.3) ? 'priority' : 'time',
    servers: 2 + chance.below(3),
    clients: 2 + chance.below(4),
    callsPerClient: 3 + chance.below(4),
    compactors: 2 + chance.below(2),
    collectors: 2 + chance.below(2),
    collections: chance.happens(0.2) ? ['papers', 'notes'] : ['papers'],
    faultRate: chance.pick([0, 0.01, 0.03, 0.03, 0.1, 0.25]),
    drops: chance.happens(0.35),
    crashes: chance.happens(0.4),
    pauses: chance.happens(0.3),
    edges: chance.happens(0.2),
    badClocks: chance.happens(0.5),
    scrubs: chance.happens(0.2),
    stale: chance.happens(0.1),
    past: chance.happens(0.3),
  };
}

export class Run {
  readonly shape: Shape;
  readonly chance: Chance;
  readonly world: World;
  readonly bucket: Bucket;
  readonly faults: Faults;
  readonly report: Report = new Report();
  readonly watch: Watch;
  readonly history: History;
  readonly fleet: Fleet;
  readonly clients: Client[] = [];
  /** Names: those of its shape, and branches. */
  readonly collections: string[];

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.shape = shapeOf(this.chance);
    const { chance, shape, report } = this;
    this.collections = [...shape.collections];
    const order =
      shape.scheduler === 'time'
        ? new TimeOrder()
        : new PriorityOrder(new Chance(chance.word()), { depth: 1 + chance.below(6), steps: 1_500 });
    this.world = new World(order);
    const { world } = this;
    this.bucket = new Bucket(world, chance.happens(0.5));
    this.faults = new Faults(new Chance(chance.word()), shape.faultRate);
    this.faults.staleRate = shape.stale ? 0.25 : 0;
    this.faults.staleLanes = shape.servers;
    this.history = new History(world, () => this.watch);
    const { bucket } = this;
    const effects = (taken: readonly Taken[]): void => this.#judge(taken);
    this.watch = new Watch({ world, bucket, report, effects });
    this.bucket.watch = this.watch;
    const around: Surroundings = { world, bucket, faults: this.faults, report };
    const { badClocks, crashes, pauses, edges } = shape;
    const natures = { badClocks, crashes, pauses, edges };
    this.fleet = new Fleet({ around, chance: new Chance(chance.word()), ...natures });
  }

  #judge(taken: readonly Taken[]): void {
    for (const one of taken) {
      const call = this.history.byKey.get(one.entry.keyHash);
      if (call === undefined) throw this.world.fail(`1: slot ${one.seq} holds a key that nobody wrote`);
      const fault = faultOfEffect(call.input, one);
      if (fault !== undefined) throw this.world.fail(fault);
    }
  }

  async go(): Promise<void> {
    await this.world.run(this.#live());
    await settle(this);
  }

  async #live(): Promise<void> {
    const { shape } = this;
    const { servers, compactors, collectors, collections } = shape;
    for (const name of collections) await this.#race(name);
    const clients = Array.from({ length: shape.clients }, (_, i) => this.#client(i));
    let over = false;
    const janitors = [
      ...Array.from({ length: compactors }, (_, i) => this.#compactor(servers + i, () => over)),
      ...Array.from({ length: collectors }, (_, i) => this.#collector(servers + compactors + i, () => over)),
    ];
    if (shape.drops) janitors.push(this.#dropper(() => over));
    if (shape.scrubs) janitors.push(this.#scrubber(servers + compactors + collectors, () => over));
    await Promise.all(clients);
    over = true;
    void Promise.all(janitors).catch(() => {});
  }

  /** Two make it at once: to one of them at most it is new. */
  async #race(name: string): Promise<void> {
    const made = await Promise.all([this.create(0, name), this.create(1, name)]);
    if (made[0] && made[1]) throw this.world.fail(`12: ${name} was made twice`);
  }

  /** Until it is there. Whether the answer was that it had not been there before. */
  async create(lane: number, name: string): Promise<boolean> {
    for (;;) {
      const { process, database } = this.fleet.host(lane);
      const damaged = process.damaged;
      try {
        const made = await process.call(() => database.createCollection(name, SETTINGS));
        if (made !== undefined) return made.created;
      } catch (error) {
        tolerate(error, process.damaged > damaged);
      }
      await this.world.sleep(100);
    }
  }

  async #client(i: number): Promise<void> {
    const { world, report, fleet, history, shape, collections } = this;
    const { servers } = shape;
    const chance = new Chance(this.chance.word());
    const client = new Client({ name: `c${i}`, world, report, fleet, history, chance, servers, collections });
    this.clients.push(client);
    for (let call = 0; call < shape.callsPerClient; call++) {
      // Mostly at once, so that writers race; sometimes so late that compactors and collectors have been there.
      await world.sleep(chance.below(chance.pick([10, 100, 3_000, 60_000])));
      // Many at once, now and then: only then is there anything in the inbox to carry.
      if (chance.happens(0.4)) await world.sleep(BURST_MS - (world.nowMs % BURST_MS));
      if (shape.past && chance.happens(0.4)) await client.timeTravel();
      const dice = chance.below(10);
      if (dice < 6) await client.write();
      else await client.read(dice < 8 ? 'strong' : 'eventual');
    }
  }

  async #janitor(
    lane: number,
    waitMs: number,
    over: () => boolean,
    work: (host: ReturnType<Fleet['host']>) => Promise<object>,
  ): Promise<void> {
    const chance = new Chance(this.chance.word());
    const rounds = this.shape.stale ? 3 * ROUNDS : 1 + chance.below(ROUNDS);
    for (let round = 0; round < rounds && !over(); round++) {
      await this.world.sleep(chance.below(waitMs));
      if (over()) return;
      const host = this.fleet.host(lane);
      const damaged = host.process.damaged;
      try {
        await host.process.call(() => work(host));
      } catch (error) {
        this.#tolerateFor(error, host.process.damaged > damaged);
      }
    }
  }

  #tolerateFor(error: unknown, damaged: boolean): void {
    try {
      tolerate(error, damaged);
    } catch (cause) {
      this.world.fail(`15: ${String(cause)}`);
    }
  }

  async #compactor(lane: number, over: () => boolean): Promise<void> {
    const { collections } = this;
    const chance = new Chance(this.chance.word());
    await this.#janitor(lane, this.shape.stale ? 10_000 : 60_000, over, ({ database }) =>
      database.collection(chance.pick(collections)).compact(),
    );
  }

  async #collector(lane: number, over: () => boolean): Promise<void> {
    const chance = new Chance(this.chance.word());
    await this.#janitor(lane, this.shape.stale ? 10_000 : 60_000, over, async ({ database, process }) => {
      if (chance.happens(0.6)) return await database.collect();
      const wait = chance.happens(0.5);
      if (chance.happens(0.7)) return await database.maintain({ wait });
      // Two events of one schedule that meet.
      const [result] = await Promise.all([
        database.maintain({ wait }),
        process.call(() => database.maintain({ wait: true })),
      ]);
      return result;
    });
  }

  /** Whatever happens meanwhile, it finds no error that is none. */
  async #scrubber(lane: number, over: () => boolean): Promise<void> {
    await this.#janitor(lane, 30_000, over, async ({ database, process }) => {
      const { damaged } = process;
      const result = await database.scrub();
      const fault = process.damaged > damaged ? undefined : faultOfScrub(result);
      if (fault !== undefined) throw this.world.fail(fault);
      this.report.count('scrubs');
      return result;
    });
  }

  async #dropper(over: () => boolean): Promise<void> {
    const { collections, shape } = this;
    const chance = new Chance(this.chance.word());
    await this.#janitor(chance.below(shape.servers), 120_000, over, async ({ database }) => {
      const name = chance.pick(collections);
      await database.dropCollection(name);
      if (!shape.collections.includes(name)) return {};
      await database.createCollection(name, SETTINGS);
      return {};
    });
  }
}

/** The black-box check. Neither a drop nor a restore is an operation of it. */
function checkHistory({ shape, history, report, world }: Run): void {
  for (const name of shape.collections) {
    const calls = history.calls.filter(({ collection }) => collection === name);
    // What was there at a sequence is nothing that it knows.
    if (calls.some((call) => call.kind === 'write' && call.input.goBack !== undefined)) continue;
    const verdict = checkLinearizable(calls);
    report.count(`histories ${verdict}`);
    if (verdict === 'not linearizable') throw world.fail(`3: the history of ${name} is not linearizable`);
  }
}

let current: Run | undefined;
Object.assign(globalThis, { simMark: (name: string) => current?.report.mark(name) });
// Nobody may leave a failure to chance: it would end the process.
process.on('unhandledRejection', (error) => current?.world.fail(`15: nobody handled ${String(error)}`));

export async function runSeed(seed: number, onNote?: (run: Run, text: string) => void): Promise<RunResult> {
  restartValues();
  const run = new Run(seed);
  if (onNote !== undefined) run.world.onNote = (text) => onNote(run, text);
  current = run;
  let failure: unknown;
  try {
    await run.go();
    if (seed % LINEARIZED_EVERY === 0 && !run.shape.drops) checkHistory(run);
  } catch (error) {
    failure = error;
  }
  takeBackMemory();
  forgetInvocations();
  const { report, history, world } = run;
  return { seed, report, history, trace: world.trace, steps: world.steps, failure, shape: run.shape };
}
