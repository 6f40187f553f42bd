/**
 * Deletions as a property: whatever happens to rows of a segment while its live rows are copied, the copy says the same of each
 * row as the segment would.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeletionsDraft, isDead, markEnds, markGained } from '../../../core/engine/compaction/deletions.js';
import { hasBit } from '../../../core/base/bitmap.js';
import type { Deletions } from '../../../core/segment/index.js';

interface Change {
  readonly row: number;
  readonly kill: boolean;
  readonly seq: number;
}

function mark(
  rows: number,
  before: Deletions | undefined,
  changes: readonly Change[],
): Deletions | undefined {
  const draft = new DeletionsDraft(rows, before);
  for (const { row, kill, seq } of changes) {
    if (kill) draft.kill(row);
    else draft.hide(row, seq, seq * 1_000);
  }
  return draft.finish();
}

function stateOf(deletions: Deletions | undefined, row: number): string {
  if (isDead(deletions, row)) return 'dead';
  if (!isHidden(deletions, row)) return 'live';
  const at = deletions!.hiddenRows.indexOf(row);
  return `hidden ${deletions!.hiddenSeqs[at]} ${deletions!.hiddenMs[at]}`;
}

const isHidden = (deletions: Deletions | undefined, row: number): boolean =>
  deletions !== undefined && hasBit(deletions.hidden, row);

const changesOf = (rows: number): fc.Arbitrary<Change[]> =>
  fc.array(fc.record({ row: fc.nat(rows - 1), kill: fc.boolean(), seq: fc.integer({ min: 1, max: 99 }) }), {
    maxLength: 30,
  });

describe('deletions gained during a merge', () => {
  it('are those of the copies', () => {
    const world = fc.integer({ min: 1, max: 40 }).chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        early: changesOf(rows),
        late: changesOf(rows),
        order: fc.shuffledSubarray(
          Array.from({ length: rows }, (_, row) => row),
          { minLength: rows },
        ),
        expired: fc.subarray(Array.from({ length: rows }, (_, row) => row)),
      }),
    );
    fc.assert(
      fc.property(world, ({ rows, early, late, order, expired }) => {
        const before = mark(rows, undefined, early);
        const now = mark(rows, before, late);
        const kept = order.filter((row) => !isDead(before, row) && !expired.includes(row));
        const outputRowOf = new Int32Array(rows).fill(-1);
        kept.forEach((row, copy) => (outputRowOf[row] = copy));
        const draft = new DeletionsDraft(kept.length);
        // What the copy keeps of the rows that were hidden when it began.
        kept.forEach((row, copy) => {
          if (!isHidden(before, row)) return;
          const at = before!.hiddenRows.indexOf(row);
          draft.hide(copy, before!.hiddenSeqs[at]!, before!.hiddenMs[at]!);
        });
        markGained(draft, { before, now, outputRowOf });
        const copied = draft.finish();
        kept.forEach((row, copy) => expect(stateOf(copied, copy)).toBe(stateOf(now, row)));
      }),
    );
  });
});

describe('what slots do to rows', () => {
  const end = (row: number, endedAt: number, hiddenAt = Infinity) => ({
    row,
    endedAt,
    hiddenAt,
    hiddenMs: 7,
  });

  it('counts up to the fold', () => {
    const draft = new DeletionsDraft(5);
    markEnds(draft, [end(0, 9), end(1, 10), end(2, 11), end(3, Infinity, 10), end(4, 11, 9)], 10);
    const deletions = draft.finish();
    expect([0, 1, 2, 3, 4].map((row) => stateOf(deletions, row))).toEqual([
      'dead',
      'dead',
      'live',
      'hidden 10 7',
      'hidden 9 7',
    ]);
  });

  it('tells whether anything changed', () => {
    const first = new DeletionsDraft(3);
    markEnds(first, [end(1, 5), end(2, Infinity, 5)], 10);
    expect(first.changed).toBe(true);
    const again = new DeletionsDraft(3, first.finish());
    markEnds(again, [end(1, 5), end(2, Infinity, 6)], 10);
    expect(again.changed).toBe(false);
    expect(again.finish()).toEqual(first.finish());
    expect(new DeletionsDraft(3).finish()).toBeUndefined();
  });

  it('a hidden row that dies is no longer hidden', () => {
    const hidden = mark(9, undefined, [{ row: 8, kill: false, seq: 3 }]);
    const dead = mark(9, hidden, [{ row: 8, kill: true, seq: 4 }]);
    expect(stateOf(dead, 8)).toBe('dead');
    expect([...dead!.hiddenRows]).toEqual([]);
    expect([...dead!.hidden]).toEqual([0, 0]);
  });

  it('refuses rows and deletions of another segment', () => {
    const draft = new DeletionsDraft(3);
    expect(() => draft.kill(3)).toThrow('row 3');
    expect(() => new DeletionsDraft(9, mark(3, undefined, [{ row: 0, kill: true, seq: 1 }]))).toThrow(
      'deletions of 1 bytes',
    );
  });
});
