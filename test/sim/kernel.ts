/**
 * One kernel for all processes of all runs: it is pure computation in one thread. Memory that the dead held is taken
 * back after each run.
 */
import { hash } from 'node:crypto';
import { concatBytes } from '../../core/base/bytes.js';
import type { Digests } from '../../core/base/ports.js';
import type { Head } from '../../core/log/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';

type Pool = Kernel['pool'];
type Arena = ReturnType<Pool['acquire']>;

export const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1 << 30 });

const held = new Set<Arena>();
const { pool } = kernel;
const [acquire, release] = [pool.acquire.bind(pool), pool.release.bind(pool)];
pool.acquire = (arenaClass) => {
  const arena = acquire(arenaClass);
  held.add(arena);
  return arena;
};
pool.release = (arena) => {
  held.delete(arena);
  release(arena);
};

/** Nobody of the run that ended uses any memory any more. */
export function takeBackMemory(): void {
  for (const arena of held) release(arena);
  held.clear();
}

interface SeenHead {
  head: Head | undefined;
}

const HEADS_KEPT = 1_000;

/** Heads by their bytes: the simulator's build looks here before it parses one (`settings.mjs`). */
const seenHeads = new Map<string, SeenHead>();
const simHeads = {
  find(uid: string, bytes: Uint8Array): SeenHead {
    const id = uid + hash('md5', bytes);
    const known = seenHeads.get(id);
    if (known !== undefined) return known;
    if (seenHeads.size >= HEADS_KEPT) seenHeads.clear();
    const seen: SeenHead = { head: undefined };
    seenHeads.set(id, seen);
    return seen;
  },
};
Object.assign(globalThis, { simHeads });

/** SHA-256 from Node: hashing is not what this is about. */
export const digests: Digests = createDigests(kernel, (...parts) =>
  hash('sha256', parts.length === 1 ? parts[0]! : concatBytes(parts), 'buffer'),
);
