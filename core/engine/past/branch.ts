/**
 * Branches of a collection: another that begins with one of its states, and from then on has a life of its own. What
 * segments hold is not copied: both name them, and each writes what it changes under its own uid.
 */
import { CairnError } from '../../base/errors.js';
import { newNonce, newUid } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Kernel } from '../../kernel/index.js';
import { keepForBranch, notKept, originIn } from '../../log/index.js';
import type { CollectionLog, Head, LogState, Tip } from '../../log/index.js';
import type { Catalog } from '../catalog.js';
import { forkState } from '../compaction/index.js';
import type { ForkOptions } from '../compaction/index.js';
import { tipOf } from '../reads/index.js';
import type { SegmentStore } from '../segments/index.js';
import type { Table } from '../table/index.js';
import { sequenceOfPoint } from './past-point.js';
import type { PastPoint } from './past-point.js';

export interface BranchHost {
  readonly log: CollectionLog<Table>;
  readonly catalog: Catalog;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
}

export interface WantedBranch {
  readonly name: string;
  readonly point: PastPoint;
}

/** What is taken of a state in the step that gave it out, with the memory of its log. */
type Taken = Pick<ForkOptions, 'memtable' | 'below' | 'to'> & { readonly base: Head };

/**
 * Throws `collection_exists`, `snapshot_not_found`, `sequence_out_of_range`, `too_many_branches`. Cost: a read of that
 * state, 3 GET and 5 PUT, and what `forkState` costs, whatever the segments hold.
 */
export async function createBranch(host: BranchHost, { name, point }: WantedBranch): Promise<Sequence> {
  const { log, catalog } = host;
  await catalog.mustBeFree(name);
  for (let round = 0; round < limits.freshenRounds; round++) {
    const tip = await log.read('strong', tipOf);
    const seq = await sequenceOfPoint(log.context, point, tip);
    const taken = await take(log, tip, seq);
    // It moved on: the newest state is another now.
    if (taken === undefined) continue;
    try {
      const head = await tryFork(host, tip, taken);
      if (head === undefined) continue;
      await catalog.adopt({ ...head, name });
      return seq;
    } finally {
      taken.memtable.release();
    }
  }
  const message = `no state that is kept in ${limits.freshenRounds} rounds`;
  throw new CairnError('unavailable', 'read_contended', message, { outcome: 'not_applied', retryAfterS: 1 });
}

/** Undefined where the log is no longer in the state in which it was asked. Throws `sequence_out_of_range`. */
async function take(log: CollectionLog<Table>, { head }: Tip, seq: Sequence): Promise<Taken | undefined> {
  const { state } = log;
  if (state === undefined || state.position.seq < seq) return undefined;
  if (state.since <= seq) return takeAt(state, seq);
  const past = await log.past(head, seq);
  if (past === undefined) throw notKept((await log.loaded()).head.head, seq);
  try {
    return takeAt(past, seq);
  } finally {
    past.sink.release();
  }
}

/** Requires: the state tells what it was at `seq`. */
function takeAt(state: LogState<Table>, seq: Sequence): Taken {
  const { memtable, head } = state.sink;
  return { memtable: memtable.retain(), below: head.segments, base: head, to: state.pointAt(seq) };
}

/** Undefined where what the state stands on is not kept any more. */
async function tryFork(
  { log, kernel, segments }: BranchHost,
  { head }: Tip,
  { base, ...state }: Taken,
): Promise<Head | undefined> {
  const { ports } = log.context;
  const context = { ...log.context, uid: newUid(ports.random) };
  const origin = originIn(head, state.to.seq);
  // Of an empty log nothing is named, and nothing is written before the head.
  const mayLeave = state.to.seq > 0;
  if (mayLeave && !(await keepForBranch(log.context, { uid: context.uid, base }))) return undefined;
  const { schema, namespace, name, retentionMs } = head;
  const nonce = newNonce(ports.random);
  const made = { namespace, name, schema, retentionMs, nonce, createdMs: ports.clock.wallMs() };
  return await forkState({ context, kernel, segments, origin, head: made, ...state });
}
