/**
 * Reuses arenas and keeps their bytes within a budget. A released arena stays with the pool and serves the next
 * request of its class, so that a load needs no fresh memory: the garbage collector frees WebAssembly memories late
 * (dropping 32 MiB ones peaked at 170 MiB where one reused memory stayed at 74).
 *
 * An arena comes back with whatever its last user left in it.
 */
import { CairnError, assertInternal } from '../base/errors.js';
import { MemoryAccount } from '../base/memory-account.js';
import { Arena, freshPlace } from './arena.js';
import type { KernelModule } from './kernel-module.js';
import { arenaBytes, arenaClasses, type ArenaClass } from './layout.js';

export interface ArenaPoolUsage {
  /** Bytes of arenas given out. */
  readonly usedBytes: number;
  /** Bytes of arenas that wait for reuse. */
  readonly idleBytes: number;
  readonly budgetBytes: number;
}

/** Memory outside of the pool that counts for the same budget and gives way to arenas. */
export interface PoolTenant {
  readonly bytes: () => number;
  /** Leaves no more than so many bytes, where that can be. */
  readonly trim: (bytes: number) => void;
  /** What no arena may take of the budget: kept free for what cannot give way, or taken by it. */
  readonly reservedBytes: () => number;
}

export class ArenaPool {
  readonly budgetBytes: number;
  /** Of arenas, in use and idle; whoever shares the budget counts here too. */
  readonly account: MemoryAccount = new MemoryAccount();
  readonly #module: KernelModule;
  readonly #shared: boolean;
  readonly #idle = new Map<ArenaClass, Arena[]>();
  readonly #used = new Set<Arena>();
  #tenant: PoolTenant | undefined;
  #usedBytes = 0;
  #idleBytes = 0;

  /** `shared`: arenas of memory that threads share, which the module has to be made for. */
  constructor(module: KernelModule, budgetBytes: number, shared = false) {
    this.#module = module;
    this.#shared = shared;
    this.budgetBytes = budgetBytes;
    for (const arenaClass of arenaClasses) this.#idle.set(arenaClass, []);
  }

  /** From now on the tenant's bytes count. Arenas in use never make way for it: it asks what they leave. */
  shareWith(tenant: PoolTenant): void {
    this.#tenant = tenant;
  }

  /** What arenas may take together. */
  get roomBytes(): number {
    return this.budgetBytes - (this.#tenant?.reservedBytes() ?? 0);
  }

  usage(): ArenaPoolUsage {
    return { usedBytes: this.#usedBytes, idleBytes: this.#idleBytes, budgetBytes: this.budgetBytes };
  }

  /**
   * Gives out an arena of the class: an idle one, else a fresh one within the budget, else a fresh one in the place of
   * idle ones of other classes. Refuses where the arenas in use leave no room, before anything is allocated.
   */
  acquire(arenaClass: ArenaClass): Arena {
    const idle = this.#idle.get(arenaClass)?.pop();
    if (idle !== undefined) {
      this.#idleBytes -= idle.bytes;
      return this.#giveOut(idle);
    }
    const value = this.#usedBytes + arenaBytes(arenaClass);
    if (value > this.roomBytes) throw overBudget(value, this.roomBytes);
    this.#makeRoom(value);
    const arena = this.#create(arenaClass);
    this.account.take(arena.bytes);
    return this.#giveOut(arena);
  }

  /** Requires: the arena was given out by this pool, and nothing keeps a view of it. */
  release(arena: Arena): void {
    assertInternal(this.#used.delete(arena), 'an arena was released twice, or to a foreign pool');
    this.#usedBytes -= arena.bytes;
    this.#idleBytes += arena.bytes;
    this.#idle.get(arena.arenaClass)?.push(arena);
  }

  /** Whether it is the memory of an arena in use. */
  isInUse(memory: ArrayBufferLike): boolean {
    for (const { u8 } of this.#used) if (u8.buffer === memory) return true;
    return false;
  }

  /** Lets go of idle arenas, and has the tenant let go of what it can, so that so many bytes more stay within the budget. */
  makeRoom(bytes: number): void {
    this.#makeRoom(this.#usedBytes + bytes);
  }

  /** For `value` bytes in use. */
  #makeRoom(value: number): void {
    const taken = this.#tenant?.bytes() ?? 0;
    this.#dropIdle(value + this.#idleBytes + taken - this.budgetBytes);
    const over = value + this.#idleBytes + taken - this.budgetBytes;
    if (over > 0) this.#tenant?.trim(Math.max(0, taken - over));
  }

  #giveOut(arena: Arena): Arena {
    this.#used.add(arena);
    this.#usedBytes += arena.bytes;
    return arena;
  }

  #create(arenaClass: ArenaClass): Arena {
    try {
      return new Arena(this.#module, arenaClass, freshPlace(arenaClass, this.#shared));
    } catch (cause) {
      const bytes = arenaBytes(arenaClass);
      throw new CairnError('unavailable', 'out_of_memory', `the host refused ${bytes} bytes of memory`, {
        details: { value: bytes },
        cause,
      });
    }
  }

  /**
   * Lets at least `bytes` of idle arenas go, smallest class first: the one step that leaves memory to the garbage
   * collector. The alternative is to refuse work while the budget is held by arenas of the wrong size.
   */
  #dropIdle(bytes: number): void {
    let missing = bytes;
    for (const arenas of this.#idle.values()) {
      while (missing > 0) {
        const arena = arenas.pop();
        if (arena === undefined) break;
        this.#idleBytes -= arena.bytes;
        this.account.give(arena.bytes);
        missing -= arena.bytes;
      }
    }
  }
}

function overBudget(value: number, maximum: number): CairnError {
  return new CairnError(
    'unavailable',
    'memory_budget_exceeded',
    `the memory budget is exceeded: ${value} bytes would be in use, the maximum is ${maximum}`,
    { details: { value, maximum } },
  );
}
