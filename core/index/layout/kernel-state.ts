/** Reads and writes what the index kernels know of the index in an arena. */
import type { Arena } from '../../kernel/index.js';
import type { QueryConstants } from './row-table.js';
import { stateNumberOffsets, stateOffsets } from './state.js';

export type StateField = keyof typeof stateOffsets;
export type StateNumber = keyof typeof stateNumberOffsets;

export class KernelState {
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #at: number;

  constructor({ u32, f64, state }: Arena) {
    this.#at = state;
    this.#u32 = u32;
    this.#f64 = f64;
  }

  set(fields: Partial<Record<StateField, number>>): void {
    for (const [name, value] of Object.entries(fields)) this.put(name as StateField, value);
  }

  /** Of fields that are put together again and again: where each lies, and its value. */
  wordsOf(fields: Partial<Record<StateField, number>>): Uint32Array {
    const words = Object.entries(fields).map(([name, value]) => [
      (this.#at + stateOffsets[name as StateField]) / 4,
      value,
    ]);
    return Uint32Array.from(words.flat());
  }

  putWords(words: Uint32Array): void {
    for (let i = 0; i < words.length; i += 2) this.#u32[words[i]!] = words[i + 1]!;
  }

  put(field: StateField, value: number): void {
    this.#u32[(this.#at + stateOffsets[field]) / 4] = value;
  }

  get(field: StateField): number {
    return this.#u32[(this.#at + stateOffsets[field]) / 4]!;
  }

  getNumber(field: StateNumber): number {
    return this.#f64[(this.#at + stateNumberOffsets[field]) / 8]!;
  }

  putNumber(field: StateNumber, value: number): void {
    this.#f64[(this.#at + stateNumberOffsets[field]) / 8] = value;
  }

  /** Of the query that was prepared last. */
  constants(): QueryConstants {
    return {
      base: this.getNumber('base'),
      scale: this.getNumber('scale'),
      termFactor: this.getNumber('termFactor'),
    };
  }

  putConstants({ base, scale, termFactor }: QueryConstants): void {
    this.putNumber('base', base);
    this.putNumber('scale', scale);
    this.putNumber('termFactor', termFactor);
  }
}
