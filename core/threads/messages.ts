/** What threads are told beside the jobs: which indexes and arenas there are, all numbered together, and where. */
import type { DirectoryOptions } from '../index/index.js';
import type { ArenaClass, CallScratch, KernelMemory, KernelModule } from '../kernel/index.js';

/** What a thread starts with. */
export interface ThreadStart {
  /** From 1 on. */
  readonly thread: number;
  readonly module: KernelModule;
  /** That of the slots. */
  readonly memory: KernelMemory;
  readonly payloadBytes: number;
}

export type ThreadMessage =
  | {
      readonly say: 'attach';
      readonly index: number;
      readonly memory: KernelMemory;
      readonly arenaClass: ArenaClass;
      readonly directory: DirectoryOptions;
      /** Address of the ranks. */
      readonly ranks: number;
    }
  | {
      readonly say: 'lend';
      readonly arena: number;
      readonly memory: KernelMemory;
      readonly arenaClass: ArenaClass;
      /** Of all threads. */
      readonly scratch: CallScratch;
    }
  | { readonly say: 'detach'; readonly index: number };

/** What the host of threads has to give: the one thing that a platform decides. */
export interface ThreadHost {
  readonly count: number;
  /** Starts all of them, once. */
  start(start: Omit<ThreadStart, 'thread' | 'module'>, events: ThreadEvents): void;
  /** To every thread that is alive. */
  post(message: ThreadMessage): void;
  /** Runs it when everything else that is ready has had its turn. */
  soon(run: () => void): void;
  /** Resolves when all have ended. Requires: they were told to stop. */
  close(): Promise<void>;
}

export interface ThreadEvents {
  readonly ended: (thread: number) => void;
}
