/**
 * The caller's side of the threads: who searches what. Whatever is asked waits for the caller's next turn; then, where it is alone,
 * it is searched by the caller's own thread, to which nothing has to be told; else it is handed to the others, and the caller takes of
 * what they leave. So one query waits for nobody, and many keep all threads at work.
 */
import type { Candidates, DatabaseThreads, IndexSearch, SharedIndex, ThreadedIndex } from '../engine/index.js';
import type { Arena, ArenaPool } from '../kernel/index.js';
import { CALLER_WAITS, DONE, FAILED, FREE, JobSlots, MESSAGES, READY, SLOTS, STOP, TAKEN } from './job-slots.js';
import type { ThreadHost } from './messages.js';
import { fits, getCandidates, putSearch } from './search-job.js';

/** Jobs that wait for each thread beside the one that it does: it need not wait for the caller's next turn. */
const WAITING_EACH = 2;
/** Of the caller's own in one turn, between which others have theirs. */
const OWN_AT_ONCE = 4;
/** Turns in which nothing happens, before the caller asks to be woken: that takes longer than most jobs. */
const IDLE_TURNS = 64;
/** How long the caller waits for a job that stands in its way, and looks again meanwhile. */
const SETTLE_MS = 1_000;
const SETTLE_STEP_MS = 20;

interface Job {
  readonly index: AttachedIndex;
  readonly search: IndexSearch;
  readonly here: () => Candidates;
  readonly resolve: (found: Candidates) => void;
  readonly reject: (error: unknown) => void;
}

export class SearchPool implements DatabaseThreads {
  readonly count: number;
  readonly #host: ThreadHost;
  readonly #pool: ArenaPool;
  readonly #arena: Arena;
  readonly #slots: JobSlots;
  /** With the threads, by slot. */
  readonly #handed: (Job | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #pending: Job[] = [];
  readonly #alive: Set<number>;
  #lastIndex = 0;
  #turnDue = false;
  /** Jobs that came since the last turn. */
  #added = 0;
  #idleTurns = 0;
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
    this.#alive = new Set(Array.from({ length: host.count }, (_, i) => i + 1));
    host.start(
      { memory: arena.memory, payloadBytes },
      { woken: () => this.#soon(), ended: (thread) => this.#ended(thread) },
    );
  }

  attach({ arena, directory, ranks }: SharedIndex): ThreadedIndex {
    const index = ++this.#lastIndex;
    const { memory, arenaClass } = arena;
    this.#tell({ say: 'attach', index, memory, arenaClass, directory, ranks });
    return new AttachedIndex(index, {
      search: (job) => this.#add(job),
      settle: (attached) => this.#settle(attached),
      forget: () => this.#tell({ say: 'detach', index }),
    });
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

  #add(job: Job): void {
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
    this.#host.hold(false);
    let done = this.#collect();
    const isBusy = this.#added > 1;
    this.#added = 0;
    const isAlone = this.#pending.length === 1 && !this.#isUnderWay();
    for (let own = 0; own < OWN_AT_ONCE; own++) {
      if (!isAlone) this.#handOver();
      // What others still have to begin is left to them while there is more to come.
      const job = this.#pending.shift() ?? (isBusy ? undefined : this.#takeBack());
      if (job === undefined) break;
      runHere(job);
      done += 1 + this.#collect();
    }
    this.#goOn(done > 0);
  }

  #goOn(somethingDone: boolean): void {
    this.#idleTurns = somethingDone ? 0 : this.#idleTurns + 1;
    if (this.#pending.length === 0 && !this.#isUnderWay()) return;
    if (this.#idleTurns < IDLE_TURNS) {
      this.#soon();
      return;
    }
    Atomics.store(this.#slots.words, CALLER_WAITS, 1);
    // Whatever ended before that is told by nobody.
    if (this.#collect() > 0) this.#soon();
    else this.#host.hold(true);
  }

  #isUnderWay(): boolean {
    return this.#handed.some((job) => job !== undefined);
  }

  /** As many as the threads have to do for a while, the first first. What fits no slot is left. */
  #handOver(): void {
    const room = this.#alive.size * (1 + WAITING_EACH);
    let taken = this.#handed.reduce((count, job) => count + Number(job !== undefined), 0);
    let given = 0;
    for (let slot = 0; slot < SLOTS && taken < room; slot++) {
      if (this.#handed[slot] !== undefined) continue;
      const next = this.#pending.findIndex(({ search }) => fits(this.#slots.slots[slot]!, search));
      if (next < 0) break;
      const [job] = this.#pending.splice(next, 1);
      putSearch(this.#slots.slots[slot]!, job!.index.number, job!.search);
      this.#handed[slot] = job;
      this.#slots.put(slot, READY);
      taken++;
      given++;
    }
    if (given > 0) this.#slots.signal(given);
  }

  /** Takes the answers that are there, and answers how many. */
  #collect(): number {
    let count = 0;
    for (const [slot, job] of this.#handed.entries()) {
      if (job === undefined) continue;
      const state = this.#slots.state(slot);
      if (state !== DONE && state !== FAILED) continue;
      const found = state === DONE ? getCandidates(this.#slots.slots[slot]!) : undefined;
      this.#free(slot);
      if (found === undefined) runHere(job);
      else finish(job, found);
      count++;
    }
    return count;
  }

  #free(slot: number): void {
    this.#handed[slot] = undefined;
    this.#slots.put(slot, FREE);
  }

  /** A job that no thread has begun. */
  #takeBack(): Job | undefined {
    for (let slot = 0; slot < SLOTS; slot++) {
      const job = this.#tryTakeBack(slot);
      if (job !== undefined) return job;
    }
    return undefined;
  }

  #tryTakeBack(slot: number): Job | undefined {
    const job = this.#handed[slot];
    if (job === undefined || !this.#slots.tryChange(slot, READY, FREE)) return undefined;
    this.#handed[slot] = undefined;
    return job;
  }

  /** Ends the searches of an index, unless one takes very long. */
  #settle(index: AttachedIndex): void {
    const waiting = this.#pending.filter((job) => job.index === index);
    this.#pending = this.#pending.filter((job) => job.index !== index);
    for (const [slot, job] of this.#handed.entries()) {
      if (job?.index !== index) continue;
      const back = this.#tryTakeBack(slot);
      if (back !== undefined) waiting.push(back);
    }
    for (const job of waiting) runHere(job);
    for (const [slot, job] of this.#handed.entries()) {
      if (job?.index !== index) continue;
      for (let ms = 0; ms < SETTLE_MS; ms += SETTLE_STEP_MS) {
        const state = this.#slots.state(slot);
        if (state < TAKEN) break;
        this.#slots.wait(slot, state, SETTLE_STEP_MS);
      }
    }
    this.#collect();
  }

  /** A thread has ended by itself, out of memory for one: what it had begun is done here, and the others go on. */
  #ended(thread: number): void {
    this.#alive.delete(thread);
    for (const [slot, job] of this.#handed.entries()) {
      if (job === undefined || this.#slots.state(slot) !== TAKEN + thread) continue;
      this.#free(slot);
      this.#pending.push(job);
    }
    this.#soon();
  }
}

function runHere(job: Job): void {
  try {
    finish(job, job.here());
  } catch (error) {
    job.index.ended();
    job.reject(error);
  }
}

function finish({ index, resolve }: Job, found: Candidates): void {
  index.ended();
  resolve(found);
}

interface IndexOwner {
  readonly search: (job: Job) => void;
  readonly settle: (index: AttachedIndex) => void;
  readonly forget: () => void;
}

class AttachedIndex implements ThreadedIndex {
  readonly number: number;
  readonly #owner: IndexOwner;
  #underWay = 0;
  /** Of an index that has left. */
  #free: (() => void) | undefined;

  constructor(number: number, owner: IndexOwner) {
    this.number = number;
    this.#owner = owner;
  }

  search(search: IndexSearch, here: () => Candidates): Promise<Candidates> {
    this.#underWay++;
    return new Promise((resolve, reject) => this.#owner.search({ index: this, search, here, resolve, reject }));
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

  #left = false;
}
