/**
 * Invariant 20: an id is live in one segment of a head at the most. The segments' ids are in order, so all of them are merged,
 * a piece of each in memory at a time.
 *
 * Cost: the ids are read once more, in pieces of which all segments together hold 32 MiB, or a page each.
 */
import { hasBit } from '../../base/bitmap.js';
import { utf8Decode } from '../../base/bytes.js';
import { limits } from '../../base/limits.js';
import { compareBytes, idAt } from '../../segment/index.js';
import type { CheckedIds } from '../../segment/index.js';
import { isCorrupt, isGone } from './opened.js';
import type { SoundSegment } from './segment-scrub.js';
import type { Subject } from './subject.js';

const { pageBytes, segmentChunkBytes, scrubIdBytes } = limits;

/** Requires: the segments of one head, with its deletions. */
export async function scrubLiveIds(subject: Subject, segments: readonly SoundSegment[]): Promise<void> {
  if (segments.length < 2) return;
  const share = Math.floor(scrubIdBytes / segments.length / pageBytes) * pageBytes;
  const pieceBytes = Math.min(segmentChunkBytes, Math.max(pageBytes, share));
  try {
    const cursors: IdCursor[] = [];
    for (const segment of segments) {
      const cursor = new IdCursor(segment, pieceBytes);
      if (await cursor.advance()) cursors.push(cursor);
    }
    await merge(subject, cursors);
  } catch (error) {
    // Collected meanwhile, or damaged on its way: every byte was sound a moment ago.
    if (!isGone(error) && !isCorrupt(error)) throw error;
  }
}

async function merge(subject: Subject, cursors: IdCursor[]): Promise<void> {
  const heap = new Heap(cursors);
  let [last, lastKey] = [new Uint8Array(0), ''];
  for (let top = heap.top; top !== undefined; top = heap.top) {
    if (compareBytes(top.id, last) === 0) {
      const id = JSON.stringify(utf8Decode(top.id).slice(0, 80));
      subject.findings.error('id_twice', {
        key: top.key,
        message: `id ${id} is live here and in ${lastKey}`,
      });
    }
    [last, lastKey] = [top.id as Uint8Array<ArrayBuffer>, top.key];
    const more = top.tryAdvance() ?? (await top.advance());
    if (more) heap.sink();
    else heap.pop();
  }
}

/** Walks the live ids of one segment. */
class IdCursor {
  readonly key: string;
  id: Uint8Array = new Uint8Array(0);
  readonly #dead: Uint8Array | undefined;
  readonly #blocks: AsyncGenerator<CheckedIds, void, undefined>;
  #current: CheckedIds | undefined;
  #next = 0;

  constructor({ check, deadRanks }: SoundSegment, pieceBytes: number) {
    this.key = check.ref.key;
    this.#dead = deadRanks;
    this.#blocks = check.idBlocks(pieceBytes);
  }

  /** To the next live id, where that is in memory. */
  tryAdvance(): true | undefined {
    if (this.#current === undefined) return undefined;
    const { firstRank, block } = this.#current;
    for (; this.#next < block.ends.length; this.#next++) {
      if (this.#dead !== undefined && hasBit(this.#dead, firstRank + this.#next)) continue;
      this.id = idAt(block, this.#next++);
      return true;
    }
    return undefined;
  }

  /** False where there is none any more. */
  async advance(): Promise<boolean> {
    for (;;) {
      const { value } = await this.#blocks.next();
      if (value === undefined) return false;
      this.#current = value;
      this.#next = 0;
      if (this.tryAdvance() === true) return true;
    }
  }
}

/** The cursor with the least id first. */
class Heap {
  readonly #cursors: IdCursor[];

  constructor(cursors: IdCursor[]) {
    this.#cursors = cursors.sort((a, b) => compareBytes(a.id, b.id));
  }

  get top(): IdCursor | undefined {
    return this.#cursors[0];
  }

  pop(): void {
    const last = this.#cursors.pop()!;
    if (this.#cursors.length === 0) return;
    this.#cursors[0] = last;
    this.sink();
  }

  /** Puts the first where it belongs. */
  sink(): void {
    const cursors = this.#cursors;
    const moving = cursors[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= cursors.length) break;
      if (child + 1 < cursors.length && compareBytes(cursors[child + 1]!.id, cursors[child]!.id) < 0) child++;
      if (compareBytes(cursors[child]!.id, moving.id) >= 0) break;
      cursors[at] = cursors[child]!;
      at = child;
    }
    cursors[at] = moving;
  }
}
