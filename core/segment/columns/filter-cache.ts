/**
 * What filters were found to select, of the segments of a process: a program asks the same few again and again. The filter used
 * longest ago goes first. Rows of a segment never change, so that nothing here is ever wrong; who sees which of them is the
 * reader's affair.
 */
import { limits } from '../../base/limits.js';
import type { MemoryAccount } from '../../base/memory-account.js';
import type { FilterRows } from './filter-masks.js';

/** An entry beside its bitmaps and its name. An estimate. */
const ENTRY_BYTES = 256;

export class FilterCache {
  readonly #entries = new Map<string, FilterRows>();
  readonly budgetBytes: number;
  readonly #account: MemoryAccount | undefined;
  #bytes = 0;

  /** `account`: where its entries count. */
  constructor(budgetBytes: number, account?: MemoryAccount) {
    this.budgetBytes = budgetBytes;
    this.#account = account;
  }

  get bytes(): number {
    return this.#bytes;
  }

  tryGet(name: string): FilterRows | undefined {
    const rows = this.#entries.get(name);
    if (rows === undefined) return undefined;
    // A map walks in the order of insertion.
    this.#entries.delete(name);
    this.#entries.set(name, rows);
    return rows;
  }

  /** `rows` are read from then on and not written to. What would take much of the budget is not kept. */
  put(name: string, rows: FilterRows): void {
    const bytes = bytesOf(name, rows);
    if (name.length > limits.filterCacheName || bytes > this.budgetBytes / 8 || this.#entries.has(name))
      return;
    this.#entries.set(name, rows);
    this.#bytes += bytes;
    this.#account?.take(bytes);
    for (const [oldest, held] of this.#entries) {
      if (this.#bytes <= this.budgetBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= bytesOf(oldest, held);
      this.#account?.give(bytesOf(oldest, held));
    }
  }
}

function bytesOf(name: string, { sure, open }: FilterRows): number {
  return ENTRY_BYTES + 2 * name.length + sure.length + (open?.length ?? 0);
}
