/**
 * Which rows of segments a compaction ends: what the log says of rows in segments that stay, and what happened to rows of
 * the inputs while their copies were written. Deletions of a segment only ever grow.
 */
import { hasBit, setBit } from '../../base/bitmap.js';
import { assertInternal } from '../../base/errors.js';
import type { Deletions } from '../../segment/index.js';

/** What the log says of a segment's row. */
export interface RowEnd {
  readonly row: number;
  /** Sequences, Infinity where it did not happen. */
  readonly endedAt: number;
  readonly hiddenAt: number;
  readonly hiddenMs: number;
}

export function isDead(deletions: Deletions | undefined, row: number): boolean {
  return deletions !== undefined && hasBit(deletions.dead, row);
}

export class DeletionsDraft {
  readonly #rows: number;
  readonly #dead: Uint8Array;
  readonly #hidden = new Map<number, { readonly seq: number; readonly ms: number }>();
  #changed = false;

  constructor(rows: number, before?: Deletions) {
    this.#rows = rows;
    const bytes = Math.ceil(rows / 8);
    this.#dead = new Uint8Array(bytes);
    if (before === undefined) return;
    const fits = before.dead.length === bytes;
    assertInternal(fits, `deletions of ${before.dead.length} bytes for a segment of ${rows} rows`);
    this.#dead.set(before.dead);
    before.hiddenRows.forEach((row, i) => {
      if (!hasBit(before.dead, row)) {
        this.#hidden.set(row, { seq: before.hiddenSeqs[i]!, ms: before.hiddenMs[i]! });
      }
    });
  }

  /** Something was marked that was not before. */
  get changed(): boolean {
    return this.#changed;
  }

  kill(row: number): void {
    this.#mustRow(row);
    if (hasBit(this.#dead, row)) return;
    setBit(this.#dead, row);
    this.#hidden.delete(row);
    this.#changed = true;
  }

  hide(row: number, seq: number, ms: number): void {
    this.#mustRow(row);
    if (hasBit(this.#dead, row) || this.#hidden.has(row)) return;
    this.#hidden.set(row, { seq, ms });
    this.#changed = true;
  }

  isDead(row: number): boolean {
    return hasBit(this.#dead, row);
  }

  /** Undefined where nothing is marked. */
  finish(): Deletions | undefined {
    const hiddenRows = Uint32Array.from(this.#hidden.keys()).sort();
    if (hiddenRows.length === 0 && this.#dead.every((byte) => byte === 0)) return undefined;
    const hidden = new Uint8Array(this.#dead.length);
    for (const row of hiddenRows) setBit(hidden, row);
    return {
      rows: this.#rows,
      dead: this.#dead,
      hidden,
      hiddenRows,
      hiddenSeqs: Float64Array.from(hiddenRows, (row) => this.#hidden.get(row)!.seq),
      hiddenMs: Float64Array.from(hiddenRows, (row) => this.#hidden.get(row)!.ms),
    };
  }

  #mustRow(row: number): void {
    assertInternal(row >= 0 && row < this.#rows, `row ${row} of a segment of ${this.#rows}`);
  }
}

/** Marks what slots up to `folded` did to rows of a segment. */
export function markEnds(draft: DeletionsDraft, ends: Iterable<RowEnd>, folded: number): void {
  for (const { row, endedAt, hiddenAt, hiddenMs } of ends) {
    if (endedAt <= folded) draft.kill(row);
    else if (hiddenAt <= folded) draft.hide(row, hiddenAt, hiddenMs);
  }
}

export interface InputChange {
  /** As the build read them, and as the head at the commit has them. */
  readonly before: Deletions | undefined;
  readonly now: Deletions | undefined;
  /** The row in the output of each row of the input; -1 where it was dropped. */
  readonly outputRowOf: Int32Array;
}

/** Marks in the output what an input gained while it was copied. Rows that the copy dropped need no mark. */
export function markGained(draft: DeletionsDraft, { before, now, outputRowOf }: InputChange): void {
  if (now === undefined) return;
  for (let row = 0; row < outputRowOf.length; row++) {
    const copy = outputRowOf[row]!;
    if (copy >= 0 && hasBit(now.dead, row) && !isDead(before, row)) draft.kill(copy);
  }
  // What was hidden before is hidden in the copy already, and stays so.
  now.hiddenRows.forEach((row, i) => {
    const copy = outputRowOf[row]!;
    if (copy >= 0) draft.hide(copy, now.hiddenSeqs[i]!, now.hiddenMs[i]!);
  });
}
