/**
 * One thread beside the caller's: takes jobs out of the slots, and sleeps where there are none. Its arenas are of the same memories as
 * the caller's, with a state and scratch of its own, so that nothing is copied and nobody waits.
 */
import { searchIndex } from '../engine/index.js';
import type { LoadedIndex } from '../engine/index.js';
import { SearchIndex } from '../index/index.js';
import { Arena, stateOffset, tryCall } from '../kernel/index.js';
import type { ArenaClass, KernelMemory } from '../kernel/index.js';
import { getCall } from './call-job.js';
import {
  CALL,
  DONE,
  FAILED,
  JobSlots,
  KIND,
  MESSAGES,
  READY,
  SIGNAL,
  SLOTS,
  STOP,
  TAKEN,
} from './job-slots.js';
import type { Slot } from './job-slots.js';
import type { ThreadMessage, ThreadStart } from './messages.js';
import { getSearch, putCandidates } from './search-job.js';

export interface ThreadPorts {
  /** The next message, where there is one. */
  readonly receive: () => ThreadMessage | undefined;
}

type Searched = Pick<LoadedIndex, 'index' | 'rankOfRow'>;

interface Lent {
  readonly arena: Arena;
  /** Address of this thread's scratch. */
  readonly scratch: number;
}

export class SearchThread {
  readonly #start: ThreadStart;
  readonly #ports: ThreadPorts;
  readonly #slots: JobSlots;
  readonly #indexes = new Map<number, Searched>();
  readonly #lent = new Map<number, Lent>();
  #received = 0;
  /** The slot to look at first: the caller fills one after another. */
  #next = 0;

  constructor(start: ThreadStart, ports: ThreadPorts) {
    this.#start = start;
    this.#ports = ports;
    this.#slots = new JobSlots(start.memory, start.payloadBytes);
  }

  /** Returns when the thread is told to stop. */
  run(): void {
    const { words } = this.#slots;
    for (;;) {
      const signal = Atomics.load(words, SIGNAL);
      if (this.#isToStop) return;
      this.#hear();
      if (!this.#takeAny()) this.#slots.sleep(signal);
    }
  }

  get #isToStop(): boolean {
    return Atomics.load(this.#slots.words, STOP) === 1;
  }

  /** Whatever was said before a job was made ready is heard before it is done. */
  #hear(): void {
    const { words } = this.#slots;
    while (this.#received < Atomics.load(words, MESSAGES)) {
      const message = this.#ports.receive();
      if (message === undefined) return;
      this.#received++;
      switch (message.say) {
        case 'attach':
          this.#indexes.set(message.index, this.#attach(message));
          break;
        case 'lend':
          this.#lent.set(message.arena, this.#borrow(message));
          break;
        case 'detach':
          this.#indexes.delete(message.index);
          this.#lent.delete(message.index);
      }
    }
  }

  #arenaOf({
    memory,
    arenaClass,
  }: {
    readonly memory: KernelMemory;
    readonly arenaClass: ArenaClass;
  }): Arena {
    const { module, thread } = this.#start;
    return new Arena(module, arenaClass, { memory, state: stateOffset(thread) });
  }

  #borrow(message: ThreadMessage & { readonly say: 'lend' }): Lent {
    const { at, bytes } = message.scratch;
    return { arena: this.#arenaOf(message), scratch: at + this.#start.thread * bytes };
  }

  #attach(message: ThreadMessage & { readonly say: 'attach' }): Searched {
    const { directory, ranks } = message;
    const arena = this.#arenaOf(message);
    const index = SearchIndex.attach(arena, directory, this.#start.thread);
    return { index, rankOfRow: arena.u32.subarray(ranks / 4, ranks / 4 + directory.shape.rows) };
  }

  #takeAny(): boolean {
    const slots = this.#slots;
    const taken = TAKEN + this.#start.thread;
    let any = false;
    for (let look = 0; look < SLOTS; look++) {
      const slot = this.#next;
      this.#next = (slot + 1) % SLOTS;
      if (slots.state(slot) !== READY || !slots.tryChange(slot, READY, taken)) continue;
      any = true;
      slots.end(slot, this.#run(slot) ? DONE : FAILED);
    }
    return any;
  }

  /** False where it failed: the caller does it again, and hears why. */
  #run(slot: number): boolean {
    try {
      this.#hear();
      const place = this.#slots.slots[slot]!;
      if (place.header[KIND] === CALL) return this.#call(place);
      const { index, search } = getSearch(place);
      const searched = this.#indexes.get(index);
      if (searched === undefined) return false;
      putCandidates(place, searchIndex(searched, search, undefined));
      return true;
    } catch {
      return false;
    }
  }

  #call(place: Slot): boolean {
    const { arena, call } = getCall(place);
    const lent = this.#lent.get(arena);
    if (lent === undefined) return false;
    while (!tryCall(lent.arena, call, lent.scratch)) if (this.#isToStop) return false;
    return true;
  }
}
