/**
 * The columns of a segment that is being written: collected while its documents pass by, made when they are through.
 */
import type { CollectorOptions, PathValues } from './column-collector.js';
import { ColumnCollector } from './column-collector.js';
import { encodeColumn } from './column-encoder.js';
import type { ColumnRows } from './column-encoder.js';
import { encodeColumnIndex } from './column-index.js';
import type { NamedColumn } from './column-index.js';
import { compareUtf8 } from '../../base/bytes.js';

export class ColumnWriter {
  readonly #collector: ColumnCollector;
  readonly #written: NamedColumn[] = [];
  #collected: ReturnType<ColumnCollector['finish']> | undefined;

  constructor(options: CollectorOptions) {
    this.#collector = new ColumnCollector(options);
  }

  get columns(): number {
    return this.#written.length;
  }

  /** The JSON text of the next row, '' for none. */
  add(text: string): void {
    this.#collector.add(text === '' ? undefined : tryParse(text));
  }

  /**
   * The bytes of the columns, in their order; undefined where a turn ends without any. Requires: all documents were added.
   */
  *columnBytes(segment: ColumnRows): Generator<Uint8Array | undefined, void, undefined> {
    this.#collected ??= this.#collector.finish();
    const paths = [...this.#collected.paths].sort((a, b) => compareUtf8(a.path, b.path));
    for (const values of paths) {
      yield* this.#encode(values, 'direct', segment);
      yield* this.#encode(values, 'elements', segment);
    }
  }

  /** Requires: all columns were written. */
  index(): { readonly bytes: Uint8Array; readonly count: number } {
    const { withheld, complete } = this.#collected!;
    const bytes = encodeColumnIndex(this.#written, { withheld, complete });
    return { bytes, count: this.#written.length + withheld.length };
  }

  *#encode(
    values: PathValues,
    kind: 'direct' | 'elements',
    segment: ColumnRows,
  ): Generator<Uint8Array | undefined, void, undefined> {
    const stream = values[kind];
    if (stream.rows === 0) return;
    const turns = encodeColumn(stream, segment);
    let turn = turns.next();
    for (; turn.done !== true; turn = turns.next()) yield undefined;
    const { facts, parts } = turn.value;
    this.#written.push({ path: values.path, kind, facts });
    yield* parts;
  }
}

/** What is no JSON has no fields here, and is found out where it is read. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
