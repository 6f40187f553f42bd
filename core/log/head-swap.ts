/**
 * Changes a head: the exact bytes of the version that is replaced go to `heads/` first, then one compare-and-swap. An
 * unknown answer is resolved by looking for this swap's nonce in the head.
 */
import { newNonce } from '../base/ids.js';
import { CairnError, inDoubt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { putDecided, retryDelayMs } from '../store/index.js';
import { sealHead } from './head-codec.js';
import { nextHead } from './head.js';
import type { Head, HeadEdit } from './head.js';
import { headCopyKey, headKey } from './layout.js';
import { tryReadHead } from './log-reader.js';
import type { LoadedHead, LogContext } from './log-reader.js';

type Decide = (head: Head) => HeadEdit | undefined | Promise<HeadEdit | undefined>;

/**
 * Applies the edit that `decide` makes of the current head; undefined from it means that nothing is to be done. It is
 * asked once for each head that is met: a put of the same swap that is not decided yet is only ever repeated as it is.
 * Answers with the head as it is afterwards; undefined where there is none. What it throws once a put was left undecided has
 * outcome `unknown`. Cost: 1 GET, 2 PUT.
 */
export async function swapHead(context: LogContext, decide: Decide): Promise<Head | undefined> {
  const swap = { undecided: false };
  try {
    return await swapUntilDecided(context, decide, swap);
  } catch (error) {
    throw swap.undecided ? inDoubt(error) : error;
  }
}

async function swapUntilDecided(
  context: LogContext,
  decide: Decide,
  swap: { undecided: boolean },
): Promise<Head | undefined> {
  const { ports, store, uid } = context;
  const nonce = newNonce(ports.random);
  let next: Head | undefined;
  for (let round = 0; round < limits.casRounds; round++) {
    const current = await tryReadHead(context);
    if (current === undefined) return undefined;
    const { head, token } = current;
    if (head.nonce === nonce || head.nonces.includes(nonce)) return head;
    // So many others came after the put that its nonce would no longer be there.
    if (next !== undefined && head.version - next.version > limits.headNonces) break;
    // Another took the place of the one that was put for: it cannot land any more.
    if (next !== undefined && head.version >= next.version) swap.undecided = false;
    if (next?.version !== head.version + 1) {
      const edit = await decide(head);
      if (edit === undefined) return head;
      next = nextHead(head, nonce, edit);
      await keepCopy(context, current);
    }
    const result = await store.put(headKey(uid), sealHead(ports.digests, next), { if: { version: token } });
    if (result.status === 'applied') return next;
    swap.undecided = true;
    // Refused or unknown: the head says which. An SDK's own retry can turn a swap that won into a refusal.
    await ports.sleep(retryDelayMs(round, ports.random));
  }
  throw new CairnError(
    'unavailable',
    'head_contended',
    `the head of ${uid} could not be changed in ${limits.casRounds} tries`,
    {
      outcome: 'unknown',
      retryAfterS: 1,
    },
  );
}

/** Rivals write the same bytes, so whoever comes second is refused and all is well. */
async function keepCopy(context: LogContext, { head, bytes }: LoadedHead): Promise<void> {
  const { ports, store, uid } = context;
  const key = headCopyKey(uid, head.version);
  const result = await putDecided(store, ports, { key, bytes, if: 'absent' });
  if (result.status !== 'unknown') return;
  throw new CairnError('unavailable', 'store_unavailable', `the store did not take object ${key}`, {
    outcome: 'not_applied',
  });
}
