/** One damage, a fresh process, and all calls: each ends in a typed error that is right, or in the answer that is. */
import { isCairnError } from '../../core/index.js';
import type { CairnError } from '../../core/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { kindOf, names, newestSlotOf, NOW_MS, ownerOf } from './bucket.js';
import type { Bucket, Name } from './bucket.js';
import { neighbourSteps, steps, textOf } from './calls.js';
import type { Step } from './calls.js';
import type { Damage } from './damage.js';
import { FreshProcess } from './fresh-process.js';
import { copyOf } from './image.js';
import type { State, World, Worlds } from './worlds.js';

export interface Verdict {
  /** Calls that ended in an error, and in the right answer. */
  readonly errors: number;
  readonly answers: number;
}

export interface TrialOptions {
  readonly bucket: Bucket;
  readonly worlds: Worlds;
  /** Makes the bucket that is damaged. Default: in memory. */
  readonly storeOf?: (damage: Damage) => Promise<ObjectStore>;
}

/** Throws where a call ends in anything but what it may. */
export async function tryDamage({ bucket, worlds, storeOf }: TrialOptions, damage: Damage): Promise<Verdict> {
  const store = storeOf === undefined ? await copyOf(damage.of, NOW_MS) : await storeOf(damage);
  const process = new FreshProcess(store, { nowMs: NOW_MS, seed: 3 });
  const sick = new Set(damage.keys.map((key) => ownerOf(bucket, key)));
  let [errors, answers] = [0, 0];
  for (const name of names) {
    const verdict = sick.has(name)
      ? await new Patient({ bucket, worlds, damage, process, name }).examine()
      : await examineNeighbour(worlds, damage, process, name);
    errors += verdict.errors;
    answers += verdict.answers;
  }
  await process.end();
  return { errors, answers };
}

/** Nothing of a collection's answers depends on another one's objects. */
async function examineNeighbour(
  worlds: Worlds,
  damage: Damage,
  process: FreshProcess,
  name: Name,
): Promise<Verdict> {
  for (const [i, step] of neighbourSteps.entries()) {
    const text = textOf(await process.run(() => step.call(process.database.collection(name), name)));
    if (text !== worlds.neighbourAnswer(name, i)) throw wrongAnswer(damage, `${step.name} of ${name}`, text);
  }
  return { errors: 0, answers: neighbourSteps.length };
}

interface Examination {
  readonly bucket: Bucket;
  readonly worlds: Worlds;
  readonly damage: Damage;
  readonly process: FreshProcess;
  readonly name: Name;
}

class Patient {
  readonly #of: Examination;
  /** In which of them the collection may be, as far as its answers have told. */
  #states: readonly State[];

  constructor(of: Examination) {
    this.#of = of;
    this.#states = worldsAfter(of).map((world) => ({ world, applied: 0 }));
  }

  async examine(): Promise<Verdict> {
    let [errors, answers] = [0, 0];
    for (const [i, step] of steps.entries()) {
      if (await this.#take(i, step)) answers++;
      else errors++;
    }
    return { errors, answers };
  }

  /** False: it ended in an error that it may end in. */
  async #take(i: number, step: Step): Promise<boolean> {
    const { process, name, worlds, damage } = this.#of;
    let text: string;
    try {
      text = textOf(await process.run(() => step.call(process.database.collection(name), name)));
    } catch (error) {
      mustBeRight(this.#of, step, error);
      if (mayBeApplied(step, error))
        this.#states = this.#states.flatMap((state) => [state, after(state, step)]);
      return false;
    }
    this.#states = this.#states
      .map((state) => after(state, step))
      .filter((state) => worlds.answer(name, state, i) === text);
    if (this.#states.length === 0) throw wrongAnswer(damage, `${step.name} of ${name}`, text);
    return true;
  }
}

function after({ world, applied }: State, { write = 0 }: Step): State {
  return { world, applied: applied | write };
}

function worldsAfter({ bucket, damage, name }: Examination): readonly World[] {
  const own = damage.keys.filter((key) => ownerOf(bucket, key) === name);
  // A writer passes over a batch of the inbox that it cannot read: its own writer sees to it.
  if (own.some((key) => kindOf(key) === 'inbox')) return ['whole', 'unsent'];
  const lost = damage.kind === 'absent' && own.includes(newestSlotOf(bucket, name));
  return lost ? ['shorter'] : ['whole'];
}

function mayBeApplied({ write }: Step, error: unknown): boolean {
  return write !== undefined && (error as CairnError).outcome !== 'not_applied';
}

function mustBeRight({ damage }: Examination, step: Step, error: unknown): void {
  const fault = faultOf(damage, error);
  if (fault === undefined) return;
  throw new Error(`${damage.what}: ${step.name} ${fault}`, { cause: error });
}

function faultOf({ kind, keys }: Damage, error: unknown): string | undefined {
  if (!isCairnError(error)) return `threw ${String(error)}`;
  const told = `${error.kind} (${error.code}): ${error.message}`;
  if (keys.every((key) => kindOf(key) === 'root')) return `threw ${told}, where nothing may depend on it`;
  const named = keys.some((key) => ['entry', 'head'].includes(kindOf(key)));
  if (kind === 'absent' && named && error.kind === 'not_found') return undefined;
  if (error.kind !== 'corrupt') return `threw ${told}`;
  const { key, offset } = error.details;
  if (typeof offset !== 'number') return `does not say where: ${told}`;
  // Of a swap, and of what is missing, another object may be the first that does not fit.
  const certain = kind === 'flip' || kind === 'cut' || kind === 'longer';
  return certain && key !== keys[0] ? `names another object: ${told}` : undefined;
}

function wrongAnswer({ what }: Damage, call: string, text: string): Error {
  return new Error(`${what}: ${call} answers what is not so: ${text.slice(0, 2_000)}`);
}
