/** Bytes that the parts of one process hold under one budget, and the most that they held together. */
export class MemoryAccount {
  #bytes = 0;
  #peak = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Since the account was opened. */
  get peakBytes(): number {
    return this.#peak;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#peak) this.#peak = this.#bytes;
  }

  /** Requires: they were taken. */
  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** What one of the parts holds. */
export class MemoryPart {
  readonly #account: MemoryAccount;
  #bytes = 0;

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#account.take(bytes);
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#account.give(bytes);
  }
}
