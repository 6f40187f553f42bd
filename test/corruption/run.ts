/** Damages by the thousand, a sample or all of them, and what came of them by kind of object. */
import { takeLargestAllocation, watchAllocations } from '../fuzz/allocations.js';
import { Chance } from '../log/virtual-time.js';
import { kindOf } from './bucket.js';
import type { ObjectKind } from './bucket.js';
import { damageGroups } from './damage.js';
import type { Damage, DamageGroup } from './damage.js';
import { tryDamage } from './trial.js';
import type { TrialOptions } from './trial.js';

export interface CorruptionOptions extends TrialOptions {
  /** Of all damages, 0 to 1; of each group one at least. */
  readonly share: number;
  readonly seed: number;
  /** Objects of this kind alone. */
  readonly only?: ObjectKind | undefined;
  /** Called after each kind of damage to an object. */
  readonly progress?: (group: DamageGroup) => void;
}

export interface Tally {
  damages: number;
  /** That no call of the process met. */
  unnoticed: number;
  errors: number;
  answers: number;
}

/** Pieces of files that are read at once are at most so long; all else is far shorter. */
const ALLOCATION_MOST_BYTES = 4_194_304;

/** By kind of object and of damage. Throws at the first damage that a call does not bear. */
export async function corrupt(options: CorruptionOptions): Promise<ReadonlyMap<string, Tally>> {
  const { bucket, share, seed, only, progress } = options;
  const chance = new Chance(seed);
  const tallies = new Map<string, Tally>();
  watchAllocations();
  for (const group of damageGroups(bucket)) {
    if (only !== undefined && kindOf(group.key) !== only) continue;
    for (const i of chosen(chance, group.count, share)) await tryOne(options, group.at(i), tallies);
    progress?.(group);
  }
  return tallies;
}

async function tryOne(
  options: CorruptionOptions,
  damage: Damage,
  tallies: Map<string, Tally>,
): Promise<void> {
  takeLargestAllocation();
  const { errors, answers } = await tryDamage(options, damage);
  const asked = takeLargestAllocation();
  if (asked > ALLOCATION_MOST_BYTES) throw new Error(`${damage.what}: ${asked} bytes were asked for at once`);
  const name = `${kindOf(damage.keys[0]!)}, ${damage.kind}`;
  const tally = tallies.get(name) ?? { damages: 0, unnoticed: 0, errors: 0, answers: 0 };
  tallies.set(name, tally);
  tally.damages++;
  if (errors === 0) tally.unnoticed++;
  tally.errors += errors;
  tally.answers += answers;
}

/** Ascending, each once. */
function chosen(chance: Chance, count: number, share: number): Iterable<number> {
  if (share >= 1) return new Array<number>(count).keys();
  const wanted = Math.max(1, Math.round(count * share));
  // Of strata, one of each: what lies side by side is mostly alike.
  return Array.from({ length: wanted }, (_, i) => {
    const [from, to] = [Math.floor((i * count) / wanted), Math.floor(((i + 1) * count) / wanted)];
    return from + chance.below(Math.max(1, to - from));
  });
}
