/**
 * A set of ids that can be walked in the order of their UTF-8 bytes. Ids arrive in any order and are sorted in when
 * somebody walks: a write pays nothing, a scan after writes pays one merge.
 */
import { compareUtf8 } from '../../base/bytes.js';

export class OrderedIds {
  #sorted: string[] = [];
  #added: string[] = [];

  /** Requires: an id that was not added before. */
  add(id: string): void {
    this.#added.push(id);
  }

  /** The ids after `after` ('' for all), in order. */
  *after(after: string): Generator<string> {
    this.#settle();
    const ids = this.#sorted;
    for (let i = firstAfter(ids, after); i < ids.length; i++) yield ids[i]!;
  }

  #settle(): void {
    if (this.#added.length === 0) return;
    const added = this.#added.sort(compareUtf8);
    this.#added = [];
    if (this.#sorted.length === 0) {
      this.#sorted = added;
      return;
    }
    const old = this.#sorted;
    const merged: string[] = [];
    let i = 0;
    for (const id of added) {
      while (i < old.length && compareUtf8(old[i]!, id) < 0) merged.push(old[i++]!);
      merged.push(id);
    }
    while (i < old.length) merged.push(old[i++]!);
    this.#sorted = merged;
  }
}

function firstAfter(ids: readonly string[], after: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(ids[middle]!, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
