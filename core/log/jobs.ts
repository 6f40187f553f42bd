/**
 * Jobs: how compactors share the work on a collection without knowing of each other. A job is put into the head before
 * its outputs are written and taken out by the swap that names them, so outputs of a listed job are no garbage, and no
 * two jobs take the same input. Anyone may remove a job that looks dead: that costs work, never safety, because a job
 * that is no longer listed cannot commit.
 */
import { CairnError } from '../base/errors.js';
import { newNonce } from '../base/ids.js';
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { putDecided } from '../store/index.js';
import { swapHead } from './head-swap.js';
import type { FoldRange, Head, HeadEdit, Job } from './head.js';
import { jobBeatKey, workKey } from './layout.js';
import { collectionGone, mustBeActive } from './log-reader.js';
import type { LogContext } from './log-reader.js';

export interface JobPlan {
  /** Keys of segments. */
  readonly inputs: readonly string[];
  readonly fold?: FoldRange | undefined;
  /** Of the head that was planned on: a restore may have brought rows back that its deletions did not have. */
  readonly restoredSeq: Sequence;
}

export interface BegunJob {
  readonly job: Job;
  /** The head as it was then, or later: it lists the job. */
  readonly head: Head;
}

/**
 * Lists a job in the head. Undefined where an input is gone or another job's, a restore was folded since it was
 * planned, a fold is under way or does not begin where the last one ended, or the head lists too many jobs. Throws
 * `collection_gone`. Cost: 1 GET, 3 PUT.
 */
export async function beginJob(context: LogContext, plan: JobPlan): Promise<BegunJob | undefined> {
  const { ports, uid } = context;
  const nonce = newNonce(ports.random);
  const { inputs, fold } = plan;
  const job: Job = { nonce, inputs: [...inputs], fold, startedMs: await storeNowMs(context) };
  const head = await swapHead(context, (current) => {
    mustBeActive(current);
    return canBegin(current, plan) ? { jobs: [...current.jobs, job] } : undefined;
  });
  if (head === undefined) throw collectionGone(uid);
  return find(head, nonce) === undefined ? undefined : { job, head };
}

function canBegin(head: Head, { inputs, fold, restoredSeq }: JobPlan): boolean {
  if (head.restoredSeq !== restoredSeq) return false;
  const busy = new Set(head.jobs.flatMap((job) => job.inputs));
  const there = new Set(head.segments.map(({ key }) => key));
  if (!inputs.every((key) => there.has(key) && !busy.has(key))) return false;
  if (head.jobs.length >= limits.headJobs) return false;
  if (fold === undefined) return true;
  return fold.from === head.foldedSeq && head.jobs.every((job) => job.fold === undefined);
}

/**
 * Commits a job on whatever head is current: the swap of the edit that `build` makes of that head removes the job too.
 * `build` is asked again for every new head, and the head that is answered tells which of its edits it was. Throws
 * `job_gone`, outcome `not_applied`, where the job is no longer listed. Whatever it throws, the outputs are left to the
 * collector: where the outcome is `unknown`, a head may name them.
 */
export async function commitJob(
  context: LogContext,
  job: Job,
  build: (head: Head) => Promise<HeadEdit> | HeadEdit,
): Promise<Head> {
  const head = await swapHead(context, async (current) => {
    mustBeActive(current);
    if (find(current, job.nonce) === undefined) throw jobGone(context, job);
    const edit = await build(current);
    return { ...edit, jobs: without(edit.jobs ?? current.jobs, [job.nonce]) };
  });
  if (head === undefined) throw collectionGone(context.uid);
  return head;
}

/** Takes a job out of the head, where it is in it. Its outputs, if any, are garbage from then on. */
export async function abandonJob(context: LogContext, job: Job): Promise<void> {
  await swapHead(context, (head) => {
    const listed = head.state === 'active' && find(head, job.nonce) !== undefined;
    return listed ? { jobs: without(head.jobs, [job.nonce]) } : undefined;
  });
}

/** Tells others that the job is still worked on. Best effort: a beat that is lost costs work at the most. Cost: 1 PUT. */
export async function beatJob({ store, uid }: LogContext, { nonce }: Job): Promise<void> {
  await store.put(jobBeatKey(uid, nonce), new Uint8Array(0), { if: 'any' }).catch(() => {});
}

/**
 * Removes the jobs that began, and were last heard of, `olderThanMs` ago or more. All dates are the store's own; one that
 * lies as far ahead cannot be, and counts as dead too. Answers with what was removed. Cost: 1 PUT and 1 GET, 1 GET per job
 * that is so old, and 2 PUT where any is dead.
 */
export async function removeDeadJobs(context: LogContext, olderThanMs: number): Promise<readonly Job[]> {
  const nowMs = await storeNowMs(context);
  const isOld = (ms: number): boolean => Math.abs(nowMs - ms) >= olderThanMs;
  let dead: readonly Job[] = [];
  await swapHead(context, async (head) => {
    const jobs = head.state === 'active' ? head.jobs : [];
    const old = jobs.filter(({ startedMs }) => isOld(startedMs));
    const beats = await Promise.all(
      old.map(({ nonce }) => context.store.get(jobBeatKey(context.uid, nonce))),
    );
    dead = old.filter((_, i) => {
      const beat = beats[i]!;
      return beat.status !== 'found' || isOld(beat.modifiedMs);
    });
    if (dead.length === 0) return undefined;
    const nonces = dead.map(({ nonce }) => nonce);
    return { jobs: without(head.jobs, nonces) };
  });
  return dead;
}

function find(head: Head, nonce: string): Job | undefined {
  return head.jobs.find((job) => job.nonce === nonce);
}

function without(jobs: readonly Job[], nonces: readonly string[]): readonly Job[] {
  return jobs.filter(({ nonce }) => !nonces.includes(nonce));
}

/** The store's own date. What is put for it is the hint that there is work, so that a job that dies is found. Cost: 1 PUT. */
export async function storeNowMs({ store, ports, uid }: LogContext): Promise<number> {
  const key = workKey(uid);
  const result = await putDecided(store, ports, { key, bytes: new Uint8Array(0), if: 'any' });
  if (result.status === 'applied') return result.modifiedMs;
  throw new CairnError('unavailable', 'store_unavailable', `the store did not take object ${key}`, {
    outcome: 'not_applied',
    retryAfterS: 1,
  });
}

function jobGone({ uid }: LogContext, { nonce }: Job): CairnError {
  const message = `job ${nonce} is no longer in the head of ${uid}: it was taken for dead`;
  return new CairnError('conflict', 'job_gone', message, { details: { job: nonce }, outcome: 'not_applied' });
}
