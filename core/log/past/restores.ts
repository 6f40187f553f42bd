/**
 * Restore in place: first the head keeps the state that the collection goes back to, then a slot says that it does. The
 * head's entry stays for as long as a state may be asked for that is made of that slot: with it the fence and the
 * restore come one after the other, as with pins.
 */
import { CairnError } from '../../base/errors.js';
import { newNonce } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { swapHead } from '../head-swap.js';
import type { Head } from '../head.js';
import { collectionGone, mustBeActive } from '../log-reader.js';
import type { LogContext } from '../log-reader.js';
import type { AppliedRestore } from '../log-state.js';
import type { RestoreTarget } from '../restore-target.js';
import { findState } from './past-heads.js';

export interface WantedRestore {
  /** The state to go back to. Requires: it has happened, and a state that holds it was read by this caller. */
  readonly seq: Sequence;
  /** The tail of that state. */
  readonly after: Sequence;
  readonly unfolded: readonly AppliedRestore[];
}

/**
 * Keeps the state at `seq` for the slot of a restore, one of the 256 after `after`. Undefined where it is not kept any
 * more. Throws `too_many_restores`, `collection_gone`. Cost: as `addPin`.
 */
export async function keepForRestore(
  context: LogContext,
  { seq, after, unfolded }: WantedRestore,
): Promise<RestoreTarget | undefined> {
  const nonce = newNonce(context.ports.random);
  let kept = true;
  const head = await swapHead(context, async (current) => {
    mustBeActive(current);
    const { restores } = current;
    if (restores.length >= limits.headRestores)
      throw tooMany('head_restores', limits.headRestores, `the collection keeps ${restores.length} restores`);
    const found = await findState(context, { head: current, seq, unfolded });
    kept = found !== undefined;
    if (found === undefined) return undefined;
    // The slot of this one is made of one state more than what it goes back to.
    if (found.state.under.length >= limits.restoreDepth)
      throw tooMany(
        'restore_depth',
        limits.restoreDepth,
        'restores go back to states after restores that are not folded',
      );
    return { restores: [...restores, { nonce, after, at: undefined, ...found.state }] };
  });
  if (head === undefined) throw collectionGone(context.uid);
  const entry = kept ? head.restores.find((restore) => restore.nonce === nonce) : undefined;
  return entry && { version: entry.version, seq, nonce };
}

/** What a fold of the slots of these says of them. */
export function withSlots(
  { restores }: Pick<Head, 'restores'>,
  folded: readonly AppliedRestore[],
): Head['restores'] {
  const slots = new Map(folded.map(({ nonce, at }) => [nonce, at]));
  return restores.map((restore) => ({ ...restore, at: restore.at ?? slots.get(restore.nonce) }));
}

function tooMany(limit: 'head_restores' | 'restore_depth', maximum: number, what: string): CairnError {
  const message = `${what}, the maximum is ${maximum}: compact and collect first`;
  return new CairnError('quota', 'too_many_restores', message, {
    details: { limit, value: maximum + 1, maximum },
    outcome: 'not_applied',
    retryAfterS: 60,
  });
}
