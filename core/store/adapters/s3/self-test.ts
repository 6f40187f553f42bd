/**
 * Asks a store, before it is trusted, whether it keeps the promises that a log in a bucket is built on: one winner per name
 * and per version, conditional reads, ordered lists with a start and a limit. A store that takes conditions for decoration
 * would lose writes in silence. Also finds out how it wants If-Match spelt.
 *
 * Cost: 10 requests (7 PUT, 1 GET, 1 LIST, 1 DELETE) in 3 waves; 2 PUT in one wave more where If-Match has to be sent without
 * quotes. With credentials that may only read: 4 PUT that are refused, 1 LIST. What was found out is kept in this process only, and nothing of the probes stays in the store. What it cannot see
 * is a store that keeps its promises to one caller and breaks them to two at once.
 */
import { bytesToHex, utf8Encode } from '../../../base/bytes.js';
import { CairnError, isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import type { ObjectStore, PutOptions, PutResult, StoreVersion } from '../../index.js';
import type { S3Ports, S3Requests } from './s3-requests.js';

export interface SelfTest {
  readonly store: ObjectStore;
  readonly requests: S3Requests;
  readonly ports: S3Ports;
}

/** Between the names of the engine no key of it begins so. */
const PROBES = '~probe/';
/** In no order, so that a store that lists as things came is found out too. */
const NAMES = ['3', '1', '4', '2'];
/** No body of a probe has it. */
const STALE = '"00000000000000000000000000000000"' as StoreVersion;

/** A wave whose end the store left open says nothing: then all of it once more, with other names and with time between. */
class Undecided extends Error {}

/** Throws `invalid` (`store_unfit`), naming the promise that is not kept in `details.failed`. */
export async function testStore(test: SelfTest): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      await testOnce(test, round);
      return;
    } catch (error) {
      const again = error instanceof Undecided || (isCairnError(error) && error.kind === 'unavailable');
      if (!again) throw error;
      if (round + 1 >= limits.selfTestRounds) throw error instanceof Undecided ? error.cause : error;
      await test.ports.sleep(limits.selfTestPauseMs);
    }
  }
}

async function testOnce(test: SelfTest, round: number): Promise<void> {
  const { store, ports } = test;
  const prefix = `${PROBES}${bytesToHex(ports.random.fill(new Uint8Array(8)))}/`;
  const keys = NAMES.map((name) => prefix + name);
  let written = true;
  try {
    written = await probe(test, prefix, round);
  } catch (error) {
    await store.delete(keys).catch(() => {});
    throw error;
  }
  if (written) await store.delete(keys);
}

/** False where nothing may be written: then only lists are tried. */
async function probe({ store, requests, ports }: SelfTest, prefix: string, round: number): Promise<boolean> {
  const put = async (name: string, condition: PutOptions['if'], body: string): Promise<Decided> =>
    decided(await store.put(prefix + name, utf8Encode(prefix + body), { if: condition }));
  const must = (held: boolean, promise: string): void => {
    if (!held) throw unfit(store, promise);
  };
  // Some stores take one write per second and name, and leave the next undecided.
  const pause = async (): Promise<void> => {
    if (round > 0) await ports.sleep(limits.selfTestPauseMs);
  };
  const made = await Promise.all(NAMES.map((name) => put(name, 'absent', name))).catch(mayNotWrite);
  if (made === undefined) {
    await store.list(prefix, { limit: 1 });
    return false;
  }
  const versions = new Map(NAMES.map((name, at) => [name, mustBeApplied(store, made[at]!)]));
  const swap = (): Promise<readonly [Decided, Decided]> =>
    Promise.all([put('2', { version: versions.get('2')! }, 'next'), put('3', { version: STALE }, 'lost')]);
  await pause();
  const [again, [swapped, stale], seen, listed] = await Promise.all([
    put('1', 'absent', 'again'),
    swap(),
    store.get(`${prefix}4`, { unless: versions.get('4')! }),
    store.list(prefix, { after: `${prefix}1`, limit: 2 }),
  ]);
  must(again.status === 'refused', 'conditional create (If-None-Match)');
  must(stale.status === 'refused', 'conditional swap (If-Match)');
  must(seen.status === 'unchanged', 'conditional get (If-None-Match)');
  must(listed.map(({ key }) => key).join() === `${prefix}2,${prefix}3`, 'ordered list with start and limit');
  if (swapped.status === 'applied') return true;
  // Nothing matched so far, so the refusal of the stale one said nothing: both again.
  requests.unquoted = true;
  await pause();
  const ends = await swap();
  must(ends[0].status === 'applied' && ends[1].status === 'refused', 'conditional swap (If-Match)');
  return true;
}

/** Whoever may only read needs no promises about puts. */
function mayNotWrite(error: unknown): undefined {
  if (!isCairnError(error) || error.kind !== 'forbidden') throw error;
}

type Decided = Exclude<PutResult, { readonly status: 'unknown' }>;

function decided(end: PutResult): Decided {
  if (end.status === 'unknown') throw new Undecided('undecided', { cause: end.cause });
  return end;
}

function mustBeApplied(store: ObjectStore, end: Decided): StoreVersion {
  if (end.status !== 'applied') throw unfit(store, 'conditional create (If-None-Match)');
  return end.version;
}

function unfit({ description }: ObjectStore, failed: string): CairnError {
  const message = `${description} cannot keep a database: it fails at ${failed}`;
  return new CairnError('invalid', 'store_unfit', message, { details: { store: description, failed } });
}
