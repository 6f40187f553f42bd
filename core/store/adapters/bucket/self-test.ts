/**
 * Asks a store, before it is trusted, whether it keeps the promises that a log in a bucket is built on: one winner per name
 * and per version, conditional reads, ordered lists with a start and a limit. A store that takes conditions for decoration
 * would lose writes in silence, and so would one that deletes by age. Also finds out how the store wants its conditions spelt,
 * where there are two ways, and whether its clock and ours agree.
 *
 * Cost: 10 requests (7 PUT, 1 GET, 1 LIST, 1 DELETE) in 3 waves; 2 PUT in one wave more where conditions have to be spelt in the
 * store's other way. With credentials that may only read: 4 PUT that are refused, 1 LIST. What was found out is kept in this
 * process only, and nothing of the probes stays in the store. What it cannot see is a store that keeps its promises to one
 * caller and breaks them to two at once.
 */
import { bytesToHex, utf8Encode } from '../../../base/bytes.js';
import { CairnError, hasCode, isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { PROBES_PREFIX } from '../../index.js';
import type { ObjectStore, PutOptions, PutResult, StoreVersion } from '../../index.js';
import type { BucketPorts } from './bucket-ports.js';

export interface SelfTest {
  readonly store: ObjectStore;
  readonly ports: BucketPorts;
  /** No body of a probe has it, and the store takes it for a version. */
  readonly stale: StoreVersion;
  /** Spells conditions on versions in the store's other way. Absent: there is only one. */
  readonly respell?: () => void;
  /** The store is known for taking one write per second and name: then time passes between two of them from the start. */
  readonly paced?: true;
  /** What the store said of a rule that will delete what was put, if it did: for people. */
  readonly expiry?: () => string | undefined | Promise<string | undefined>;
}

/**
 * In no order, so that a store that lists as things came is found out too, and so that one that lists folder by folder has
 * others in other places.
 */
const NAMES = ['2/b', '1', '4', '2-a'];
const CREATE = 'conditional create';
const SWAP = 'conditional swap';
/** A wave whose end the store left open says nothing: then all of it once more, with other names and with time between. */
class Undecided extends Error {}

/** Throws `invalid` (`store_unfit`), naming the promise that is not kept in `details.failed`. */
export async function testStore(test: SelfTest): Promise<void> {
  const { store, ports } = test;
  for (let round = 0; ; round++) {
    const prefix = `${PROBES_PREFIX}${bytesToHex(ports.random.fill(new Uint8Array(8)))}/`;
    const keys = NAMES.map((name) => prefix + name);
    try {
      if (!(await probe(test, prefix, round))) return;
      await pauseIn(test, round);
      await store.delete(keys);
      return;
    } catch (error) {
      const again = error instanceof Undecided || (isCairnError(error) && error.kind === 'unavailable');
      // A store that takes one write per second and name takes no deletion before either.
      if (again) await ports.sleep(limits.selfTestPauseMs);
      await store.delete(keys).catch(() => {});
      if (!again) throw error;
      if (round + 1 >= limits.selfTestRounds) throw error instanceof Undecided ? error.cause : error;
    }
  }
}

/** Some stores take one write per second and name, and leave the next undecided. */
async function pauseIn({ ports, paced }: SelfTest, round: number): Promise<void> {
  if (round > 0 || paced === true) await ports.sleep(limits.selfTestPauseMs);
}

/** False where nothing may be written: then only lists are tried. */
async function probe(test: SelfTest, prefix: string, round: number): Promise<boolean> {
  const { store } = test;
  const put = async (name: string, condition: PutOptions['if'], body: string): Promise<Decided> =>
    decided(await store.put(prefix + name, utf8Encode(prefix + body), { if: condition }));
  const must = (held: boolean, promise: string): void => {
    if (!held) throw unfitStore(store.description, promise);
  };
  const tries = NAMES.map((name) => put(name, 'absent', name));
  if ((await Promise.allSettled(tries)).every(isForbidden)) {
    await store.list(prefix, { limit: 1 });
    return false;
  }
  const ends = await Promise.all(tries).catch(undecidedWhereForbidden);
  const made = ends.map((end) => mustBeApplied(store, end));
  const versions = new Map(NAMES.map((name, at) => [name, made[at]!.version]));
  await mustKeep(test);
  mustHaveClock(test, made[0]!.modifiedMs);
  const swap = (): Promise<readonly [Decided, Decided]> =>
    allEnded([
      put('2-a', { version: versions.get('2-a')! }, 'next'),
      put('2/b', { version: test.stale }, 'lost'),
    ]);
  await pauseIn(test, round);
  const [again, [swapped, stale], seen, listed] = await allEnded([
    put('1', 'absent', 'again'),
    swap(),
    store.get(`${prefix}4`, { unless: versions.get('4')! }),
    // From the middle: an adapter whose store begins with the start itself leaves that out, and may not leave out the first.
    store.list(prefix, { after: `${prefix}2-a`, limit: 2 }),
  ]);
  must(again.status === 'refused', CREATE);
  must(stale.status === 'refused', SWAP);
  must(seen.status === 'unchanged', 'conditional get');
  must(
    listed.map(({ key }) => key).join() === `${prefix}2/b,${prefix}4`,
    'ordered list with start and limit',
  );
  if (swapped.status === 'applied') return true;
  must(test.respell !== undefined, SWAP);
  // Nothing matched so far, so the refusal of the stale one said nothing: both again.
  test.respell?.();
  await pauseIn(test, round);
  const [respelt, stillStale] = await swap();
  must(respelt.status === 'applied' && stillStale.status === 'refused', SWAP);
  return true;
}

/** Whether it throws or not, nothing is under way after it: a put that lands when the probes were deleted would stay. */
async function allEnded<T extends readonly unknown[] | []>(
  calls: T,
): Promise<{ -readonly [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(calls);
  return await Promise.all(calls);
}

/** Whoever may only read, all of whose puts are, needs no promises about puts. */
function isForbidden(end: PromiseSettledResult<unknown>): boolean {
  return end.status === 'rejected' && hasCode(end.reason, 'store_forbidden');
}

/** Some of them: a change of permissions is on its way. */
function undecidedWhereForbidden(error: unknown): never {
  throw hasCode(error, 'store_forbidden') ? new Undecided('undecided', { cause: error }) : error;
}

type Decided = Exclude<PutResult, { readonly status: 'unknown' }>;
type Applied = Extract<PutResult, { readonly status: 'applied' }>;

function decided(end: PutResult): Decided {
  if (end.status === 'unknown') throw new Undecided('undecided', { cause: end.cause });
  return end;
}

function mustBeApplied({ description }: ObjectStore, end: Decided): Applied {
  if (end.status !== 'applied') throw unfitStore(description, CREATE);
  return end;
}

/** A log whose oldest slots go by age is a log with holes. */
async function mustKeep({ store, expiry }: SelfTest): Promise<void> {
  const rule = await expiry?.();
  if (rule === undefined) return;
  throw unfitStore(store.description, 'keeping what was put', `a lifecycle rule deletes it: ${rule}`);
}

/**
 * Expiry is by the readers' clocks, and a clock that is so far off has mostly stopped being set: whoever sees that at the start
 * is spared records that vanish.
 */
function mustHaveClock({ store, ports }: SelfTest, storeMs: number): void {
  const ours = ports.clock.wallMs();
  if (Math.abs(ours - storeMs) <= limits.storeClockSkewMs) return;
  const [here, there] = [ours, storeMs].map((ms) => new Date(ms).toISOString());
  const message = `this machine's clock says ${here} and that of ${store.description} ${there}: set it`;
  throw new CairnError('unauthenticated', 'store_clock_skew', message, {
    details: { store: store.description, skew_ms: ours - storeMs, maximum_ms: limits.storeClockSkewMs },
  });
}

/** For a store that does not keep the promise `failed`. */
export function unfitStore(description: string, failed: string, seen?: string): CairnError {
  const why = seen === undefined ? '' : ` (${seen})`;
  const message = `${description} cannot keep a database: it fails at ${failed}${why}`;
  return new CairnError('invalid', 'store_unfit', message, { details: { store: description, failed } });
}
