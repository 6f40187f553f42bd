/**
 * The memory through which threads pass each other jobs: a slot each, that whoever is free takes. Both sides see the same words.
 *
 * ```
 * payload: control words | one state word per slot | slots, each { f64 header[16], what the job says, then what it answers }
 * ```
 *
 * A slot goes from FREE to READY by the caller, by exactly one thread to TAKEN + thread (or by the caller back to FREE), by that
 * thread to DONE or FAILED, and by the caller, who has read the answer, to FREE.
 */
import { alignUp } from '../base/bytes.js';
import { PAYLOAD_OFFSET } from '../kernel/index.js';
import type { Arena, KernelMemory } from '../kernel/index.js';

/** Jobs that wait for a thread or are with one. */
export const SLOTS = 32;

export const FREE = 0;
export const READY = 1;
export const DONE = 2;
export const FAILED = 3;
/** And the thread's number. */
export const TAKEN = 16;

/** Control words: counts up with whatever a thread should look at. */
export const SIGNAL = 0;
/** Messages that were sent to every thread so far. */
export const MESSAGES = 1;
export const STOP = 2;
/** 1: the caller sleeps until a job ends. */
const CALLER_SLEEPS = 3;
/** Threads that sleep, or are about to, and that nobody has woken yet. */
const SLEEPERS = 4;
const STATES = 16;

const CONTROL_BYTES: number = (STATES + SLOTS) * 4;
const HEADER_WORDS = 16;
const HEADER_BYTES: number = HEADER_WORDS * 8;
/** Word of the header that says what kind of job it is. */
export const KIND = 15;
export const SEARCH = 0;
export const CALL = 1;

/**
 * Looks before a sleep, about 0.2 ms: the next job of a batch or of a build is nearer than that while the caller does what is its own,
 * and to be woken takes as long.
 */
const LOOKS = 40_000;

/** What a job says and answers. */
export interface Slot {
  readonly header: Float64Array;
  /** The room behind the header, in three spellings. */
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
}

export class JobSlots {
  /** For `Atomics`. */
  readonly words: Int32Array;
  readonly slots: readonly Slot[];

  /** Of an arena of shared memory. */
  constructor(memory: KernelMemory, payloadBytes: number) {
    const { buffer } = memory as WebAssembly.Memory;
    this.words = new Int32Array(buffer, PAYLOAD_OFFSET, CONTROL_BYTES / 4);
    const first = alignUp(PAYLOAD_OFFSET + CONTROL_BYTES, 64);
    const slotBytes = Math.floor((PAYLOAD_OFFSET + payloadBytes - first) / SLOTS / 64) * 64;
    this.slots = Array.from({ length: SLOTS }, (_, slot) => {
      const at = first + slot * slotBytes;
      const room = slotBytes - HEADER_BYTES;
      return {
        header: new Float64Array(buffer, at, HEADER_WORDS),
        u8: new Uint8Array(buffer, at + HEADER_BYTES, room),
        u32: new Uint32Array(buffer, at + HEADER_BYTES, room / 4),
        f32: new Float32Array(buffer, at + HEADER_BYTES, room / 4),
      };
    });
  }

  /** Nothing is under way, as far as this memory says. */
  static clear({ u8 }: Arena): void {
    u8.fill(0, PAYLOAD_OFFSET, PAYLOAD_OFFSET + CONTROL_BYTES);
  }

  state(slot: number): number {
    return Atomics.load(this.words, STATES + slot);
  }

  put(slot: number, state: number): void {
    Atomics.store(this.words, STATES + slot, state);
  }

  /** Whether the state was `from`, and is `to` now. */
  tryChange(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, STATES + slot, from, to) === from;
  }

  /** The thread has ended the job. */
  end(slot: number, state: number): void {
    this.put(slot, state);
    // To wake nobody would cost more than what a job passes on.
    if (Atomics.load(this.words, CALLER_SLEEPS) === 1) Atomics.notify(this.words, STATES + slot);
  }

  /** The caller waits until the state is another one, or for so long. */
  wait(slot: number, state: number, ms: number): void {
    for (let look = 0; look < LOOKS; look++) if (this.state(slot) !== state) return;
    Atomics.store(this.words, CALLER_SLEEPS, 1);
    Atomics.wait(this.words, STATES + slot, state, ms);
    Atomics.store(this.words, CALLER_SLEEPS, 0);
  }

  /** Something is to be looked at by `threads` of those that sleep. */
  signal(threads?: number): void {
    const { words } = this;
    Atomics.add(words, SIGNAL, 1);
    if (Atomics.load(words, SLEEPERS) === 0) return;
    const woken = Atomics.notify(words, SIGNAL, threads);
    // Until one that was woken runs, it may be handed much more.
    Atomics.sub(words, SLEEPERS, woken);
  }

  /** A thread waits until the signal is another one. */
  sleep(signal: number): void {
    const { words } = this;
    for (let look = 0; look < LOOKS; look++) if (Atomics.load(words, SIGNAL) !== signal) return;
    Atomics.add(words, SLEEPERS, 1);
    if (Atomics.wait(words, SIGNAL, signal) !== 'ok') Atomics.sub(words, SLEEPERS, 1);
  }
}
