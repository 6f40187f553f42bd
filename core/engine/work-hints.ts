/**
 * The hint that a writer leaves where a collection's log is worth folding: an empty object, so that maintenance finds work
 * without reading every collection. Best effort: a hint that is lost is put again by a later write, or the daily pass over
 * all collections finds what it stood for.
 */
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { workKey } from '../log/index.js';
import type { Head } from '../log/index.js';
import type { ObjectStore } from '../store/index.js';
import { isWorthFolding } from './collector/index.js';

export interface WorkHintsOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly uid: Uid;
  /** Called with each hint: maintenance in this process, or beside it, need not wait for its interval. */
  readonly onDue?: (() => void) | undefined;
  /** Put hints beside the writes. Off where what an answered request leaves behind is frozen or ended: there the write waits. */
  readonly beside: boolean;
}

/** As much of a log's state as tells how long the log is. */
export interface LogLength {
  readonly head: { readonly head: Head };
  readonly unfolded: { readonly slots: number; readonly bytes: number };
}

export class WorkHints {
  readonly #options: WorkHintsOptions;
  /** Since when this process has seen the log go beyond this fold. */
  #unfolded: { readonly foldedSeq: number; readonly sinceMs: number } | undefined;
  #hintedMs: number | undefined;

  constructor(options: WorkHintsOptions) {
    this.#options = options;
  }

  /** Puts the hint where the log has passed a trigger, not more often than `limits.hintEveryMs`. Never fails. */
  async hintWhenDue(state: LogLength | undefined): Promise<void> {
    if (state === undefined) return;
    const { store, ports, uid, onDue, beside } = this.#options;
    const nowMs = ports.clock.monotonicMs();
    const { foldedSeq } = state.head.head;
    if (this.#unfolded?.foldedSeq !== foldedSeq) this.#unfolded = { foldedSeq, sinceMs: nowMs };
    const ageMs = nowMs - this.#unfolded.sinceMs;
    if (!isWorthFolding(state.head.head, { ...state.unfolded, ageMs })) return;
    if (this.#hintedMs !== undefined && nowMs - this.#hintedMs < limits.hintEveryMs) return;
    this.#hintedMs = nowMs;
    const put = store
      .put(workKey(uid), new Uint8Array(0), { if: 'any' })
      .then(() => onDue?.())
      .catch(() => {});
    if (!beside) await put;
  }
}
