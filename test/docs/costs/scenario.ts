/** What is counted, and on what: processes at one bucket, and how often something was done there. */
import { FixedWorld } from '../fixed-world.js';
import { CountedBucket, noRequests, requestKinds } from './counted-bucket.js';
import type { RequestCounts } from './counted-bucket.js';

export interface Scenario {
  readonly name: string;
  /** How often it was done while these requests were counted. */
  readonly times: number;
  readonly counts: RequestCounts;
}

export interface Site {
  readonly world: FixedWorld;
  readonly bucket: CountedBucket;
}

export function newSite(): Site {
  const world = new FixedWorld();
  const sleep = (ms: number): Promise<void> => Promise.resolve(world.pass(ms));
  return { world, bucket: new CountedBucket({ clock: world.clock, random: world.random, sleep }) };
}

/** `times`: of what `run` does. */
export async function count(
  { bucket }: Site,
  { name, times }: Pick<Scenario, 'name' | 'times'>,
  run: () => Promise<unknown>,
): Promise<Scenario> {
  const before = bucket.counts();
  await run();
  const after = bucket.counts();
  const counts = noRequests();
  for (const kind of requestKinds) counts[kind] = after[kind] - before[kind];
  return { name, times, counts };
}

/** Directions in which vectors vary: those of embeddings vary in far fewer than they have dimensions. */
const DIRECTIONS = 32;
const NOISE = 65_536;

/** Vectors and documents like those of embedded texts, the same in every run. */
export class RecordSource {
  readonly #dimension: number;
  readonly #directions: readonly Float32Array[];
  readonly #noise: Float32Array;
  #seed: number = 1;
  #made = 0;

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#directions = Array.from({ length: DIRECTIONS }, () => this.#random(dimension));
    this.#noise = this.#random(NOISE + dimension);
  }

  /** Two directions and some noise. */
  vector(): Float32Array {
    const [a, b] = [this.#direction(), this.#direction()];
    const [weight, from] = [this.#next(), Math.floor(this.#next() * NOISE)];
    const vector = this.#noise.slice(from, from + this.#dimension);
    for (let i = 0; i < vector.length; i++) {
      vector[i] = weight * a[i]! + (1 - weight) * b[i]! + 0.2 * vector[i]!;
    }
    return vector;
  }

  records(rows: number): { id: string; vector: Float32Array; metadata: Record<string, string | number> }[] {
    return Array.from({ length: rows }, () => {
      const number = this.#made++;
      return {
        id: `document-${String(number).padStart(9, '0')}`,
        vector: this.vector(),
        metadata: {
          source: `site-${number % 40}`,
          page: number % 300,
          title: `Chapter ${number} of the handbook`,
        },
      };
    });
  }

  #direction(): Float32Array {
    return this.#directions[Math.floor(this.#next() * DIRECTIONS)]!;
  }

  #random(length: number): Float32Array {
    const numbers = new Float32Array(length);
    for (let i = 0; i < length; i++) numbers[i] = this.#next() - 0.5;
    return numbers;
  }

  #next(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}
