/**
 * Every order of events, up to so many preemptions (Musuvathi and Qadeer 2007): two writers with one write each, a
 * compactor and a collector on a log that has something to fold and to collect. A preemption takes the turn from a
 * process that could go on; the turns of one that waits are free. Depth first, each order a run of its own from the start.
 */
import { EngineDatabase } from '../../core/engine/database.js';
import type { Database } from '../../core/index.js';
import { accountingStore, retryingStore } from '../../core/store/index.js';
import { Chance } from '../log/virtual-time.js';
import { hashKey } from '../../core/log/pending-write.js';
import { Bucket } from './bucket.js';
import { fetchAll } from './client.js';
import { faultOfEffect } from './effects.js';
import { Faults } from './faults.js';
import { History } from './history.js';
import type { WriteInput } from './history.js';
import { digests, kernel, takeBackMemory } from './kernel.js';
import { SimProcess } from './process.js';
import type { Surroundings } from './process.js';
import type { Taken } from './reference.js';
import type { Report } from './report.js';
import { ChoiceOrder } from './schedule.js';
import type { Choice } from './schedule.js';
import { Watch } from './watch.js';
import { World } from './world.js';

const NAME = 'papers';
/** The log before: some of it folded, so that the compactor and the collector both have work. */
const BEFORE: readonly WriteInput[] = [
  { upsert: [{ id: 'a', x: 1 }] },
  { upsert: [{ id: 'b', x: 2 }] },
  { upsert: [{ id: 'a', x: 3 }] },
];

interface Actor {
  readonly process: SimProcess;
  readonly database: Database;
}

class Scene {
  readonly order: ChoiceOrder;
  readonly world: World;
  readonly report: Report;
  readonly history: History;
  readonly watch: Watch;
  readonly #around: Surroundings;
  #actors = 0;

  constructor(given: readonly number[], report: Report) {
    this.order = new ChoiceOrder(given);
    this.world = new World(this.order);
    this.report = report;
    const { world } = this;
    const bucket = new Bucket(world, false);
    const faults = new Faults(new Chance(1), 0);
    this.history = new History(world, () => this.watch);
    this.watch = new Watch({ world, bucket, report, effects: (taken) => this.#judge(taken) });
    bucket.watch = this.watch;
    this.#around = { world, bucket, faults, report };
  }

  #judge(taken: readonly Taken[]): void {
    for (const one of taken) {
      const fault = faultOfEffect(this.history.byKey.get(one.entry.keyHash)!.input, one);
      if (fault !== undefined) throw this.world.fail(fault);
    }
  }

  actor(): Actor {
    const lane = this.#actors++;
    const nature = { rate: 1, skewMs: 0, jumps: 0, latencyMs: 1 };
    const process = new SimProcess(this.#around, lane, nature, lane + 1);
    const { ports } = process;
    const store = accountingStore(retryingStore(process.store, ports));
    const database = new EngineDatabase({
      store,
      ports,
      kernel,
      tier: 'server',
      ...{ shareRequests: false, background: false },
    });
    return { process, database };
  }

  async write({ database }: Actor, key: string, input: WriteInput): Promise<void> {
    const call = this.history.begin({ collection: NAME, key, keyHash: hashKey(digests, key), input });
    const rows = input.upsert!.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { v: x } }));
    const { sequence } = await database.collection(NAME).upsert(rows, { idempotencyKey: key });
    this.history.acknowledged(call, sequence);
  }

  async read({ database }: Actor): Promise<void> {
    const call = this.history.beginRead(NAME, 'strong');
    const { sequence, seen } = await fetchAll(database.collection(NAME), 'strong');
    this.history.answered(call, sequence, seen);
  }

  /** What is there before any choice counts. */
  async prepare(first: Actor): Promise<void> {
    await first.database.createCollection(NAME, { dimension: 2, metric: 'euclidean' });
    for (const [i, input] of BEFORE.entries()) {
      await this.write(first, `before-${i}`, input);
      if (i === 1) await first.database.collection(NAME).compact();
    }
  }

  async play(): Promise<void> {
    const [a, b, compactor, collector] = [this.actor(), this.actor(), this.actor(), this.actor()];
    await this.prepare(a);
    await this.read(b);
    await Promise.all([
      this.write(a, 'a', { upsert: [{ id: 'a', x: 10 }] }).then(() => this.read(a)),
      this.write(b, 'b', { upsert: [{ id: 'b', x: 20 }] }),
      compactor.database.collection(NAME).compact(),
      collector.database.collect(),
    ]);
    await this.read(this.actor());
  }
}

/** The next list of choices after this one in depth-first order; undefined where that was the last. */
function nextChoices(made: readonly Choice[], preemptionsMax: number): readonly number[] | undefined {
  for (let at = made.length - 1; at >= 0; at--) {
    const { lanes, chosen } = made[at]!;
    const last = made[at - 1]?.chosen ?? -1;
    const before = made[at - 1]?.preemptions ?? 0;
    const others = lanes.slice(lanes.indexOf(chosen) + 1);
    // The default comes first, whatever its number; every other lane after it in order.
    const preferred = lanes.includes(last) ? last : lanes[0]!;
    const rest = (chosen === preferred ? lanes : others).filter((lane) => lane !== preferred);
    const costs = lanes.includes(last) ? 1 : 0;
    const [next] = before + costs <= preemptionsMax ? rest : [];
    if (next !== undefined) return [...made.slice(0, at).map((choice) => choice.chosen), next];
  }
  return undefined;
}

export interface ExhaustiveResult {
  readonly orders: number;
  readonly failure: unknown;
  readonly choices: readonly number[];
  readonly complete: boolean;
}

export async function runExhaustive(
  preemptionsMax: number,
  ordersMax: number,
  report: Report,
): Promise<ExhaustiveResult> {
  let choices: readonly number[] | undefined = [];
  let orders = 0;
  while (choices !== undefined && orders < ordersMax) {
    const scene = new Scene(choices, report);
    orders++;
    try {
      await scene.world.run(scene.play());
    } catch (failure) {
      return { orders, failure, choices, complete: false };
    } finally {
      takeBackMemory();
    }
    choices = nextChoices(scene.order.made, preemptionsMax);
  }
  return { orders, failure: undefined, choices: [], complete: choices === undefined };
}
