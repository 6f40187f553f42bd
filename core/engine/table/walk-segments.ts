/**
 * The records of all segments in the order of their ids, as one view sees them: what a scan and a delete by filter go by.
 * A page of ids at a time, and of their documents where somebody needs them.
 */
import { compareUtf8 } from '../../base/bytes.js';
import { limits } from '../../base/limits.js';
import type { View } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';

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
  /** How many records the caller expects to take: no more is read ahead. */
  readonly expected: number;
}

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
  let { after } = request;
  // Some of what is read may not pass: each page is twice the one before.
  let count = Math.min(request.expected + 1, limits.walkRows);
  for (;;) {
    const { ids, firstRank } = await file.idsFrom(after, count);
    if (ids.length === 0) return;
    const rows = await file.rowsOfRanks(Uint32Array.from(ids, (_, i) => firstRank + i));
    const visible = Array.from(ids.keys()).filter((i) => overlay.isVisible(rows[i]!, view));
    const texts = documents ? await file.documents(Uint32Array.from(visible, (i) => rows[i]!)) : undefined;
    for (const [at, i] of visible.entries()) {
      yield { id: ids[i]!, overlay, row: rows[i]!, metadata: texts?.[at] ?? '' };
    }
    if (ids.length < count) return;
    after = ids.at(-1)!;
    count = Math.min(count * 2, limits.walkRows);
  }
}
