/**
 * Where a record stands in an order by its fields, and the best of many records in bounded memory.
 */
import { compareOrderKeys, fieldValues, orderKey } from '../../filter/index.js';
import type { OrderKey, Scalar } from '../../filter/index.js';
import type { OrderField } from '../input/index.js';
import type { JsonObject } from '../interface/index.js';

/** One for each field of the order; undefined where the record has no value of it. */
export type OrderKeys = readonly (OrderKey | undefined)[];

export class RowOrder {
  readonly #fields: readonly OrderField[];

  constructor(fields: readonly OrderField[]) {
    this.#fields = fields;
  }

  keysOf(document: JsonObject): OrderKeys {
    return this.#fields.map(({ field, descending }) => {
      const { direct, elements } = fieldValues(document, field);
      let first: OrderKey | undefined;
      for (const values of [direct, elements]) {
        for (const value of values) {
          // Objects are no values: their fields are.
          if (typeof value === 'object' && value !== null) continue;
          const key = orderKey(value as Scalar);
          if (first === undefined || directed(compareOrderKeys(key, first), descending) < 0) first = key;
        }
      }
      return first;
    });
  }

  /** Whoever has no value comes last, in either direction. */
  compare(a: OrderKeys, b: OrderKeys): number {
    for (const [i, { descending }] of this.#fields.entries()) {
      const [left, right] = [a[i], b[i]];
      if (left === undefined || right === undefined) {
        if (left !== right) return left === undefined ? 1 : -1;
        continue;
      }
      const difference = directed(compareOrderKeys(left, right), descending);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

function directed(difference: number, descending: boolean): number {
  return descending ? -difference : difference;
}

/** The first `max` of all that were added, holding never more than twice as many. */
export class BestRows<T> {
  readonly #max: number;
  readonly #compare: (a: T, b: T) => number;
  #rows: T[] = [];
  #worst: T | undefined;

  constructor(max: number, compare: (a: T, b: T) => number) {
    this.#max = max;
    this.#compare = compare;
  }

  /** Nothing that comes after this one is of any use. Undefined while it is not known. */
  get worst(): T | undefined {
    return this.#worst;
  }

  add(row: T): void {
    if (this.#worst !== undefined && this.#compare(row, this.#worst) >= 0) return;
    this.#rows.push(row);
    if (this.#rows.length >= 2 * this.#max) this.#settle();
  }

  sorted(): readonly T[] {
    this.#settle();
    return this.#rows;
  }

  #settle(): void {
    this.#rows.sort(this.#compare);
    if (this.#rows.length < this.#max) return;
    this.#rows.length = this.#max;
    this.#worst = this.#rows.at(-1);
  }
}
