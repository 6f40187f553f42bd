/**
 * Branches: collections that began with the records of another, and name its segments. The parent's head lists them, so that
 * what they name is kept, also when the parent is dropped; a branch that names nothing of others any more is taken off the list.
 */
import { CairnError } from '../../base/errors.js';
import { newNonce } from '../../base/ids.js';
import type { Uid } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { putDecided } from '../../store/index.js';
import { sealHead } from '../head-codec.js';
import { firstHead, keysOf, namesTheSame } from '../head.js';
import type { Branch, Head, HeadEdit, Origin } from '../head.js';
import { swapHead } from '../head-swap.js';
import { storeNowMs } from '../jobs.js';
import { collectionPrefix, headKey } from '../layout.js';
import { collectionGone, mustBeActive, tryReadHead } from '../log-reader.js';
import type { LogContext } from '../log-reader.js';
import { isKept } from './kept.js';
import { keysOfPast } from './past-heads.js';

export interface WantedBranch {
  readonly uid: Uid;
  /** The head whose segments it is going to name: this or an older version. */
  readonly base: Head;
}

/**
 * Keeps what `base` names for a branch that is about to be made. False where that is not kept any more. Throws
 * `too_many_branches`, `collection_gone`. Cost: 1 GET and 3 PUT.
 */
export async function keepForBranch(context: LogContext, { uid, base }: WantedBranch): Promise<boolean> {
  const createdMs = await storeNowMs(context);
  let kept = true;
  const head = await swapHead(context, (current) => {
    mustBeActive(current);
    // Versions come and go that change nothing of what is named.
    const { version, foldedSeq } = namesTheSame(base, current) ? current : base;
    kept = isKept(current, { version, foldedSeq, seq: foldedSeq });
    if (!kept) return undefined;
    if (current.branches.length >= limits.headBranches) throw tooMany(current);
    return { branches: [...current.branches, { uid, version, foldedSeq, createdMs }] };
  });
  if (head === undefined) throw collectionGone(context.uid);
  return kept;
}

/** Where a branch of this head began, at `seq`. Throws `too_many_branches`. */
export function originIn({ uid, origin }: Head, seq: Origin['seq']): Origin {
  const lenders = [uid, ...(origin?.lenders ?? [])];
  if (lenders.length <= limits.branchDepth) return { parent: uid, seq, lenders };
  const maximum = limits.branchDepth;
  const message = `a branch of branches would be the ${lenders.length}th, the maximum is ${maximum}: compact and collect the last`;
  throw new CairnError('quota', 'too_many_branches', message, {
    details: { limit: 'branch_depth', value: lenders.length, maximum },
    outcome: 'not_applied',
  });
}

/**
 * Where nothing that this collection keeps is another's any more, the parent is told, and the lenders are forgotten: a
 * state that is kept later is made of what is kept now. True where the parent let go of something. Cost: nothing where
 * nobody lends; else what `keysOfPast` costs, and in the end 2 GET and 4 PUT.
 */
export async function returnLoans(context: LogContext, head: Head): Promise<boolean> {
  const { origin, state, uid, version } = head;
  if (origin === undefined || origin.lenders.length === 0) return false;
  const own = collectionPrefix(uid);
  const isLent = (key: string): boolean => !key.startsWith(own);
  const isActive = state === 'active';
  // Whoever makes it may have died before it got its name: a head that was never swapped tells.
  if (isActive && version === 1) return false;
  if (isActive && [...keysOf(head)].some(isLent)) return false;
  if ([...(await keysOfPast(context, head))].some(isLent)) return false;
  // The parent first: where this ends in between, it is done again. A tombstone names what it named for ever.
  const removed = await removeBranch({ ...context, uid: origin.parent }, uid);
  if (isActive) await swapHead(context, withoutLenders);
  return removed;
}

function withoutLenders({ state, origin }: Head): HeadEdit | undefined {
  const done = state !== 'active' || origin === undefined || origin.lenders.length === 0;
  return done ? undefined : { origin: { ...origin, lenders: [] } };
}

async function removeBranch(parent: LogContext, uid: Uid): Promise<boolean> {
  let removed = false;
  await swapHead(parent, ({ branches }) => {
    const left = branches.filter((branch) => branch.uid !== uid);
    if (left.length === branches.length) return undefined;
    removed = true;
    return { branches: left };
  });
  return removed;
}

/**
 * Sees to it that a branch which has no head will never have one, where it was listed `olderThanMs` ago or more: its
 * head is put as that of a dropped collection. Whoever was about to put it is refused. Cost: 1 GET per branch; 1 PUT,
 * and one more of those without a head.
 */
export async function buryUnborn(context: LogContext, head: Head, olderThanMs: number): Promise<void> {
  for (const branch of head.branches) {
    const { uid, createdMs } = branch;
    if ((await tryReadHead({ ...context, uid })) !== undefined) continue;
    if ((await storeNowMs(context)) - createdMs < olderThanMs) continue;
    await putTombstone(context, head, branch);
  }
}

async function putTombstone(
  { store, ports }: LogContext,
  parent: Head,
  { uid, foldedSeq }: Branch,
): Promise<void> {
  const { namespace, name, schema } = parent;
  const nonce = newNonce(ports.random);
  const first = firstHead({ uid, nonce, namespace, name, schema, createdMs: ports.clock.wallMs() });
  const tombstone: Head = { ...first, state: 'dropped', origin: originIn(parent, foldedSeq) };
  await putDecided(store, ports, {
    key: headKey(uid),
    bytes: sealHead(ports.digests, tombstone),
    if: 'absent',
  });
}

function tooMany({ branches }: Head): CairnError {
  const maximum = limits.headBranches;
  const value = branches.length + 1;
  const message = `the collection would have ${value} branches that share its segments, the maximum is ${maximum}`;
  return new CairnError('quota', 'too_many_branches', message, {
    details: { limit: 'head_branches', value, maximum },
    outcome: 'not_applied',
  });
}
