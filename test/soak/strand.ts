/**
 * One lane at work: an operation or a read after the other, drawn at random. What a killed process left in doubt is repeated
 * first, under its key.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCairnError } from '../../core/index.js';
import type { Database, WriteOptions } from '../../core/index.js';
import { Chance } from '../log/virtual-time.js';
import { Journal, newestTold } from './journal.js';
import type { Answered, Entry } from './journal.js';
import type { Lane } from './lanes.js';
import { lookups } from './lookups.js';
import { operations } from './operations.js';
import type { Target, Told } from './operations.js';

export interface StrandOptions {
  readonly lane: Lane;
  readonly database: Database;
  /** Path of the journal, and those of the other lanes of the collection. */
  readonly journal: string;
  readonly rivals: readonly string[];
  readonly seed: number;
  readonly tally: (what: string) => void;
  readonly ended: () => boolean;
}

/** Refusals that pass: the caller repeats the request. */
const PASSING = new Set(['log_too_long', 'contended']);
const TRIES = 3_000;
const PAUSE_MS = { least: 20, most: 250 };
/**
 * Between two operations, at most. Lanes that never rest take each slot from whoever needs longer for one, and a large batch
 * would hardly ever be written.
 */
const REST_MS = 150;
const SHARES = { read: 0.45, oldKey: 0.03, recent: 0.1 };

export async function runStrand(options: StrandOptions): Promise<void> {
  const strand = new Strand(options);
  await strand.settle();
  await strand.catchUp();
  while (!options.ended()) {
    await strand.step();
    await sleep(strand.restMs());
  }
  strand.close();
}

class Strand {
  readonly #options: StrandOptions;
  readonly #journal: Journal;
  readonly #chance: Chance;

  constructor(options: StrandOptions) {
    this.#options = options;
    this.#journal = new Journal(options.journal, options.lane);
    // Every process draws on from where its journal stands: a restart does not draw the same again.
    this.#chance = new Chance(options.seed + this.#journal.begun * 7_919);
  }

  close(): void {
    this.#journal.close();
  }

  restMs(): number {
    return this.#chance.below(REST_MS);
  }

  /** What is in doubt has its effect once, now or before. */
  async settle(): Promise<void> {
    const entry = this.#journal.pending;
    if (entry === undefined) return;
    const { keyed } = operations.get(entry.kind)!;
    const tip = keyed ? await this.#tip() : undefined;
    const told = await this.#perform(entry, true);
    const before = told.before ?? (tip === undefined ? undefined : told.sequence! <= tip);
    this.#options.tally('in doubt');
    if (before === true) this.#options.tally('in doubt: had taken effect');
    else if (before === false) this.#options.tally('in doubt: took effect on the repeat');
    else this.#options.tally('in doubt: repeated, which changes nothing');
    this.#end(entry, told);
  }

  /** A first tail that is older than the idempotency window is of no use. */
  async catchUp(): Promise<void> {
    const { model } = this.#journal;
    if (model.exists) model.tail = Math.max(model.tail, await this.#tip());
  }

  async step(): Promise<void> {
    const { model } = this.#journal;
    const chance = this.#chance;
    if (chance.happens(SHARES.oldKey)) return await this.#repeatOld();
    if (chance.happens(SHARES.read)) return await this.#look();
    const kind = this.#draw([...operations].map(([name, { weight }]) => [name, weight(model)]));
    const entry = this.#journal.begin(kind, operations.get(kind)!.draw(model, chance));
    this.#end(entry, await this.#perform(entry, false));
  }

  #end({ kind }: Entry, told: Told): void {
    this.#journal.end(told);
    this.#options.tally(kind);
    const { model } = this.#journal;
    const { sequence } = told;
    if (sequence === undefined || sequence < model.tail) return;
    if (this.#chance.happens(SHARES.recent)) model.keepRecent(sequence);
  }

  async #perform(entry: Entry, again: boolean): Promise<Told> {
    const { kind, spec, tail, n } = entry;
    const { perform } = operations.get(kind)!;
    const idempotencyKey = `lane-${this.#options.lane.number}/${n}`;
    return await this.#untilAnswered(kind, async (tries, said) => {
      const repeated = again || tries > 0;
      // Known before the first try, so no later than the tail that it had. A killed process has said no other.
      const firstTail = said ?? (repeated ? tail : undefined);
      const options: WriteOptions = { idempotencyKey, ...(firstTail === undefined ? {} : { firstTail }) };
      return await perform({ ...this.#target(), again: repeated }, spec, options);
    });
  }

  #target(): Omit<Target, 'again'> {
    const { database, lane } = this.#options;
    return { lane, database, collection: database.collection(lane.collection) };
  }

  async #tip(): Promise<number> {
    const { sequence } = await this.#untilAnswered('count', () => this.#target().collection.count());
    return sequence;
  }

  async #look(): Promise<void> {
    const { model } = this.#journal;
    const weights = [...lookups].map(([name, { weight }]) => [name, weight(model)] as const);
    if (weights.every(([, weight]) => weight === 0)) return;
    const kind = this.#draw(weights);
    const { database, collection } = this.#target();
    const { tally, rivals } = this.#options;
    const chance = this.#chance;
    const rivalTold = (): number => newestTold(chance.pick(rivals));
    const sight = { database, collection, model, chance, rivalTold, tally };
    await this.#untilAnswered(kind, () => lookups.get(kind)!.look(sight));
    tally(kind);
  }

  /** A key that was answered some writes ago: the first answer again, and no second effect, which reads would find. */
  async #repeatOld(): Promise<void> {
    const { answered } = this.#journal;
    if (answered.length === 0 || !this.#journal.model.exists) return;
    const { entry, told }: Answered = this.#chance.pick(answered);
    const { counts, sequence } = await this.#perform(entry, true);
    const first = { counts: told.counts, sequence: told.sequence };
    assert.deepEqual({ counts, sequence }, first, `an old key of ${entry.kind} ${entry.n} again`);
    this.#options.tally('old key again');
  }

  async #untilAnswered<T>(
    what: string,
    call: (tries: number, firstTail: number | undefined) => Promise<T>,
  ): Promise<T> {
    const { tally, lane } = this.#options;
    let firstTail: number | undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        return await call(tries, firstTail);
      } catch (error) {
        const passes = isCairnError(error) && (error.kind === 'unavailable' || PASSING.has(error.code));
        if (!passes)
          throw new Error(`${what} of lane ${lane.number} in ${lane.collection}`, { cause: error });
        tally(`refused: ${error.code}`);
        const said = error.details['first_tail'];
        if (typeof said === 'number') firstTail = Math.min(said, firstTail ?? said);
      }
      await sleep(PAUSE_MS.least + this.#chance.below(PAUSE_MS.most - PAUSE_MS.least));
    }
    throw new Error(`${what} of lane ${lane.number} in ${lane.collection} had no answer in ${TRIES} tries`);
  }

  #draw(weights: readonly (readonly [string, number])[]): string {
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    let left = (this.#chance.word() / 2 ** 32) * total;
    for (const [name, weight] of weights) {
      left -= weight;
      if (left < 0) return name;
    }
    return weights.findLast(([, weight]) => weight > 0)![0];
  }
}
