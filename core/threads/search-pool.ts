/**
 * The caller's side of the threads: who searches what. Whatever is asked waits for the caller's next turn; then, where it is alone,
 * it is searched by the caller's own thread, to which nothing has to be told; else it is handed to the others, and the caller takes of
 * what they leave. So one query waits for nobody, and many keep all threads at work.
 */
import type {
  Candidates,
  DatabaseThreads,
  IndexSearch,
  SharedIndex,
  ThreadedIndex,
} from '../engine/index.js';
import type { Arena, ArenaPool, CallScratch, LentArena } from '../kernel/index.js';
import { HandedJobs } from './handed-jobs.js';
import type { Job } from './handed-jobs.js';
import { JobSlots, MESSAGES, STOP } from './job-slots.js';
import type { Slot } from './job-slots.js';
import type { ThreadHost } from './messages.js';
import { fits, getCandidates, putSearch } from './search-job.js';
import { SharedCalls } from './shared-calls.js';

/** Jobs that wait for each thread beside the one that it does: it need not wait for the caller's next turn. */
const WAITING_EACH = 2;
/** Of the caller's own in one turn, between which others have theirs. */
const OWN_AT_ONCE = 4;
/** Turns in which nothing happens, before the caller asks to be woken: that takes longer than most jobs. */
const IDLE_TURNS = 64;
/** How long the caller waits for a job that stands in its way, and looks again meanwhile. */
const SETTLE_MS = 1_000;
const SETTLE_STEP_MS = 20;

/** A search, wherever it is done. */
class SearchJob implements Job {
  readonly index: AttachedIndex;
  readonly search: IndexSearch;
  readonly #here: () => Candidates;
  readonly #resolve: (found: Candidates) => void;
  readonly #reject: (error: unknown) => void;
  readonly #again: (job: SearchJob) => void;

  constructor(
    index: AttachedIndex,
    search: IndexSearch,
    ends: {
      readonly here: () => Candidates;
      readonly resolve: (found: Candidates) => void;
      readonly reject: (error: unknown) => void;
      readonly again: (job: SearchJob) => void;
    },
  ) {
    this.index = index;
    this.search = search;
    this.#here = ends.here;
    this.#resolve = ends.resolve;
    this.#reject = ends.reject;
    this.#again = ends.again;
  }

  ended(slot: Slot, done: boolean): void {
    // What failed there tells here why.
    if (done) this.#finish(() => getCandidates(slot));
    else this.runHere();
  }

  lost(): void {
    this.#again(this);
  }

  runHere(): void {
    this.#finish(this.#here);
  }

  #finish(find: () => Candidates): void {
    try {
      this.#resolve(find());
    } catch (error) {
      this.#reject(error);
    }
    this.index.ended();
  }
}

export class SearchPool implements DatabaseThreads {
  readonly count: number;
  readonly #host: ThreadHost;
  readonly #pool: ArenaPool;
  readonly #arena: Arena;
  readonly #slots: JobSlots;
  readonly #handed: HandedJobs;
  #pending: SearchJob[] = [];
  readonly #alive: Set<number>;
  #lastNumber = 0;
  #turnDue = false;
  /** Jobs that came since the last turn. */
  #added = 0;
  #idleTurns = 0;
  #held = false;
  #closed = false;

  /** `arena`: of shared memory, given out by the pool, and this one's from now on. */
  constructor(host: ThreadHost, pool: ArenaPool, arena: Arena) {
    this.count = host.count;
    this.#host = host;
    this.#pool = pool;
    this.#arena = arena;
    JobSlots.clear(arena);
    const payloadBytes = arena.arenaClass;
    this.#slots = new JobSlots(arena.memory, payloadBytes);
    this.#handed = new HandedJobs(this.#slots);
    this.#alive = new Set(Array.from({ length: host.count }, (_, i) => i + 1));
    host.start(
      { memory: arena.memory, payloadBytes },
      { woken: () => this.#soon(), ended: (thread) => this.#ended(thread) },
    );
  }

  attach({ arena, directory, ranks }: SharedIndex): ThreadedIndex {
    const index = ++this.#lastNumber;
    const { memory, arenaClass } = arena;
    this.#tell({ say: 'attach', index, memory, arenaClass, directory, ranks });
    return new AttachedIndex(index, {
      search: (job) => this.#add(job),
      settle: (attached) => this.#settle(attached),
      forget: () => this.#tell({ say: 'detach', index }),
    });
  }

  lend(arena: Arena, scratch: CallScratch): LentArena {
    const number = ++this.#lastNumber;
    const { memory, arenaClass } = arena;
    this.#tell({ say: 'lend', arena: number, memory, arenaClass, scratch });
    const host = {
      slots: this.#slots,
      handed: this.#handed,
      alive: () => this.#alive.size,
      arena: number,
      forget: () => this.#tell({ say: 'detach', index: number }),
    };
    return new SharedCalls(host, arena, scratch);
  }

  /** Ends the threads. Requires: no search is under way, and none is asked for afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    Atomics.store(this.#slots.words, STOP, 1);
    this.#slots.signal();
    await this.#host.close();
    this.#pool.release(this.#arena);
  }

  #tell(message: Parameters<ThreadHost['post']>[0]): void {
    if (this.#closed) return;
    this.#host.post(message);
    Atomics.add(this.#slots.words, MESSAGES, 1);
    this.#slots.signal();
  }

  #add(job: SearchJob): void {
    this.#pending.push(job);
    this.#added++;
    this.#soon();
  }

  #soon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#host.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnDue = false;
    this.#hold(false);
    let done = this.#handed.collect();
    const isBusy = this.#added > 1;
    this.#added = 0;
    const isAlone = this.#pending.length === 1 && this.#handed.count === 0;
    for (let own = 0; own < OWN_AT_ONCE; own++) {
      if (!isAlone) this.#handOver();
      // What others still have to begin is left to them while there is more to come.
      const job = this.#pending.shift() ?? (isBusy ? undefined : this.#takeBack());
      if (job === undefined) break;
      job.runHere();
      done += 1 + this.#handed.collect();
    }
    this.#goOn(done > 0);
  }

  #goOn(somethingDone: boolean): void {
    this.#idleTurns = somethingDone ? 0 : this.#idleTurns + 1;
    if (this.#pending.length === 0 && this.#handed.count === 0) return;
    if (this.#idleTurns < IDLE_TURNS) {
      this.#soon();
      return;
    }
    this.#handed.askToBeWoken();
    // Whatever ended before that is told by nobody.
    if (this.#handed.collect() > 0) this.#soon();
    else this.#hold(true);
  }

  #hold(held: boolean): void {
    if (this.#held !== held) this.#host.hold(held);
    this.#held = held;
  }

  /** As many as the threads have to do for a while, the first first. What fits no slot is left. */
  #handOver(): void {
    const room = this.#alive.size * (1 + WAITING_EACH);
    let given = 0;
    for (let at = 0; at < this.#pending.length && this.#handed.count < room;) {
      const slot = this.#handed.freeSlot();
      if (slot === undefined) break;
      const place = this.#slots.slots[slot]!;
      const job = this.#pending[at]!;
      if (!fits(place, job.search)) {
        at++;
        continue;
      }
      this.#pending.splice(at, 1);
      putSearch(place, job.index.number, job.search);
      this.#handed.hand(slot, job);
      given++;
    }
    if (given > 0) this.#slots.signal(given);
  }

  /** A search that no thread has begun. */
  #takeBack(): SearchJob | undefined {
    for (const [slot, job] of this.#handed) {
      if (job instanceof SearchJob && this.#handed.tryTakeBack(slot)) return job;
    }
    return undefined;
  }

  /** Ends the searches of an index, unless one takes very long. */
  #settle(index: AttachedIndex): void {
    const waiting = this.#pending.filter((job) => job.index === index);
    this.#pending = this.#pending.filter((job) => job.index !== index);
    const of = (job: Job): job is SearchJob => job instanceof SearchJob && job.index === index;
    for (const [slot, job] of this.#handed) if (of(job) && this.#handed.tryTakeBack(slot)) waiting.push(job);
    for (const job of waiting) job.runHere();
    for (const [slot, job] of this.#handed) {
      if (!of(job)) continue;
      for (let ms = 0; ms < SETTLE_MS && this.#handed.isBegun(slot); ms += SETTLE_STEP_MS)
        this.#handed.wait(slot, SETTLE_STEP_MS);
    }
    this.#handed.collect();
  }

  /** A thread has ended by itself, out of memory for one: what it had begun is done here, and the others go on. */
  #ended(thread: number): void {
    this.#alive.delete(thread);
    this.#handed.threadEnded(thread);
    this.#soon();
  }
}

interface IndexOwner {
  readonly search: (job: SearchJob) => void;
  readonly settle: (index: AttachedIndex) => void;
  readonly forget: () => void;
}

class AttachedIndex implements ThreadedIndex {
  readonly number: number;
  readonly #owner: IndexOwner;
  #underWay = 0;
  /** Of an index that has left. */
  #free: (() => void) | undefined;
  #left = false;

  constructor(number: number, owner: IndexOwner) {
    this.number = number;
    this.#owner = owner;
  }

  search(search: IndexSearch, here: () => Candidates): Promise<Candidates> {
    this.#underWay++;
    return new Promise((resolve, reject) => {
      const again = (job: SearchJob): void => this.#owner.search(job);
      again(new SearchJob(this, search, { here, resolve, reject, again }));
    });
  }

  detach(free: () => void): boolean {
    this.#free = free;
    this.#owner.settle(this);
    return this.#tryLeave();
  }

  ended(): void {
    this.#underWay--;
    this.#tryLeave();
  }

  #tryLeave(): boolean {
    if (this.#free === undefined) return this.#left;
    if (this.#underWay > 0) return false;
    const free = this.#free;
    this.#free = undefined;
    this.#left = true;
    this.#owner.forget();
    free();
    return true;
  }
}
