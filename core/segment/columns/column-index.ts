/**
 * Which columns a segment has, what each is like, and where its parts lie. The index is in the tail, the columns are read by range.
 *
 *   columnIndex := u32 columns, u32 flags                 1: a path without a column, and not withheld, is in no document
 *                  column[columns]                        in the order of paths' bytes, then of kinds
 *                  paths                                  UTF-8, one behind the other
 *   column      := u32 pathEnd                            running end into paths
 *                  u8 kind                                0 values that are no arrays, 1 elements of arrays, 2 withheld
 *                  u8 singles                             which of the terms there are: 1 other, 2 null, 4 false, 8 true, 16 opaque
 *                  u8 width                               bytes of an ordinal: 0 (all are 1), 1, 2 or 4
 *                  u8 shape                               1 sparse, 2 multiple, 4 with summaries
 *                  u32 positions, u32 entries             rows with a value, values
 *                  u32 numbers, u32 instants, u32 texts   terms
 *                  u32 textIndexBytes, u32 textBytes                                                           36 bytes
 *
 *   columns     := values*                                of each column that is not withheld, without gaps
 *   values      := f64 firstNumber[ceil(numbers / 64)]    every 64th number
 *                  textIndex                              text-blocks.ts
 *                  summaries                              leaf-summaries.ts; only with shape 4
 *                  u32 row[positions]                     ascending; only where sparse
 *                  u32 start[places + 1]                  first entry of each place; only where multiple
 *                  ordinal[entries or places]             of entries where multiple, else of places, 0 for no value
 *                  f64 number[numbers]
 *                  texts                                  text-blocks.ts
 *
 * Places are the positions where a column is sparse, else all rows. Ordinals number the terms from 1 (terms.ts). Summaries are
 * of columns with ordinals, in segments of more than one leaf; those that were written before there were summaries have none. A
 * withheld path, and the paths below it, may be in documents although there is no column.
 */
import { compareUtf8, utf8Decode, utf8Encode } from '../../base/bytes.js';
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { ByteRange } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import { ordinalWidth, TermOrder } from './terms.js';
import type { TermCounts } from './terms.js';

const DIRECT = 0;
const ELEMENTS = 1;
const WITHHELD = 2;
const HEADER_BYTES = 8;
const COLUMN_BYTES = 36;
const COMPLETE = 1;
const SPARSE = 1;
const MULTIPLE = 2;
const SUMMARIZED = 4;
/** Two of each path that has any, and as many paths that are withheld. */
const COLUMNS_MAX: number = 3 * limits.columnPaths;

export interface ColumnFacts extends TermCounts {
  readonly width: 0 | 1 | 2 | 4;
  readonly sparse: boolean;
  readonly multiple: boolean;
  readonly summarized: boolean;
  readonly positions: number;
  readonly entries: number;
  readonly textIndexBytes: number;
  readonly textBytes: number;
}

/** A column of an open segment. Ranges count from the start of the segment. */
export interface Column extends ColumnFacts {
  readonly order: TermOrder;
  readonly firstNumbers: ByteRange;
  readonly textIndex: ByteRange;
  /** Empty where there are none. */
  readonly summaries: ByteRange;
  readonly list: ByteRange;
  readonly starts: ByteRange;
  readonly ordinals: ByteRange;
  readonly numbersAt: ByteRange;
  readonly textsAt: ByteRange;
}

export interface NamedColumn {
  readonly path: string;
  readonly kind: 'direct' | 'elements';
  readonly facts: ColumnFacts;
}

/** A column with its name, as an open index has it. */
export interface IndexedColumn {
  readonly path: string;
  readonly kind: 'direct' | 'elements';
  readonly column: Column;
}

/** What is known of a path: its columns, neither where no row has it; undefined where only documents tell. */
export type PathColumns =
  { readonly direct: Column | undefined; readonly elements: Column | undefined } | undefined;

/** `columns` in the order in which they lie: by path, then by kind. */
export function encodeColumnIndex(
  columns: readonly NamedColumn[],
  { withheld, complete }: { readonly withheld: readonly string[]; readonly complete: boolean },
): Uint8Array<ArrayBuffer> {
  const all = [
    ...columns.map(({ path, kind, facts }) => ({ path, kind: kind === 'direct' ? DIRECT : ELEMENTS, facts })),
    ...withheld.map((path) => ({ path, kind: WITHHELD, facts: undefined })),
  ].sort((a, b) => compareUtf8(a.path, b.path) || a.kind - b.kind);
  const paths = all.map(({ path }) => utf8Encode(path));
  const table = HEADER_BYTES + COLUMN_BYTES * all.length;
  const bytes = new Uint8Array(table + paths.reduce((sum, path) => sum + path.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, all.length, true);
  view.setUint32(4, complete ? COMPLETE : 0, true);
  let end = 0;
  all.forEach(({ kind, facts }, i) => {
    const at = HEADER_BYTES + COLUMN_BYTES * i;
    bytes.set(paths[i]!, table + end);
    end += paths[i]!.length;
    view.setUint32(at, end, true);
    bytes[at + 4] = kind;
    if (facts === undefined) return;
    const { singles, width, positions, entries } = facts;
    const { numbers, instants, texts, textIndexBytes, textBytes } = facts;
    bytes.set([singles, width, shapeOf(facts)], at + 5);
    [positions, entries, numbers, instants, texts, textIndexBytes, textBytes].forEach((value, word) => {
      assertInternal(value < 2 ** 32, () => `a column with a part of ${value}`);
      view.setUint32(at + 8 + 4 * word, value, true);
    });
  });
  return bytes;
}

function shapeOf({ sparse, multiple, summarized }: ColumnFacts): number {
  return (sparse ? SPARSE : 0) | (multiple ? MULTIPLE : 0) | (summarized ? SUMMARIZED : 0);
}

export interface ColumnIndexFacts {
  readonly rows: number;
  readonly leaves: number;
  /** Of the section of columns. */
  readonly columns: ByteRange;
}

export class ColumnIndex {
  /** Of all entries, withheld ones included, and of columns. */
  readonly count: number;
  readonly columns: number;
  readonly #complete: boolean;
  readonly #paths = new Map<string, { direct: Column | undefined; elements: Column | undefined }>();
  readonly #withheld = new Set<string>();

  /** Throws by `wrong` where the bytes are not an index of the section's columns. */
  constructor(bytes: Uint8Array, { rows, leaves, columns }: ColumnIndexFacts, wrong: Wrong) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = bytes.length < HEADER_BYTES ? -1 : view.getUint32(0, true);
    const table = HEADER_BYTES + COLUMN_BYTES * count;
    if (count < 0 || count > COLUMNS_MAX || bytes.length < table)
      throw wrong(0, `an index of at most ${COLUMNS_MAX} columns`, `${bytes.length} bytes`);
    this.count = count;
    this.#complete = (view.getUint32(4, true) & COMPLETE) !== 0;
    const paths = bytes.subarray(table);
    let offset = columns.offset;
    let before = { end: 0, path: '', kind: 0 };
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + COLUMN_BYTES * i;
      const end = view.getUint32(at, true);
      const kind = bytes[at + 4]!;
      const path = decodePath(paths, before.end, end, () => wrong(at, 'the end of a path', `${end}`));
      const order = compareUtf8(before.path, path) || before.kind - kind;
      if (kind > WITHHELD || path === '' || (i > 0 && order >= 0))
        throw wrong(at, 'paths in their order, each kind once', JSON.stringify(path));
      before = { end, path, kind };
      if (kind === WITHHELD) {
        this.#withheld.add(path);
        continue;
      }
      const facts = readFacts(view, at);
      mustMakeSense(facts, { rows, leaves }, (expected, found) => wrong(at, expected, found));
      const column = layOutColumn(facts, { rows, leaves }, offset);
      offset = column.textsAt.offset + column.textsAt.length;
      const known = this.#paths.get(path) ?? { direct: undefined, elements: undefined };
      known[kind === DIRECT ? 'direct' : 'elements'] = column;
      this.#paths.set(path, known);
    }
    if (before.end !== paths.length) throw wrong(table, `${before.end} bytes of paths`, `${paths.length}`);
    const found = offset - columns.offset;
    if (found !== columns.length) throw wrong(0, `${columns.length} bytes of columns`, `${found}`);
    this.columns = count - this.#withheld.size;
  }

  /** Paths that have no columns although documents may have them. */
  get withheld(): readonly string[] {
    return [...this.#withheld];
  }

  /** All columns, in the order in which they lie. */
  *entries(): Generator<IndexedColumn, void, undefined> {
    for (const [path, { direct, elements }] of this.#paths) {
      if (direct !== undefined) yield { path, kind: 'direct', column: direct };
      if (elements !== undefined) yield { path, kind: 'elements', column: elements };
    }
  }

  find(path: string): PathColumns {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    if (!this.#complete || this.#withheld.has(path)) return undefined;
    for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1))
      if (this.#withheld.has(path.slice(0, dot))) return undefined;
    return { direct: undefined, elements: undefined };
  }
}

function decodePath(paths: Uint8Array, from: number, to: number, wrong: () => Error): string {
  if (to < from || to > paths.length || to - from > limits.fieldNameBytes) throw wrong();
  try {
    return utf8Decode(paths.subarray(from, to));
  } catch {
    throw wrong();
  }
}

interface SegmentShape {
  readonly rows: number;
  readonly leaves: number;
}

function readFacts(view: DataView, at: number): ColumnFacts & { readonly flags: number } {
  const word = (i: number): number => view.getUint32(at + 8 + 4 * i, true);
  const flags = view.getUint8(at + 7);
  return {
    singles: view.getUint8(at + 5),
    width: view.getUint8(at + 6) as 0 | 1 | 2 | 4,
    flags,
    sparse: (flags & SPARSE) !== 0,
    multiple: (flags & MULTIPLE) !== 0,
    summarized: (flags & SUMMARIZED) !== 0,
    positions: word(0),
    entries: word(1),
    numbers: word(2),
    instants: word(3),
    texts: word(4),
    textIndexBytes: word(5),
    textBytes: word(6),
  };
}

function mustMakeSense(
  facts: ColumnFacts & { readonly flags: number },
  { rows, leaves }: SegmentShape,
  wrong: (expected: string, found: string) => Error,
): void {
  const { singles, width, flags, sparse, multiple, summarized, positions, entries } = facts;
  const { terms } = new TermOrder(facts);
  if (singles > 31 || flags > 7) throw wrong('flags of a column', `${singles} and ${flags}`);
  if (positions < 1 || positions > rows) throw wrong(`1 to ${rows} rows of a column`, `${positions}`);
  if (multiple ? entries <= positions : entries !== positions)
    throw wrong(`the values of ${positions} rows`, `${entries}`);
  if (terms < 1 || terms > entries) throw wrong(`1 to ${entries} terms`, `${terms}`);
  const constant = terms === 1 && !multiple && (sparse || positions === rows);
  if (width !== (constant ? 0 : ordinalWidth(terms)))
    throw wrong(`ordinals of ${terms} terms`, `${width} bytes`);
  if (summarized && (width === 0 || leaves < 2))
    throw wrong('summaries of ordinals in two leaves or more', `${width} bytes and ${leaves} leaves`);
}

function layOutColumn(facts: ColumnFacts, { rows, leaves }: SegmentShape, offset: number): Column {
  const { numbers, positions, entries, sparse, multiple, summarized, width } = facts;
  const places = sparse ? positions : rows;
  let at = offset;
  const next = (length: number): ByteRange => {
    const range = { offset: at, length };
    at += length;
    return range;
  };
  return {
    ...facts,
    order: new TermOrder(facts),
    firstNumbers: next(8 * Math.ceil(numbers / limits.blockRows)),
    textIndex: next(facts.textIndexBytes),
    summaries: next(summarized ? 2 * width * leaves : 0),
    list: next(sparse ? 4 * places : 0),
    starts: next(multiple ? 4 * (places + 1) : 0),
    ordinals: next(width * (multiple ? entries : places)),
    numbersAt: next(8 * numbers),
    textsAt: next(facts.textBytes),
  };
}
