/**
 * What must hold of every head, and between a head and its successor. Checked before each swap: a head that breaks one is
 * a bug of ours, and must not reach the store, where it would be the truth.
 */
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type {
  Head,
  Job,
  KeptState,
  Pin,
  Restore,
  RetainedFrom,
  SegmentDeletions,
  SegmentEntry,
  WholeState,
} from './head.js';
import { isKept } from './past/kept.js';
import { collectionPrefix, tryJobOfKey } from './layout.js';

type Holds = (condition: boolean, what: string) => void;

/** Whether no state that is kept from there on is made of the slot of this restore. */
export function isOverFor(retained: RetainedFrom, { at, after }: Restore): boolean {
  return (at ?? after + limits.eligibleSlots) <= retained.seq;
}

/** Invariants 6, 8, 12, 20 and 21 as far as a head can tell. Throws `internal`. */
export function checkSuccessor(current: Head, next: Head): void {
  const holds: Holds = (condition, what) =>
    assertInternal(condition, `head ${current.uid} version ${next.version} would break: ${what}`);
  holds(next.uid === current.uid, 'one uid');
  holds(next.version === current.version + 1, 'versions go up by one');
  holds(next.nonces[0] === current.nonce, 'the last nonce is kept');
  holds(current.state === 'active' || next.state === 'dropped', 'dropped is final');
  holds(next.gcFloor >= current.gcFloor, 'gc_floor never goes back');
  const fault = faultOfHead(next);
  holds(fault === undefined, fault ?? '');
  checkRetention(current, next, holds);
  checkBranches(current, next, holds);
  const ended = endedJobs(current, next, holds);
  checkFold(current, next, ended, holds);
  // What a restore goes back to is in the heads before, not in this one.
  if (next.restoredSeq === current.restoredSeq) checkSegments(current, next, ended, holds);
  else checkRestored(current, next, holds);
}

/** What is wrong with a head by itself; undefined where nothing is. A head read from the bucket must pass this too. */
export function faultOfHead(head: Head): string | undefined {
  const { segments, jobs, foldedSeq } = head;
  if (head.gcFloor > foldedSeq) return 'gc_floor <= folded_seq';
  if (head.retainedFrom.version > head.version) return 'retained_from is no later version';
  if (foldedSeq > 0 !== (head.window !== undefined)) return 'a window from the first fold on';
  if (segments.length > 0 && foldedSeq === 0) return 'no segments before the first fold';
  if (segments.length > limits.headSegments) return `at most ${limits.headSegments} segments`;
  if (jobs.length > limits.headJobs) return `at most ${limits.headJobs} jobs`;
  const badPast = faultOfPins(head) ?? faultOfRestores(head) ?? faultOfBranches(head);
  if (badPast !== undefined) return badPast;
  const keys = new Set(segments.map(({ key }) => key));
  if (keys.size !== segments.length) return 'segment keys are unique';
  const badSegment = segments.map(faultOfSegment).find((fault) => fault !== undefined);
  if (badSegment !== undefined) return badSegment;
  if (new Set(jobs.map(({ nonce }) => nonce)).size !== jobs.length) return 'job nonces are unique';
  const inputs = jobs.flatMap((job) => job.inputs);
  if (new Set(inputs).size !== inputs.length) return 'no input in two jobs';
  if (!inputs.every((key) => keys.has(key))) return 'every job input is a segment of the head';
  return faultOfFolds(head);
}

function faultOfPins({ pins, version }: Head): string | undefined {
  if (pins.length > limits.headPins) return `at most ${limits.headPins} pins`;
  if (new Set(pins.map(({ name }) => name)).size !== pins.length) return 'pins have names of their own';
  if (!pins.every((pin) => pin.version < version)) return 'a pin is on a superseded version';
  return faultOfStates(pins, version);
}

function faultOfStates(states: readonly WholeState[], version: number): string | undefined {
  const isWhole = ({ foldedSeq, seq }: KeptState): boolean => foldedSeq <= seq;
  if (!states.every((state) => isWhole(state) && state.under.every(isWhole)))
    return 'a kept state is no older than its version';
  if (
    !states.every((state) => state.version <= version && state.under.every((one) => one.version <= version))
  )
    return 'a kept state is of no later version';
  return undefined;
}

function faultOfRestores({ restores, restoredSeq, foldedSeq, version }: Head): string | undefined {
  if (restores.length > limits.headRestores) return `at most ${limits.headRestores} restores`;
  if (new Set(restores.map(({ nonce }) => nonce)).size !== restores.length)
    return 'nonces of restores are unique';
  if (restoredSeq > foldedSeq) return 'restored_seq <= folded_seq';
  if (!restores.every(({ seq, after }) => seq <= after)) return 'a restore goes back';
  if (!restores.every(({ at, after }) => at === undefined || (at > after && at <= restoredSeq)))
    return 'the slot of a restore is folded, and comes after it was kept';
  return faultOfStates(restores, version);
}

function faultOfBranches({ uid, branches, origin, version }: Head): string | undefined {
  if (branches.length > limits.headBranches) return `at most ${limits.headBranches} branches`;
  const uids = new Set(branches.map((branch) => branch.uid));
  if (uids.size !== branches.length || uids.has(uid)) return 'branches are other collections';
  if (!branches.every((branch) => branch.version < version)) return 'a branch is of a superseded version';
  const lenders = origin?.lenders ?? [];
  if (new Set([uid, ...lenders]).size !== lenders.length + 1) return 'lenders are other collections';
  return undefined;
}

function faultOfFolds({ jobs, foldedSeq }: Head): string | undefined {
  const folds = jobs.flatMap(({ fold }) => fold ?? []);
  if (folds.length > 1) return 'at most one fold among jobs';
  if (!folds.every(({ from, to }) => from === foldedSeq && to > from))
    return 'a fold begins at folded_seq and ends after it';
  return undefined;
}

function faultOfSegment(segment: SegmentEntry): string | undefined {
  const { rows, live, bytes, tailBytes, residentBytes } = segment;
  const { dead, hidden } = segment.deletions ?? { dead: 0, hidden: 0 };
  if (live > rows) return 'live <= rows';
  if (live + dead !== rows) return 'live and dead rows are all rows';
  if (hidden > live) return 'hidden rows are live';
  if (tailBytes > bytes || residentBytes > bytes) return 'parts of a segment are no longer than it';
  return undefined;
}

function checkRetention(current: Head, next: Head, holds: Holds): void {
  const [was, is] = [current.retainedFrom, next.retainedFrom];
  holds(is.version >= was.version && is.seq >= was.seq, 'retained_from never goes back');
  const before = new Map(current.pins.map((pin) => [pin.name, pin]));
  for (const pin of next.pins) {
    const known = before.get(pin.name);
    if (known !== undefined) holds(samePin(known, pin), 'a pin does not change');
    // Invariant 8: all else may be on its way out.
    else holds(isWholeKept(current, pin), 'a pin is of what is kept already');
  }
  checkRestores(current, next, holds);
}

/** Restores come with what they need, get their slot once, and go when no state that is kept can be made of that slot. */
function checkRestores(current: Head, next: Head, holds: Holds): void {
  const before = new Map(current.restores.map((restore) => [restore.nonce, restore]));
  for (const restore of next.restores) {
    const known = before.get(restore.nonce);
    before.delete(restore.nonce);
    if (known === undefined) {
      holds(isWholeKept(current, restore), 'a restore goes back to what is kept already');
      holds(restore.at === undefined, 'a restore has no slot yet');
    } else holds(sameRestore(known, restore), 'a restore does not change, but for its slot');
  }
  for (const gone of before.values())
    holds(isOverFor(next.retainedFrom, gone), 'a restore goes with the last state that is made of it');
}

function isWholeKept(current: Head, state: WholeState): boolean {
  return isKept(current, state) && state.under.every((one) => isKept(current, one));
}

function sameState(a: KeptState, b: KeptState): boolean {
  return a.version === b.version && a.foldedSeq === b.foldedSeq && a.seq === b.seq;
}

function sameWhole(a: WholeState, b: WholeState): boolean {
  const same = sameState(a, b) && a.under.length === b.under.length;
  return same && a.under.every((one, i) => sameState(one, b.under[i]!));
}

function sameRestore(a: Restore, b: Restore): boolean {
  return sameWhole(a, b) && a.after === b.after && (a.at === undefined || a.at === b.at);
}

function checkBranches(current: Head, next: Head, holds: Holds): void {
  const before = new Map(current.branches.map((branch) => [branch.uid, branch]));
  for (const { uid, version, foldedSeq, createdMs } of next.branches) {
    const known = before.get(uid);
    if (known === undefined) {
      holds(next.state === 'active', 'a dropped collection gets no branches');
      holds(isKept(current, { version, foldedSeq, seq: foldedSeq }), 'a branch is of what is kept already');
      continue;
    }
    const same = known.version === version && known.foldedSeq === foldedSeq && known.createdMs === createdMs;
    holds(same, 'a branch does not change');
  }
  const [was, is] = [current.origin, next.origin];
  holds(was?.parent === is?.parent && was?.seq === is?.seq, 'the origin does not change');
  const lenders = is?.lenders.join() ?? '';
  holds(lenders === '' || lenders === was?.lenders.join(), 'lenders only go');
  if (lenders !== '' || next.state === 'dropped') return;
  const own = collectionPrefix(next.uid);
  for (const { key, deletions } of next.segments)
    for (const named of [key, deletions?.key ?? key])
      holds(named.startsWith(own), 'who names what is lent has lenders');
}

function samePin(a: Pin, b: Pin): boolean {
  return sameWhole(a, b) && a.createdMs === b.createdMs && a.bytes === b.bytes;
}

/** The jobs that this swap ends. A job that stays is the same. */
function endedJobs(current: Head, next: Head, holds: Holds): readonly Job[] {
  const staying = new Map(next.jobs.map((job) => [job.nonce, job]));
  for (const job of current.jobs) {
    const after = staying.get(job.nonce);
    holds(after === undefined || sameJob(job, after), 'a job does not change');
  }
  return current.jobs.filter(({ nonce }) => !staying.has(nonce));
}

function sameJob(a: Job, b: Job): boolean {
  return (
    a.startedMs === b.startedMs &&
    a.fold?.from === b.fold?.from &&
    a.fold?.to === b.fold?.to &&
    a.inputs.length === b.inputs.length &&
    a.inputs.every((key, i) => key === b.inputs[i])
  );
}

/** The state is made of another head's from then on, and no job's rows are what they were. */
function checkRestored(current: Head, next: Head, holds: Holds): void {
  const within = next.restoredSeq > current.foldedSeq && next.restoredSeq <= next.foldedSeq;
  holds(within, 'restored_seq moves with the fold of that slot');
  holds(next.jobs.length === 0, 'the fold of a restore ends all jobs');
}

function checkFold(current: Head, next: Head, ended: readonly Job[], holds: Holds): void {
  holds(next.foldedSeq >= current.foldedSeq, 'folded_seq never goes back');
  const wrote = (key: string): boolean => ended.some(({ nonce }) => nonce === tryJobOfKey(next.uid, key));
  if (next.foldedSeq === current.foldedSeq) {
    const same = next.foldedChain === current.foldedChain && next.foldedLabel === current.foldedLabel;
    holds(same, 'chain and label are those of folded_seq');
    holds(next.window?.key === current.window?.key, 'the window is that at folded_seq');
    return;
  }
  holds(
    ended.some(({ fold }) => fold?.to === next.foldedSeq),
    'folded_seq moves only with the fold that ends there',
  );
  holds(next.foldedLabel >= current.foldedLabel, 'labels never go back');
  holds(next.window !== undefined && wrote(next.window.key), 'a fold writes the window at its end');
}

function checkSegments(current: Head, next: Head, ended: readonly Job[], holds: Holds): void {
  const wrote = (key: string): boolean => {
    const job = tryJobOfKey(next.uid, key);
    return ended.some(({ nonce }) => nonce === job);
  };
  const before = new Map(current.segments.map((segment) => [segment.key, segment]));
  const staying = new Set(next.segments.map(({ key }) => key));
  const consumed = new Set(ended.flatMap(({ inputs }) => inputs));
  for (const key of before.keys()) {
    holds(staying.has(key) || consumed.has(key), 'a segment goes only with the job that names it as input');
  }
  for (const segment of next.segments) {
    const was = before.get(segment.key);
    const { deletions } = segment;
    if (was === undefined) holds(wrote(segment.key), 'a segment comes with the end of its job');
    else holds(sameFile(was, segment), 'a segment does not change, nor do its rows come back');
    if (deletions !== undefined && deletions.key !== was?.deletions?.key) {
      holds(wrote(deletions.key), 'deletions come with the end of their job');
    }
  }
}

function sameFile(was: SegmentEntry, is: SegmentEntry): boolean {
  return (
    is.bytes === was.bytes &&
    is.tailBytes === was.tailBytes &&
    is.footerSha256 === was.footerSha256 &&
    is.rows === was.rows &&
    is.residentBytes === was.residentBytes &&
    is.graph === was.graph &&
    is.live <= was.live &&
    (was.deletions === undefined || followsDeletions(was.deletions, is.deletions))
  );
}

/** The same object says the same; another has no fewer dead rows. */
function followsDeletions(was: SegmentDeletions, is: SegmentDeletions | undefined): boolean {
  if (is === undefined) return false;
  if (is.key !== was.key) return is.dead >= was.dead;
  return is.sha256 === was.sha256 && is.dead === was.dead && is.hidden === was.hidden;
}
