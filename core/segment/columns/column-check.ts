/**
 * Holds the columns of a segment against its documents. What a column is follows from the documents to the last bit
 * (docs/FORMAT.md), so it is made once more, and compared as its bytes pass by.
 *
 * What a compaction gives up for want of memory is not compared: filters read documents for it anyway. Cost: the memory
 * that a compaction takes for the same columns, and its time.
 */
import { bytesEqual } from '../../base/bytes.js';
import { corrupt } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import type { PageStream } from '../page-stream.js';
import { ColumnCollector } from './column-collector.js';
import type { CollectedColumns, PathValues } from './column-collector.js';
import { encodeColumn } from './column-encoder.js';
import type { ColumnRows, EncodedColumn } from './column-encoder.js';
import type { Column, ColumnFacts, ColumnIndex, IndexedColumn } from './column-index.js';
import type { ColumnStream } from './column-stream.js';

export interface ColumnCheckOptions extends ColumnRows {
  /** Of the segment, for errors. */
  readonly key: string;
  readonly index: ColumnIndex;
  /** Of memory for values. */
  readonly bytesMax: number;
}

const NO_LEAVES = new Uint32Array(0);

export class ColumnCheck {
  readonly #options: ColumnCheckOptions;
  readonly #collector: ColumnCollector;
  /** Columns that were not compared. */
  unchecked = 0;

  constructor(options: ColumnCheckOptions) {
    const { index, bytesMax } = options;
    this.#options = options;
    this.#collector = new ColumnCollector({ unfilterable: index.withheld, bytesMax });
  }

  /** The document of the next row; anything but an object is one without fields. */
  add(document: unknown): void {
    this.#collector.add(document);
  }

  /**
   * Reads the columns and gives each that is not what the documents make of it. Requires: all documents were added, and
   * `stream` is at the first column.
   */
  async *faults(stream: PageStream): AsyncGenerator<CairnError, void, undefined> {
    const collected = this.#collector.finish();
    const values = new Map(collected.paths.map((found) => [found.path, found]));
    const seen = new Set<string>();
    for (const indexed of this.#options.index.entries()) {
      seen.add(`${indexed.kind} ${indexed.path}`);
      const fault = await this.#compare(stream, indexed, { collected, found: values.get(indexed.path) });
      if (fault !== undefined) yield fault;
    }
    for (const found of collected.paths) {
      // Withheld, or one too many: only documents tell of it.
      if (this.#options.index.find(found.path) === undefined) continue;
      for (const kind of ['direct', 'elements'] as const) {
        if (found[kind].rows === 0 || seen.has(`${kind} ${found.path}`)) continue;
        yield this.#wrong(found.path, 0, `a column of ${found[kind].rows} rows`, 'none');
      }
    }
  }

  async #compare(
    stream: PageStream,
    { path, kind, column }: IndexedColumn,
    { collected, found }: { readonly collected: CollectedColumns; readonly found: PathValues | undefined },
  ): Promise<CairnError | undefined> {
    const start = column.firstNumbers.offset;
    const end = column.textsAt.offset + column.textsAt.length;
    if (found === undefined && !isKnownToBeAbsent(collected, path)) {
      this.unchecked++;
      await stream.skipTo(end);
      return undefined;
    }
    const values = found?.[kind];
    if (values === undefined || values.rows === 0) {
      await stream.skipTo(end);
      return this.#wrong(path, start, 'no column, as no document has the path', `${column.positions} rows`);
    }
    const expected = this.#encode(values, column);
    const facts = differingFacts(expected.facts, column);
    for (const part of facts === '' ? expected.parts : []) {
      const { position } = stream;
      if (!bytesEqual(await stream.take(part.length), part)) {
        await stream.skipTo(end);
        return this.#wrong(path, position, 'the values of the documents', 'others');
      }
    }
    await stream.skipTo(end);
    return facts === '' ? undefined : this.#wrong(path, start, 'the values of the documents', facts);
  }

  /** As it was written: without summaries where the release of that time had none. */
  #encode(values: ColumnStream, { summarized }: ColumnFacts): EncodedColumn {
    const { rows, leafStarts } = this.#options;
    const turns = encodeColumn(values, { rows, leafStarts: summarized ? leafStarts : NO_LEAVES });
    let turn = turns.next();
    while (turn.done !== true) turn = turns.next();
    return turn.value;
  }

  #wrong(path: string, offset: number, expected: string, found: string): CairnError {
    const { key } = this.#options;
    return corrupt({ key, offset, expected: `${expected} at path ${JSON.stringify(path)}`, found });
  }
}

/** Not given up for want of memory or room. */
function isKnownToBeAbsent({ withheld, complete }: CollectedColumns, path: string): boolean {
  return complete && !withheld.includes(path);
}

/** '' where they are the same. */
function differingFacts(expected: ColumnFacts, column: Column): string {
  const names = [
    ...(['singles', 'numbers', 'instants', 'texts', 'width', 'sparse', 'multiple'] as const),
    ...(['summarized', 'positions', 'entries', 'textIndexBytes', 'textBytes'] as const),
  ];
  return names
    .filter((name) => expected[name] !== column[name])
    .map((name) => `${name} ${column[name]} for ${expected[name]}`)
    .join(', ');
}
