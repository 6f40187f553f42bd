/**
 * What the answers would be if nothing were damaged: of every state that the calls can lead to, by running them. A state is
 * what the bucket was to begin with, and which of the writes were applied.
 */
import { names } from './bucket.js';
import type { Bucket, Name } from './bucket.js';
import { neighbourSteps, steps, textOf } from './calls.js';
import type { Step } from './calls.js';
import { NOW_MS } from './bucket.js';
import { FreshProcess } from './fresh-process.js';
import { copyOf } from './image.js';
import type { Image } from './image.js';

/**
 * `whole`; `unsent`: the batch that waits to be carried never was, which a reader of a damaged one cannot know and need not;
 * `shorter`: nor was the newest slot, of which nothing but itself tells.
 */
export type World = 'whole' | 'unsent' | 'shorter';

/** Writes applied so far, as a sum of their numbers. */
export type Applied = number;

const APPLIED_MOST = 3;

export interface State {
  readonly world: World;
  readonly applied: Applied;
}

export class Worlds {
  /** By name, world and writes: the answer to each step that comes after these writes. */
  readonly #answers: ReadonlyMap<string, readonly string[]>;
  readonly #neighbours: ReadonlyMap<Name, readonly string[]>;

  private constructor(
    answers: ReadonlyMap<string, readonly string[]>,
    neighbours: ReadonlyMap<Name, readonly string[]>,
  ) {
    this.#answers = answers;
    this.#neighbours = neighbours;
  }

  static async of({ image, before }: Bucket): Promise<Worlds> {
    const answers = new Map<string, readonly string[]>();
    const neighbours = new Map<Name, readonly string[]>();
    const unsent = new Map([...image].filter(([key]) => !key.includes('/inbox/')));
    // The inbox was filled last.
    const shorter = new Map([...before, ...[...image].filter(([key]) => key.includes('/inbox/'))]);
    for (const name of names) {
      for (const [world, from] of Object.entries({ whole: image, unsent, shorter }))
        for (let applied = 0; applied <= APPLIED_MOST; applied++) {
          const wanted = steps.map((step) => (((step.write ?? 0) & ~applied) === 0 ? step : undefined));
          answers.set(nameOf(name, { world: world as World, applied }), await answersOf(from, name, wanted));
        }
      neighbours.set(name, await answersOf(image, name, neighbourSteps));
    }
    return new Worlds(answers, neighbours);
  }

  answer(name: Name, { world, applied }: State, step: number): string {
    return this.#answers.get(nameOf(name, { world, applied }))![step]!;
  }

  neighbourAnswer(name: Name, step: number): string {
    return this.#neighbours.get(name)![step]!;
  }
}

function nameOf(name: Name, { world, applied }: State): string {
  return `${name} ${world} ${applied}`;
}

async function answersOf(
  image: Image,
  name: Name,
  wanted: readonly (Step | undefined)[],
): Promise<readonly string[]> {
  const process = new FreshProcess(await copyOf(image, NOW_MS), { nowMs: NOW_MS, seed: 3 });
  const answers: string[] = [];
  for (const step of wanted) {
    const c = process.database.collection(name);
    answers.push(step === undefined ? '' : textOf(await process.run(() => step.call(c, name))));
  }
  await process.end();
  return answers;
}
