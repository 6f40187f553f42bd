/** The pages of an object that are in memory, by their numbers: of an object of gigabytes these are few among hundreds of thousands. */

/** A part of the table has so many. */
const PART_BITS = 10;
const PART_PAGES = 1_024;

export class PageTable<P> {
  readonly #parts: ((P | undefined)[] | undefined)[] = [];

  get(number: number): P | undefined {
    return this.#parts[number >>> PART_BITS]?.[number & (PART_PAGES - 1)];
  }

  set(number: number, page: P | undefined): void {
    const part = (this.#parts[number >>> PART_BITS] ??= new Array<P | undefined>(PART_PAGES));
    part[number & (PART_PAGES - 1)] = page;
  }

  *all(): Generator<P> {
    for (const part of this.#parts) for (const page of part ?? []) if (page !== undefined) yield page;
  }

  clear(): void {
    this.#parts.length = 0;
  }
}
