/**
 * Takes documents apart into the values of their paths, as core/filter/field-values.ts finds them: a dot in a key is a
 * step, an array stands for its elements. Of a path the values that are no arrays and the elements of arrays are told
 * apart, because `contains` means something else in each.
 *
 * Memory is bounded: the path that takes the most is given up where all take too much, and so are paths that come when
 * there are too many. What was given up is known, and filters read documents for it.
 */
import { limits } from '../../base/limits.js';
import { ColumnStream } from './column-stream.js';
import type { StreamScalar } from './column-stream.js';
import { OTHER, tryUtf8Length } from './terms.js';

export interface CollectorOptions {
  /** Paths that get no columns, and neither do those below them. */
  readonly unfilterable: readonly string[];
  /** Of memory for values and terms. */
  readonly bytesMax: number;
}

/** All that was found at a path. */
export interface PathValues {
  readonly path: string;
  readonly direct: ColumnStream;
  readonly elements: ColumnStream;
}

export interface CollectedColumns {
  /** In no order. */
  readonly paths: readonly PathValues[];
  /** Without columns although documents may have them: each stands for itself and the paths below it. */
  readonly withheld: readonly string[];
  /** Any other path is in no document. */
  readonly complete: boolean;
}

class Collected implements PathValues {
  readonly path: string;
  direct: ColumnStream = new ColumnStream();
  elements: ColumnStream = new ColumnStream();
  /** The row in which it was last there. */
  row = -1;
  /** Rows in which it was there. */
  rows = 0;
  dropped = false;

  constructor(path: string) {
    this.path = path;
  }

  get bytes(): number {
    return this.direct.bytes + this.elements.bytes;
  }

  drop(): void {
    this.dropped = true;
    this.direct = new ColumnStream();
    this.elements = new ColumnStream();
  }
}

/** Of a path; `{"a.b": 1}` and `{"a": {"b": 1}}` lead to one. */
interface Place {
  readonly path: string;
  /** Undefined where no filter can name the path. */
  readonly values: Collected | undefined;
  /** By the next step. Undefined: nothing below it is looked at. */
  readonly below: Map<string, Place> | undefined;
}

/** Of a path, with its streams and its place. */
const PATH_BYTES = 1_024;

export class ColumnCollector {
  readonly #unfilterable: ReadonlySet<string>;
  readonly #bytesMax: number;
  readonly #root: Place = { path: '', values: undefined, below: new Map() };
  readonly #paths: Collected[] = [];
  #places = 0;
  #row = 0;
  #complete = true;
  /** Paths of the row that is being read. */
  readonly #inRow: Collected[] = [];
  readonly #pending: { place: Place; value: Readonly<Record<string, unknown>> }[] = [];

  constructor({ unfilterable, bytesMax }: CollectorOptions) {
    this.#unfilterable = new Set(unfilterable);
    this.#bytesMax = bytesMax;
  }

  /** The document of the next row; anything but an object is one without fields. */
  add(document: unknown): void {
    if (isObject(document)) {
      this.#pending.push({ place: this.#root, value: document });
      for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
        for (const key of Object.keys(next.value)) {
          const place = this.#placeOf(next.place, key);
          if (place !== undefined) this.#visit(place, next.value[key]);
        }
      }
    }
    for (const values of this.#inRow) {
      const found = values.direct.endsAt(this.#row) || values.elements.endsAt(this.#row);
      if (!found && !values.dropped) values.direct.addSingle(this.#row, OTHER);
    }
    this.#inRow.length = 0;
    this.#row++;
    if (this.#row % limits.columnRowsChecked === 0) this.#keepWithinBounds();
  }

  finish(): CollectedColumns {
    this.#keepWithinBounds();
    const paths = this.#paths.filter(({ rows }) => rows > 0);
    const dropped = paths.filter((values) => values.dropped).map(({ path }) => path);
    const kept = paths
      .filter((values) => !values.dropped)
      .sort((a, b) => b.rows - a.rows || (a.path < b.path ? -1 : 1));
    const most = Math.max(0, limits.columnPaths - this.#unfilterable.size);
    return {
      paths: kept.slice(0, most),
      withheld: [...this.#unfilterable, ...dropped.slice(0, most)],
      complete: this.#complete && kept.length <= most && dropped.length <= most,
    };
  }

  #visit(place: Place, value: unknown): void {
    const { values } = place;
    if (values !== undefined && values.row !== this.#row) {
      values.row = this.#row;
      values.rows++;
      this.#inRow.push(values);
    }
    if (Array.isArray(value)) this.#visitElements(place, value);
    else if (isObject(value)) this.#descend(place, value);
    else if (values?.dropped === false) values.direct.add(this.#row, value as StreamScalar);
  }

  #visitElements(place: Place, array: readonly unknown[]): void {
    const { values } = place;
    const pending: unknown[] = [array];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (Array.isArray(next)) for (const item of next) pending.push(item);
      else if (isObject(next)) this.#descend(place, next);
      else if (values?.dropped === false) values.elements.add(this.#row, next as StreamScalar);
    }
  }

  #descend(place: Place, value: Readonly<Record<string, unknown>>): void {
    if (place.below !== undefined) this.#pending.push({ place, value });
  }

  /** Where a key leads from a place; undefined where nothing is looked at. */
  #placeOf(from: Place, key: string): Place | undefined {
    if (!key.includes('.')) return this.#placeBelow(from, key);
    let place: Place | undefined = from;
    for (const step of key.split('.')) {
      place = this.#placeBelow(place, step);
      if (place === undefined) return undefined;
    }
    return place;
  }

  #placeBelow({ path, below }: Place, step: string): Place | undefined {
    if (below === undefined) return undefined;
    const known = below.get(step);
    if (known !== undefined) return known;
    if (this.#places === limits.columnPlaces) {
      this.#complete = false;
      return undefined;
    }
    this.#places++;
    const made = this.#newPlace(below === this.#root.below ? step : `${path}.${step}`);
    below.set(step, made);
    return made;
  }

  #newPlace(path: string): Place {
    const bytes = tryUtf8Length(path);
    // No filter names such a path, nor one below it.
    const nameless = bytes < 0 || bytes > limits.fieldNameBytes;
    if (nameless || this.#unfilterable.has(path)) return { path, values: undefined, below: undefined };
    if (bytes === 0) return { path, values: undefined, below: new Map() };
    const values = new Collected(path);
    this.#paths.push(values);
    return { path, values, below: new Map() };
  }

  #keepWithinBounds(): void {
    const kept = this.#paths.filter((values) => !values.dropped);
    let bytes = kept.reduce((sum, values) => sum + values.bytes + PATH_BYTES, 0);
    for (const values of kept.sort((a, b) => b.bytes - a.bytes)) {
      if (bytes <= this.#bytesMax) return;
      bytes -= values.bytes;
      values.drop();
    }
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
