/**
 * Strategy: an overlay against a list of what is known of each row, judged row by row. Bitmaps and counts must be what
 * the rows say one by one, for every kind of view, and with shadows that come and grow between the questions.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasBit } from '../../../core/base/bitmap.js';
import { NEWEST } from '../../../core/engine/memtable/index.js';
import type { Shadow, View } from '../../../core/engine/memtable/index.js';
import { SegmentOverlay } from '../../../core/engine/segments/index.js';
import type { LiveSegment } from '../../../core/engine/segments/index.js';

const DAY = 86_400_000;
const SOFT_DELETE_DAYS = 2;
/** The fold that the segment belongs to: shadows are later, deletions are not. */
const FOLDED = 10;

interface RowFacts {
  readonly dead: boolean;
  readonly hiddenMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly shadow: Shadow | undefined;
}

const rowFacts: fc.Arbitrary<RowFacts> = fc.record({
  dead: fc.boolean(),
  hiddenMs: fc.option(fc.integer({ min: 0, max: 3 * DAY }), { nil: undefined }),
  expiresMs: fc.option(fc.integer({ min: 1, max: 5 * DAY }), { nil: undefined }),
  shadow: fc.option(
    fc.oneof(
      fc.record({
        endedAt: fc.integer({ min: 11, max: 20 }),
        hiddenAt: fc.constant(Infinity),
        hiddenMs: fc.constant(0),
      }),
      fc.record({
        endedAt: fc.constantFrom(Infinity, 18),
        hiddenAt: fc.integer({ min: 11, max: 17 }),
        hiddenMs: fc.integer({ min: 0, max: 3 * DAY }),
      }),
    ),
    { nil: undefined },
  ),
});

const views: fc.Arbitrary<View> = fc.record({
  asOf: fc.constantFrom(NEWEST, FOLDED, 14, 19),
  nowMs: fc.integer({ min: 0, max: 6 * DAY }),
  includeDeleted: fc.boolean(),
});

function sees({ dead, hiddenMs, expiresMs = Infinity, shadow }: RowFacts, view: View): boolean {
  if (dead || expiresMs <= view.nowMs) return false;
  if (shadow !== undefined && shadow.endedAt <= view.asOf) return false;
  const logHid = shadow !== undefined && shadow.hiddenAt <= view.asOf ? shadow.hiddenMs : undefined;
  const since = hiddenMs ?? logHid;
  return since === undefined || (view.includeDeleted && since + SOFT_DELETE_DAYS * DAY > view.nowMs);
}

function liveSegment(facts: readonly RowFacts[]): LiveSegment {
  const bits = (of: (row: RowFacts) => boolean): Uint8Array => {
    const out = new Uint8Array(Math.ceil(facts.length / 8));
    facts.forEach((row, i) => (out[i >> 3]! |= Number(of(row)) << (i & 7)));
    return out;
  };
  const isHidden = (row: RowFacts): boolean => !row.dead && row.hiddenMs !== undefined;
  const hidden = [...facts.keys()].filter((i) => isHidden(facts[i]!));
  const expiring = [...facts.keys()]
    .filter((i) => facts[i]!.expiresMs !== undefined)
    .sort((a, b) => facts[a]!.expiresMs! - facts[b]!.expiresMs!);
  const file: Partial<LiveSegment['file']> = { rows: facts.length };
  return {
    entry: {} as LiveSegment['entry'],
    file: file as LiveSegment['file'],
    deletions: {
      rows: facts.length,
      dead: bits(({ dead }) => dead),
      hidden: bits(isHidden),
      hiddenRows: Uint32Array.from(hidden),
      hiddenSeqs: Float64Array.from(hidden, () => FOLDED),
      hiddenMs: Float64Array.from(hidden, (i) => facts[i]!.hiddenMs!),
    },
    recallCurve: undefined,
    probeCurve: undefined,
    expiries: {
      rows: Uint32Array.from(expiring),
      ms: Float64Array.from(expiring, (i) => facts[i]!.expiresMs!),
    },
  };
}

test('bitmaps and counts are what the rows say', () => {
  fc.assert(
    fc.property(
      fc.array(rowFacts, { minLength: 1, maxLength: 70 }),
      fc.array(views, { minLength: 1 }),
      (facts, asked) => {
        const overlay = new SegmentOverlay(liveSegment(facts), SOFT_DELETE_DAYS);
        let known = facts.map((row): RowFacts => ({ ...row, shadow: undefined }));
        // Before the log says anything, after half of it, after all, and once more.
        for (const part of [0, 2, 1, 1]) {
          if (part > 0) {
            facts.forEach(({ shadow }, row) => {
              if (shadow !== undefined && row % part === 0) overlay.addShadow(row, shadow);
            });
            known = known.map((row, i) => (i % part === 0 ? facts[i]! : row));
          }
          for (const view of asked) {
            const expected = known.map((row) => sees(row, view));
            const bits = overlay.allowed(view);
            expect(expected.map((_, row) => bits === undefined || hasBit(bits, row))).toEqual(expected);
            expect(expected.map((_, row) => overlay.isVisible(row, view))).toEqual(expected);
            expect(overlay.visibleCount(view)).toBe(expected.filter(Boolean).length);
            const { visible, softDeleted, expired } = overlay.counts(view.nowMs);
            const newest = (includeDeleted: boolean): number =>
              known.filter((row) => sees(row, { asOf: NEWEST, nowMs: view.nowMs, includeDeleted })).length;
            const live = known.filter(
              ({ dead, shadow }) => !dead && (shadow?.endedAt ?? Infinity) === Infinity,
            );
            expect([visible, visible + softDeleted]).toEqual([newest(false), newest(true)]);
            expect(visible + softDeleted + expired).toBe(live.length);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
