/**
 * A compactor and collector for the random runs. Its segments are JSON lists of effects; all else is as the protocol has
 * it: a job in the head before any output, a commit on whatever head is current, a fence before any slot is deleted.
 */
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Sequence } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import type { CollectionLog, Head, Job, LogContext, SegmentEntry } from '../../core/log/index.js';
import {
  beginJob,
  commitJob,
  removeDeadJobs,
  sealWindow,
  segmentKey,
  segmentPrefix,
  tryJobOfKey,
  tryReadHead,
  windowKey,
} from '../../core/log/index.js';
import { swapHead } from '../../core/log/head-swap.js';
import { logPrefix, tryUnrev } from '../../core/log/layout.js';
import { garbageBehind, raiseFence } from '../../core/engine/collector/fence.js';
import { putDecided } from '../../core/store/index.js';
import { digests } from './fixture.js';
import type { Effect, RecordingSink } from './fixture.js';
import type { Chance } from './virtual-time.js';

export interface JanitorOptions {
  readonly context: LogContext;
  readonly log: CollectionLog<RecordingSink>;
  readonly chance: Chance;
}

/** What janitors did, for the test that they did anything. */
export const done: Record<'folds' | 'merges' | 'slotsDeleted' | 'objectsDeleted' | 'jobsRemoved', number> = {
  folds: 0,
  merges: 0,
  slotsDeleted: 0,
  objectsDeleted: 0,
  jobsRemoved: 0,
};

export class Janitor {
  readonly #context: LogContext;
  readonly #log: CollectionLog<RecordingSink>;
  readonly #chance: Chance;

  constructor({ context, log, chance }: JanitorOptions) {
    this.#context = context;
    this.#log = log;
    this.#chance = chance;
  }

  async work(): Promise<void> {
    const dice = this.#chance.below(10);
    if (dice < 5) await this.#fold();
    else if (dice < 7) await this.#merge();
    else if (dice < 8) done.jobsRemoved += (await removeDeadJobs(this.#context, 100_000)).length;
    else if (dice < 9) await this.#collect();
    else await this.#collectAsTheEngineDoes();
  }

  async #fold(): Promise<void> {
    const [from, to] = await this.#log.read('strong', (state) => {
      const { seq } = state.position;
      const { foldedSeq } = state.head.head;
      // Not always up to the tail.
      return [foldedSeq, sequence(Math.max(foldedSeq, seq - this.#chance.below(3)))] as const;
    });
    if (to <= from) return;
    const begun = await beginJob(this.#context, { inputs: [], fold: { from, to } });
    // A compactor may die here.
    if (begun === undefined || this.#chance.happens(0.1)) return;
    const { job } = begun;
    const folded = await this.#log.read('strong', (state) => {
      if (state.base.foldedSeq > to || state.position.seq < to) return undefined;
      const effects = state.sink.effects.filter(({ seq }) => seq > from && seq <= to);
      return { effects, point: state.pointAt(to), window: state.window.snapshot(to) };
    });
    if (folded === undefined) return;
    const segment = await this.#putSegment(job, folded.effects);
    const { ref, bytes } = sealWindow(digests, windowKey(this.#context.uid, job.nonce), folded.window);
    await this.#put(ref.key, bytes);
    if (this.#chance.happens(0.1)) return;
    await commitJob(this.#context, job, ({ segments }) => ({
      foldedSeq: to,
      foldedChain: folded.point.chain,
      foldedLabel: folded.point.label,
      window: ref,
      segments: [...segments, ...segment],
    }));
    done.folds++;
  }

  async #merge(): Promise<void> {
    const loaded = await tryReadHead(this.#context);
    const inputs = (loaded?.head.segments ?? []).map(({ key }) => key).slice(0, 1 + this.#chance.below(3));
    if (inputs.length === 0) return;
    const begun = await beginJob(this.#context, { inputs });
    if (begun === undefined || this.#chance.happens(0.1)) return;
    const { job } = begun;
    const parts: Effect[][] = [];
    for (const key of inputs) {
      const got = await this.#context.store.get(key);
      // Somebody took the job for dead, and its inputs were merged and collected.
      if (got.status !== 'found') return;
      parts.push(JSON.parse(new TextDecoder().decode(got.bytes)) as Effect[]);
    }
    const segment = await this.#putSegment(job, parts.flat());
    await commitJob(this.#context, job, ({ segments }) => ({
      segments: [...segments.filter(({ key }) => !inputs.includes(key)), ...segment],
    }));
    done.merges++;
  }

  /** None for no effects. */
  async #putSegment({ nonce }: Job, effects: readonly Effect[]): Promise<readonly SegmentEntry[]> {
    if (effects.length === 0) return [];
    const key = segmentKey(this.#context.uid, nonce, 0);
    const bytes = new TextEncoder().encode(JSON.stringify(effects));
    await this.#put(key, bytes);
    const rows = effects.length;
    const facts = { rows, live: rows, bytes: bytes.length, tailBytes: 1, residentBytes: 0 };
    return [{ key, ...facts, footerSha256: '0'.repeat(64), graph: false }];
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    const { store, ports } = this.#context;
    const result = await putDecided(store, ports, { key, bytes, if: 'absent' });
    if (result.status === 'unknown') throw result.cause;
  }

  async #collect(): Promise<void> {
    await swapHead(this.#context, (head) => {
      if (head.state !== 'active' || head.foldedSeq === head.gcFloor) return undefined;
      const gcFloor = this.#between(head.gcFloor, head.foldedSeq);
      return { gcFloor, retainedFrom: { version: headVersion(head.version), seq: gcFloor } };
    });
    const floor = (await tryReadHead(this.#context))?.head.gcFloor ?? 0;
    await this.#context.ports.sleep(limits.fenceMs);
    const prefix = logPrefix(this.#context.uid);
    const slots = await this.#context.store.list(prefix);
    const old = slots.slice(1).filter(({ key }) => (tryUnrev(key.slice(prefix.length)) ?? Infinity) <= floor);
    await this.#context.store.delete(old.map(({ key }) => key));
    done.slotsDeleted += old.length;
    await this.#collectObjects();
  }

  /** The engine's own collector, which always raises the floor as far as the head allows. */
  async #collectAsTheEngineDoes(): Promise<void> {
    const seen = await tryReadHead(this.#context);
    if (seen === undefined) return;
    const fence = await raiseFence(this.#context, seen.head);
    if (fence === undefined) return;
    await this.#context.ports.sleep(limits.fenceMs);
    const garbage = (await garbageBehind(this.#context, fence)).map(({ key }) => key);
    await this.#context.store.delete(garbage);
    const slots = garbage.filter((key) => key.startsWith(logPrefix(this.#context.uid)));
    done.slotsDeleted += slots.length;
    done.objectsDeleted += garbage.length - slots.length;
  }

  /** The head is read after the listing: a job that it does not list has ended, and no swap names its objects any more. */
  async #collectObjects(): Promise<void> {
    const { uid, store } = this.#context;
    const listed = await store.list(segmentPrefix(uid));
    const head = (await tryReadHead(this.#context))?.head;
    if (head === undefined) return;
    const garbage = listed.map(({ key }) => key).filter((key) => isGarbage(head, key));
    await store.delete(garbage);
    done.objectsDeleted += garbage.length;
  }

  #between(low: Sequence, high: Sequence): Sequence {
    return sequence(low + this.#chance.below(high - low + 1));
  }
}

function isGarbage(head: Head, key: string): boolean {
  const job = tryJobOfKey(head.uid, key);
  if (job === undefined || head.jobs.some(({ nonce }) => nonce === job)) return false;
  return head.window?.key !== key && head.segments.every((segment) => segment.key !== key);
}
