/**
 * Calls of kernels on one arena that threads may do beside the caller's own, where a host has them (core/threads): each reads what
 * all read, and writes what no other call does.
 */
import { assertInternal } from '../base/errors.js';
import type { Arena } from './arena.js';
import { ROW_LOCKS_OFFSET } from './layout.js';

const ROW_LOCKS = 16;

export interface KernelCall {
  readonly name: 'findLinks' | 'nearestPivots' | 'offerPairs' | 'chooseLinks' | 'refineLinks' | 'linkFarther';
  readonly args: readonly number[];
}

/** An argument in the place of the address of scratch, which is another one for each thread. */
export const OWN_SCRATCH = -1;

/** Of the caller's thread at `at`; behind it that of each other one. */
export interface CallScratch {
  readonly at: number;
  readonly bytes: number;
}

/** An arena that threads work in together. */
export interface LentArena {
  /**
   * Does all calls, in any order. Yields after each that the caller's thread has done, and while it waits for others. Throws
   * `unavailable` (`thread_lost`) where a thread ended in the middle of one: what the calls write is in no known state then.
   */
  all(calls: readonly KernelCall[]): Generator<void>;
  /** Ends what is under way. False where a thread may still write: the arena is nobody's any more. */
  takeBack(): boolean;
}

export interface KernelThreads {
  /** Beside the caller's own. */
  readonly count: number;
  /** Requires: the state of each thread (`stateOffset`) is made. */
  lend(arena: Arena, scratch: CallScratch): LentArena;
}

/** Where there is no other thread. */
export function lendToNobody(arena: Arena, scratch: CallScratch): LentArena {
  return {
    *all(calls) {
      for (const call of calls) {
        assertInternal(tryCall(arena, call, scratch.at), 'a row is locked, and there is nobody else');
        yield;
      }
    },
    takeBack: () => true,
  };
}

/** False where another thread holds what the call needs, and may be gone: it is to be done again. */
export function tryCall({ exports }: Arena, { name, args }: KernelCall, scratch: number): boolean {
  const call: (...numbers: number[]) => unknown = exports[name];
  return call(...args.map((value) => (value === OWN_SCRATCH ? scratch : value))) !== 0;
}

/** Of threads that are gone, or none. Requires: what a call that holds one writes is nothing to anybody. */
export function freeRowLocks({ u32 }: Arena): void {
  for (let lock = 0; lock < ROW_LOCKS; lock++) Atomics.store(u32, ROW_LOCKS_OFFSET / 4 + lock, 0);
}
