/**
 * The records of all segments in the order of their ids, as one view sees them: what scans, and deletes and patches by filter,
 * go by. A page of ids at a time, and of their documents where somebody needs them.
 */
import { compareUtf8 } from '../../base/bytes.js';
import { hasBit, rowsOfBitmap } from '../../base/bitmap.js';
import { lowerBound } from '../../base/ascending.js';
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import type { View } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import { segmentMatches } from './segment-matches.js';
import { Turns } from './turns.js';

export interface WalkedRow {
  readonly id: string;
  readonly overlay: SegmentOverlay;
  readonly row: number;
  /** JSON text, '' for none and where documents were not asked for. */
  readonly metadata: string;
}

export interface WalkRequest {
  /** Ids up to this one are left out; '' for none. */
  readonly after: string;
  /** As of a sequence, not of the newest state: the walk takes many ticks. */
  readonly view: View;
  readonly documents: boolean;
  /** Absent: every record. */
  readonly filter?: CompiledFilter | undefined;
  /** How many records the caller expects to take: no more is read ahead. */
  readonly expected: number;
}

/** Where fewer than one row in so many matches, their ids are read and no others. */
const SPARSE = 16;

/** Requires: overlays that are caught up to the view's sequence. */
export async function* walkSegments(
  overlays: readonly SegmentOverlay[],
  request: WalkRequest,
): AsyncGenerator<WalkedRow> {
  const walks = overlays.map((overlay) => walkSegment(overlay, request));
  const next = await Promise.all(walks.map(take));
  for (;;) {
    const first = firstOf(next);
    if (first === undefined) return;
    yield next[first]!;
    next[first] = await take(walks[first]!);
  }
}

async function take(walk: AsyncGenerator<WalkedRow>): Promise<WalkedRow | undefined> {
  const { value, done } = await walk.next();
  return done === true ? undefined : value;
}

function firstOf(rows: readonly (WalkedRow | undefined)[]): number | undefined {
  let first: number | undefined;
  rows.forEach((row, i) => {
    if (row === undefined) return;
    if (first === undefined || compareUtf8(row.id, rows[first]!.id) < 0) first = i;
  });
  return first;
}

async function* walkSegment(overlay: SegmentOverlay, request: WalkRequest): AsyncGenerator<WalkedRow> {
  const { file } = overlay.segment;
  const { view, documents } = request;
  for await (const { ids, rows } of pagesOf(overlay, request)) {
    const visible = Array.from(ids.keys()).filter((i) => overlay.isVisible(rows[i]!, view));
    const texts = documents ? await file.documents(Uint32Array.from(visible, (i) => rows[i]!)) : undefined;
    for (const [at, i] of visible.entries()) {
      yield { id: ids[i]!, overlay, row: rows[i]!, metadata: texts?.[at] ?? '' };
    }
  }
}

interface IdPage {
  readonly ids: readonly string[];
  readonly rows: Uint32Array;
}

function pagesOf(overlay: SegmentOverlay, request: WalkRequest): AsyncGenerator<IdPage> {
  const { filter } = request;
  return filter === undefined
    ? pagesOfAll(overlay, request)
    : pagesOfMatches(overlay, { ...request, filter });
}

async function* pagesOfAll(
  { segment: { file } }: SegmentOverlay,
  { after, expected }: WalkRequest,
): AsyncGenerator<IdPage> {
  let from = after;
  for (const count of pageSizes(expected)) {
    const { ids, firstRank } = await file.idsFrom(from, count);
    if (ids.length === 0) return;
    yield { ids, rows: await file.rowsOfRanks(Uint32Array.from(ids, (_, i) => firstRank + i)) };
    if (ids.length < count) return;
    from = ids.at(-1)!;
  }
}

/** Which rows match is known of all before the first is read. */
async function* pagesOfMatches(
  overlay: SegmentOverlay,
  request: WalkRequest & { readonly filter: CompiledFilter },
): AsyncGenerator<IdPage> {
  const { file } = overlay.segment;
  const { rows: matches, count } = await segmentMatches(
    overlay,
    { now: request.view, later: request.view },
    request.filter,
    new Turns(),
  );
  if (count * SPARSE < file.rows) {
    yield* pagesOfFew(overlay, rowsOfBitmap(matches, file.rows), request);
    return;
  }
  for await (const { ids, rows } of pagesOfAll(overlay, request)) {
    const kept = Array.from(ids.keys()).filter((i) => hasBit(matches, rows[i]!));
    yield { ids: kept.map((i) => ids[i]!), rows: Uint32Array.from(kept, (i) => rows[i]!) };
  }
}

/** By the ranks of all of them, which are in the order of ids. */
async function* pagesOfFew(
  { segment: { file } }: SegmentOverlay,
  matches: Uint32Array,
  { after, expected }: WalkRequest,
): AsyncGenerator<IdPage> {
  const ranks = (await file.ranksOfRows(matches)).sort();
  const { firstRank } = after === '' ? { firstRank: 0 } : await file.idsFrom(after, 1);
  let at = lowerBound(ranks, firstRank);
  for (const count of pageSizes(expected)) {
    if (at >= ranks.length) return;
    const page = ranks.subarray(at, at + count);
    yield { ids: await file.idsOfRanks(page), rows: await file.rowsOfRanks(page) };
    at += count;
  }
}

/** Some of what is read may not pass: each page is twice the one before. */
function* pageSizes(expected: number): Generator<number> {
  for (let count = Math.min(expected + 1, limits.walkRows); ; count = Math.min(count * 2, limits.walkRows))
    yield count;
}
