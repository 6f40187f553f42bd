/**
 * Which rows of a segment a view sees: what the head's deletions and expiries say, and over it what the log has done
 * since (shadows). One per segment and table; it grows with the log.
 *
 * A view's `asOf` is a sequence that the base holds, so what the deletions say is always past. Shadows carry sequences
 * and are only added to: what is asked as of one sequence does not change while the log goes on.
 */
import { clearBit, countBits, fullBitmap, hasBit } from '../../base/bitmap.js';
import { DAY_MS, NEWEST } from '../memtable/index.js';
import type { Shadow, View } from '../memtable/index.js';
import type { LiveSegment } from './segment-file.js';

export interface OverlayCounts {
  readonly visible: number;
  readonly softDeleted: number;
  /** There until a compaction drops it, but no read sees it. */
  readonly expired: number;
}

interface Hiding {
  readonly seq: number;
  readonly ms: number;
}

export class SegmentOverlay {
  readonly segment: LiveSegment;
  readonly #goneAfterMs: number;
  /** Not dead. */
  readonly #alive: Uint8Array;
  /** Not dead, not hidden, without a shadow. */
  readonly #plain: Uint8Array;
  readonly #hidden = new Map<number, Hiding>();
  readonly #shadows = new Map<number, Shadow>();
  readonly #expiryOf = new Map<number, number>();
  #plainCount: number;
  /** `#plain` without what had expired, and for how many expiries it was made. */
  #unexpired: { readonly bits: Uint8Array; readonly expired: number } | undefined;

  constructor(segment: LiveSegment, softDeleteDays: number) {
    const { file, deletions, expiries } = segment;
    this.segment = segment;
    this.#goneAfterMs = softDeleteDays * DAY_MS;
    this.#alive = fullBitmap(file.rows);
    if (deletions !== undefined) {
      for (let i = 0; i < this.#alive.length; i++) this.#alive[i]! &= ~deletions.dead[i]!;
    }
    this.#plain = this.#alive.slice();
    deletions?.hiddenRows.forEach((row, i) => {
      this.#hidden.set(row, { seq: deletions.hiddenSeqs[i]!, ms: deletions.hiddenMs[i]! });
      clearBit(this.#plain, row);
    });
    expiries.rows.forEach((row, i) => this.#expiryOf.set(row, expiries.ms[i]!));
    this.#plainCount = countBits(this.#plain);
  }

  /** What the log says of a row from now on. Adding it again is no error. */
  addShadow(row: number, shadow: Shadow): void {
    this.#shadows.set(row, shadow);
    if (!hasBit(this.#plain, row)) return;
    clearBit(this.#plain, row);
    if (this.#unexpired !== undefined) clearBit(this.#unexpired.bits, row);
    this.#plainCount--;
  }

  /** Whether the head that the table stands on still counts the row, hidden or not. */
  isAlive(row: number): boolean {
    return hasBit(this.#alive, row);
  }

  isVisible(row: number, view: View): boolean {
    if (!hasBit(this.#alive, row) || this.expiresMs(row) <= view.nowMs) return false;
    if ((this.#shadows.get(row)?.endedAt ?? Infinity) <= view.asOf) return false;
    const hiding = this.#hidingOf(row, view.asOf);
    return hiding === undefined || (view.includeDeleted && !this.#isGone(hiding, view.nowMs));
  }

  isHidden(row: number, view: View): boolean {
    return this.#hidingOf(row, view.asOf) !== undefined;
  }

  /** Infinity where the record does not expire. */
  expiresMs(row: number): number {
    return this.#expiryOf.get(row) ?? Infinity;
  }

  /** The sequence of a row's last change after its upsert, 0 where there was none. */
  changedAt(row: number): number {
    const { endedAt, hiddenAt } = this.#shadows.get(row) ?? { endedAt: Infinity, hiddenAt: Infinity };
    const last = (seq: number): number => (seq === Infinity ? 0 : seq);
    // A row that was hidden already is not changed by hiding it once more.
    const hidden = this.#hidden.get(row)?.seq ?? last(hiddenAt);
    return Math.max(last(endedAt), hidden);
  }

  /** The rows that a view sees; undefined: every one. Valid until the next tick only. */
  allowed(view: View): Uint8Array | undefined {
    if (view.asOf !== NEWEST || view.includeDeleted) return this.#general(view);
    const expired = this.#expiredCount(view.nowMs);
    if (expired === 0) return this.#plainCount === this.segment.file.rows ? undefined : this.#plain;
    if (this.#unexpired?.expired !== expired) {
      const bits = this.#plain.slice();
      for (let i = 0; i < expired; i++) clearBit(bits, this.segment.expiries.rows[i]!);
      this.#unexpired = { bits, expired };
    }
    return this.#unexpired.bits;
  }

  visibleCount(view: View): number {
    const bits = this.allowed(view);
    return bits === undefined ? this.segment.file.rows : countBits(bits);
  }

  /** Of the newest state. */
  counts(nowMs: number): OverlayCounts {
    const visible = this.visibleCount({ asOf: NEWEST, nowMs, includeDeleted: false });
    const shown = this.visibleCount({ asOf: NEWEST, nowMs, includeDeleted: true });
    let live = countBits(this.#alive);
    for (const [row, { endedAt }] of this.#shadows) {
      if (endedAt !== Infinity && hasBit(this.#alive, row)) live--;
    }
    return { visible, softDeleted: shown - visible, expired: live - shown };
  }

  #general(view: View): Uint8Array {
    const bits = this.#alive.slice();
    for (let i = 0, expired = this.#expiredCount(view.nowMs); i < expired; i++) {
      clearBit(bits, this.segment.expiries.rows[i]!);
    }
    for (const row of this.#hidden.keys()) if (!this.isVisible(row, view)) clearBit(bits, row);
    for (const row of this.#shadows.keys()) if (!this.isVisible(row, view)) clearBit(bits, row);
    return bits;
  }

  #hidingOf(row: number, asOf: number): Hiding | undefined {
    const known = this.#hidden.get(row);
    if (known !== undefined) return known;
    const shadow = this.#shadows.get(row);
    if (shadow === undefined || shadow.hiddenAt > asOf) return undefined;
    return { seq: shadow.hiddenAt, ms: shadow.hiddenMs };
  }

  /** A soft delete becomes a delete after the collection's days, by the rule of expiry. */
  #isGone({ ms }: Hiding, nowMs: number): boolean {
    return ms + this.#goneAfterMs <= nowMs;
  }

  /** How many of the expiries have passed. */
  #expiredCount(nowMs: number): number {
    const { ms } = this.segment.expiries;
    let low = 0;
    let high = ms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ms[middle]! <= nowMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
