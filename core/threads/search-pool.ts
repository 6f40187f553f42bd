/**
 * The caller's side of the threads: who searches what. A search is begun, which lets the threads have it, and its answer is taken later
 * in the order that the caller likes: what no thread has begun by then is searched by the caller, and while a thread is at it the
 * caller searches what was begun after it. So nobody is told of an answer, nobody waits while there is something to search, and one
 * search alone is the caller's.
 */
import type {
  BegunSearch,
  Candidates,
  DatabaseThreads,
  IndexSearch,
  SearchGroup,
  SharedIndex,
  ThreadedIndex,
} from '../engine/index.js';
import type { Arena, ArenaPool, CallScratch, LentArena } from '../kernel/index.js';
import { HandedJobs } from './handed-jobs.js';
import { JobSlots, MESSAGES, STOP } from './job-slots.js';
import type { ThreadHost } from './messages.js';
import { PoolSearch } from './pool-search.js';
import { QueryGroups } from './query-groups.js';
import type { QueryGroup } from './query-groups.js';
import { fits, putSearch } from './search-job.js';
import { SharedCalls } from './shared-calls.js';

/** Jobs that wait for each thread beside the one that it does: the caller gives more each time that it begins or ends a search. */
const WAITING_EACH = 4;
/** How long a thread may take for a search, before the caller does it, too: it may have ended in the middle. */
const LATE_MS = 1_000;
/** Until the caller looks again whether the thread is still there. */
const WAIT_MS = 20;

export class SearchPool implements DatabaseThreads {
  readonly count: number;
  readonly #host: ThreadHost;
  readonly #pool: ArenaPool;
  readonly #arena: Arena;
  readonly #slots: JobSlots;
  readonly #handed: HandedJobs;
  /** Begun, and with no thread yet. */
  #waiting: PoolSearch[] = [];
  readonly #alive: Set<number>;
  #lastNumber = 0;
  readonly #groups: QueryGroups;
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
    this.#groups = new QueryGroups({
      threads: () => 1 + this.#alive.size,
      collect: () => this.#handed.collect(),
      soon: (run) => host.soon(run),
    });
    host.start({ memory: arena.memory, payloadBytes }, { ended: (thread) => this.#ended(thread) });
  }

  attach({ arena, directory, ranks }: SharedIndex): ThreadedIndex {
    const index = ++this.#lastNumber;
    const { memory, arenaClass } = arena;
    this.#tell({ say: 'attach', index, memory, arenaClass, directory, ranks });
    return new AttachedIndex(index, {
      begin: (search) => this.#begin(search),
      take: (search) => this.#take(search),
      isBegun: (slot) => this.#handed.isBegun(slot),
      settle: (attached) => this.#settle(attached),
      forget: () => this.#tell({ say: 'detach', index }),
    });
  }

  group(): SearchGroup {
    return this.#groups.make();
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

  #begin(search: PoolSearch): void {
    if (!fits(this.#slots.slots[0]!, search.wanted)) return;
    this.#waiting.push(search);
    this.#handOver();
  }

  /** Ensures: it has ended. */
  #take(search: PoolSearch): void {
    for (let waitedMs = 0; !search.hasEnded;) {
      const { slot } = search;
      if (slot === undefined) {
        const at = this.#waiting.indexOf(search);
        if (at >= 0) this.#waiting.splice(at, 1);
        this.#runHere(search);
      } else if (this.#handed.tryTakeBack(slot)) {
        search.takenBack();
        this.#runHere(search);
      } else if (!this.#handed.tryCollect(slot)) {
        const other = this.#waiting.pop() ?? this.#takeBackNewest();
        if (other !== undefined) this.#runHere(other);
        else if (waitedMs >= LATE_MS) search.runHere();
        else {
          this.#handed.wait(slot, WAIT_MS);
          waitedMs += WAIT_MS;
        }
      }
    }
    this.#handOver();
  }

  /** The threads have enough to do meanwhile. */
  #runHere(search: PoolSearch): void {
    this.#handOver();
    search.runHere();
  }

  /** As many as the threads have to do for a while, the first first. */
  #handOver(): void {
    // One alone waits for whoever comes next, or for the caller.
    if (this.#waiting.length === 0 || this.#waiting.length + this.#handed.count < 2) return;
    const room = this.#alive.size * (1 + WAITING_EACH);
    this.#handed.collect();
    let given = 0;
    while (this.#waiting.length > 0 && this.#handed.count < room) {
      const slot = this.#handed.freeSlot();
      if (slot === undefined) break;
      const search = this.#waiting.shift()!;
      putSearch(this.#slots.slots[slot]!, search.index.number, search.wanted);
      search.handed(slot);
      this.#handed.hand(slot, search);
      given++;
    }
    if (given > 0) this.#slots.signal(given);
  }

  #takeBackNewest(): PoolSearch | undefined {
    const slot = this.#handed.newestWaiting();
    const job = slot === undefined ? undefined : this.#handed.at(slot);
    if (!(job instanceof PoolSearch) || !this.#handed.tryTakeBack(slot!)) return undefined;
    job.takenBack();
    return job;
  }

  /** Ends the searches of an index, unless one takes very long. */
  #settle(index: AttachedIndex): void {
    const mine = this.#waiting.filter((search) => search.index === index);
    this.#waiting = this.#waiting.filter((search) => search.index !== index);
    for (const [slot, job] of this.#handed) {
      if (!(job instanceof PoolSearch) || job.index !== index || !this.#handed.tryTakeBack(slot)) continue;
      job.takenBack();
      mine.push(job);
    }
    for (const search of mine) search.runHere();
    for (const [slot, job] of this.#handed) {
      if (!(job instanceof PoolSearch) || job.index !== index) continue;
      for (let ms = 0; ms < LATE_MS && this.#handed.isBegun(slot); ms += WAIT_MS)
        this.#handed.wait(slot, WAIT_MS);
    }
    this.#handed.collect();
  }

  /** A thread has ended by itself, out of memory for one: what it had begun is done here, and the others go on. */
  #ended(thread: number): void {
    this.#alive.delete(thread);
    this.#handed.threadEnded(thread);
  }
}

interface IndexOwner {
  readonly begin: (search: PoolSearch) => void;
  readonly take: (search: PoolSearch) => void;
  readonly isBegun: (slot: number) => boolean;
  readonly settle: (index: AttachedIndex) => void;
  readonly forget: () => void;
}

class AttachedIndex implements ThreadedIndex {
  readonly number: number;
  readonly #owner: IndexOwner;
  /** Searches that are with the threads. */
  #withThreads = 0;
  /** Of an index that has left. */
  #free: (() => void) | undefined;
  #left = false;

  constructor(number: number, owner: IndexOwner) {
    this.number = number;
    this.#owner = owner;
  }

  begin(wanted: IndexSearch, here: () => Candidates, group?: SearchGroup): BegunSearch {
    const { take, isBegun } = this.#owner;
    const search = new PoolSearch(this, { wanted, here, take, isBegun });
    // Whoever made it: nobody else's comes here.
    (group as QueryGroup | undefined)?.add(search);
    this.#owner.begin(search);
    return search;
  }

  detach(free: () => void): boolean {
    this.#free = free;
    this.#owner.settle(this);
    return this.#tryLeave();
  }

  handed(): void {
    this.#withThreads++;
  }

  back(): void {
    this.#withThreads--;
    this.#tryLeave();
  }

  #tryLeave(): boolean {
    if (this.#free === undefined) return this.#left;
    if (this.#withThreads > 0) return false;
    const free = this.#free;
    this.#free = undefined;
    this.#left = true;
    this.#owner.forget();
    free();
    return true;
  }
}
