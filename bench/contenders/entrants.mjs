/**
 * Contenders in a bench: who takes part, and each with its index open in a process of its own. One that cannot be had or fails is
 * left out, and a line that cannot be missed says why.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installPeers, versionOfPeer } from '../peers/packages.mjs';
import { ContenderChild } from './contender-child.mjs';

/** The one that is always there. */
export const OWN = 'cairn';

/** @typedef {import('./contender.mjs').Contender} Contender */

/**
 * @typedef {object} Entrant
 * @property {Contender} contender
 * @property {ContenderChild} child
 * @property {import('./contender.mjs').Built} built
 * @property {string | undefined} note
 * @property {number} residentBytes
 * @property {import('./contender.mjs').IndexMemory | undefined} memory
 */

/** @param {Contender} contender @param {unknown} error */
export function leaveOut({ key }, error) {
  console.error(`!!! WITHOUT ${key}: ${error instanceof Error ? error.message : String(error)}`);
}

/**
 * Those that were asked for, and whose libraries can be had.
 * @param {readonly Contender[]} contenders @param {string | undefined} asked names of peers and commas; all of them where undefined
 */
export function chosenOf(contenders, asked) {
  const known = [...new Set(contenders.map(({ peer }) => peer))].filter((peer) => peer !== OWN);
  const peers = asked?.split(',').filter((name) => name !== '') ?? known;
  const unknown = peers.find((peer) => !known.includes(peer));
  if (unknown !== undefined) throw new Error(`no peer is called ${unknown}; there are ${known.join(', ')}`);
  if (peers.length > 0) installPeers();
  return contenders.filter((contender) => {
    if (contender.peer !== OWN && !peers.includes(contender.peer)) return false;
    try {
      contender.ready?.();
      return true;
    } catch (error) {
      leaveOut(contender, error);
      return false;
    }
  });
}

/**
 * The contender with its index open. What stores hold is built once.
 * @param {Contender} contender
 * @param {{ folder: string, input: string, core: number | undefined, stores: Map<string, Entrant['built']> }} options
 * @returns {Promise<Entrant>}
 */
export async function enter(contender, { folder, input, core, stores }) {
  const store = contender.store ?? contender.key;
  const place = { input, folder: join(folder, store), core };
  let built = stores.get(store);
  if (built === undefined) {
    mkdirSync(place.folder, { recursive: true });
    if (contender.build !== undefined) {
      const builder = new ContenderChild(contender, place);
      try {
        built = await builder.call('build');
      } finally {
        await builder.stop();
      }
    }
  }
  const child = new ContenderChild(contender, place);
  try {
    const { note, built: own, residentBytes, memory } = await child.call('open');
    built ??= own;
    if (built === undefined) throw new Error('it tells no time of its build');
    stores.set(store, built);
    return { contender, child, built, note, residentBytes, memory };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** An answer has either ids or rows. @param {readonly (string | number)[]} answer @param {readonly string[]} ids of the rows */
export function idsOf(answer, ids) {
  return answer.map((found) => (typeof found === 'string' ? found : (ids[found] ?? '')));
}

/** Of the library, where it is a package. @param {Contender} contender */
export function versionOf({ package: name }) {
  return name === undefined ? undefined : versionOfPeer(name);
}

/**
 * A sweep after the ones before it: of each effort the faster one counts, and what was judged of the first answers stays.
 * @template {import('./contender.mjs').Timed} P
 * @param {readonly P[]} before empty at first
 * @param {readonly (import('./contender.mjs').Timed & Partial<P>)[]} points
 * @param {(at: number) => P} judged asked at first alone
 * @returns {P[]}
 */
export function fasterOf(before, points, judged) {
  return points.map((point, at) => {
    const earlier = before[at] ?? judged(at);
    return point.qps > earlier.qps ? { ...earlier, ...point } : earlier;
  });
}
