/**
 * The ids of an open segment: from ids to ranks and back, by the blocks that hold them. Its index and its filter may lie apart from the
 * tail, and are read first then.
 */
import { andThen } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { utf8Decode, utf8Encode } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import type { ByteRange, PageReading } from '../store/index.js';
import { compareBytes, decodeIdAt, decodeIdBlock, idAt, positionIn } from './id-blocks.js';
import type { IdBlock, IdIndex } from './id-blocks.js';
import type { SegmentPages } from './segment-pages.js';
import type { SegmentTail } from './segment-tail.js';

const { blockRows } = limits;

/** Ids one after another in their order. */
export interface IdRun {
  readonly firstRank: number;
  readonly ids: readonly string[];
}

export class SegmentIds {
  readonly #pages: SegmentPages;
  readonly #tail: SegmentTail;
  readonly #section: ByteRange;

  constructor(pages: SegmentPages, tail: SegmentTail) {
    this.#pages = pages;
    this.#tail = tail;
    this.#section = tail.layout.body.ids;
  }

  /** Those of `ids` that may be here: all that are, and of the others one in 65,536. */
  possible(ids: readonly string[]): Awaitable<readonly string[]> {
    return andThen(this.#tail.idFilter.get(), (filter) => ids.filter((id) => filter.mayHold(utf8Encode(id))));
  }

  /** The rank of each id, -1 for one that is not here. */
  findRanks(ids: readonly string[], reading?: PageReading): Awaitable<Int32Array> {
    return andThen(this.#tail.idIndex.get(), (index) => {
      const ranks = new Int32Array(ids.length).fill(-1);
      const wanted = ids.map((text, at) => {
        const id = utf8Encode(text);
        return { at, id, block: index.blockOf(id) };
      });
      const blocks = wanted.map(({ block }) => block);
      return andThen(this.#readBlocks(index, blocks, reading), (blockOf) => {
        for (const { at, id, block } of wanted) {
          const held = blockOf(block);
          const position = positionIn(held, id);
          if (position < held.ends.length && compareBytes(idAt(held, position), id) === 0)
            ranks[at] = block * blockRows + position;
        }
        return ranks;
      });
    });
  }

  ofRanks(ranks: ArrayLike<number>): Awaitable<string[]> {
    return andThen(this.#tail.idIndex.get(), (index) => {
      const ids: string[] = [];
      for (let i = 0; i < ranks.length; i++) {
        const range = this.#rangeOf(index, Math.floor(ranks[i]! / blockRows));
        const block = this.#pages.tryBytes(range);
        if (block === undefined) return this.#readIds(index, Array.from(ranks));
        ids.push(this.#idIn(block, ranks[i]!, range.offset));
      }
      return ids;
    });
  }

  #readIds(index: IdIndex, ranks: readonly number[]): Awaitable<string[]> {
    const ranges = ranks.map((rank) => this.#rangeOf(index, Math.floor(rank / blockRows)));
    return andThen(this.#pages.read(ranges), (pages) =>
      ranges.map(({ offset, length }, i) => this.#idIn(pages.bytes(offset, length), ranks[i]!, offset)),
    );
  }

  #idIn(block: Uint8Array, rank: number, offset: number): string {
    return this.#textOf(decodeIdAt(block, rank % blockRows, this.#pages.wrongAt(offset)), offset);
  }

  /** Up to `count` ids after `after`, which need not be here; '' for the first. No ids: there are no more. */
  from(after: string, count: number): Awaitable<IdRun> {
    return andThen(this.#tail.idIndex.get(), (index) => {
      const id = utf8Encode(after);
      const first = index.blockOf(id);
      // One more than hold so many: those of the first block may all lie before.
      const last = Math.min(index.blocks, first + Math.ceil(count / blockRows) + 1);
      const blocks = Array.from({ length: last - first }, (_, i) => first + i);
      return andThen(this.#readBlocks(index, blocks), (blockOf) => {
        const start = blockOf(first);
        let position = positionIn(start, id);
        if (position < start.ends.length && compareBytes(idAt(start, position), id) === 0) position += 1;
        const firstRank = first * blockRows + position;
        const end = Math.min(this.#tail.footer.rows, firstRank + count, last * blockRows);
        const ids = Array.from({ length: Math.max(0, end - firstRank) }, (_, i) => {
          const rank = firstRank + i;
          const block = Math.floor(rank / blockRows);
          return this.#textOf(idAt(blockOf(block), rank % blockRows), this.#rangeOf(index, block).offset);
        });
        return { firstRank, ids };
      });
    });
  }

  /**
   * Reads what is not here of what ids are found by, and into the cache of all ids, where they take no more than `bytesMax` and push
   * nothing out of it.
   */
  async readAhead(bytesMax: number): Promise<void> {
    const fits = this.#section.length <= bytesMax;
    await Promise.all([this.#tail.idIndex.get(), fits ? this.#pages.readAhead(this.#section) : undefined]);
  }

  /** Each of `blocks` decoded. */
  #readBlocks(
    index: IdIndex,
    blocks: readonly number[],
    reading?: PageReading,
  ): Awaitable<(block: number) => IdBlock> {
    const wanted = new Set(blocks);
    const ranges = Array.from(wanted, (block) => this.#rangeOf(index, block));
    return andThen(this.#pages.read(ranges, reading), (pages) => {
      const decoded = new Map<number, IdBlock>();
      for (const block of wanted) {
        const range = this.#rangeOf(index, block);
        const bytes = pages.bytes(range.offset, range.length);
        decoded.set(block, decodeIdBlock(bytes, index.idsIn(block), this.#pages.wrongAt(range.offset)));
      }
      return (block) => decoded.get(block)!;
    });
  }

  #rangeOf(index: IdIndex, block: number): ByteRange {
    const { offset, length } = index.range(block);
    return { offset: this.#section.offset + offset, length };
  }

  /** `offset`: of its block. */
  #textOf(id: Uint8Array, offset: number): string {
    try {
      return utf8Decode(id);
    } catch {
      throw this.#pages.wrongAt(offset)(0, 'ids in UTF-8', 'other bytes');
    }
  }
}
