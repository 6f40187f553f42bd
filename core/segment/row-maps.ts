/** The two orders of a segment's rows: as they lie in the file, and by id. */
import { compareUtf8 } from '../base/bytes.js';
import { CairnError } from '../base/errors.js';

export interface RowMaps {
  /** In the order of their UTF-8 bytes. */
  readonly sortedIds: readonly string[];
  readonly rowOfRank: Uint32Array<ArrayBuffer>;
  readonly rankOfRow: Uint32Array<ArrayBuffer>;
}

const SURROGATE = /[\ud800-\udfff]/;

/** Requires: ids in row order. Throws by `twice` where two are the same: by default a bug of the caller's. */
export function rowMaps(ids: readonly string[], twice: (id: string) => CairnError = sameId): RowMaps {
  // Without surrogates the order of UTF-16 is that of UTF-8, and the host's own comparison is several times faster.
  const compare = ids.some((id) => SURROGATE.test(id))
    ? compareUtf8
    : (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const rowOfRank = new Uint32Array(ids.length);
  for (let row = 0; row < ids.length; row++) rowOfRank[row] = row;
  rowOfRank.sort((a, b) => compare(ids[a]!, ids[b]!));
  const rankOfRow = new Uint32Array(ids.length);
  const sortedIds = Array.from(rowOfRank, (row, rank) => {
    rankOfRow[row] = rank;
    return ids[row]!;
  });
  for (let rank = 1; rank < sortedIds.length; rank++)
    if (sortedIds[rank] === sortedIds[rank - 1]) throw twice(sortedIds[rank]!);
  return { sortedIds, rowOfRank, rankOfRow };
}

function sameId(id: string): CairnError {
  return new CairnError('internal', 'assertion_failed', `two rows have the id ${id}`);
}

/** Throws by `wrong` where the two do not undo each other: what reads rows by them trusts that they are rows. */
export function mustBeRowMaps(
  rowOfRank: Uint32Array,
  rankOfRow: Uint32Array,
  wrong: (rank: number, found: string) => CairnError,
): void {
  for (let rank = 0; rank < rowOfRank.length; rank++) {
    const row = rowOfRank[rank]!;
    if (rankOfRow[row] !== rank) throw wrong(rank, `row ${row} with rank ${rankOfRow[row]}`);
  }
}
