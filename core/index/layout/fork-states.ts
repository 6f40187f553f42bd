/** What each thread beside the caller's own is told of an index that they build together: the same, with scratch of its own. */
import { freeRowLocks, stateOffset } from '../../kernel/index.js';
import type { Arena } from '../../kernel/index.js';
import { stateOffsets } from './state.js';

/** Addresses of scratch, as far as they lie in it. */
const FIELDS = [
  ...(['weights', 'queryCodes', 'visited', 'pool', 'hop', 'values'] as const),
  ...(['middles', 'steps', 'weighed', 'fromMiddles', 'inverseSteps'] as const),
];
const STATE_BYTES = 256;

export interface ScratchBlock {
  readonly at: number;
  readonly bytes: number;
}

/** Makes states 1 to `count` of that of the caller. The thread's scratch lies at `forks`, one block after another. */
export function forkStates(arena: Arena, block: ScratchBlock, forks: number, count: number): void {
  const { u8, u32 } = arena;
  freeRowLocks(arena);
  for (let thread = 1; thread <= count; thread++) {
    const to = stateOffset(thread);
    const moved = forks + (thread - 1) * block.bytes - block.at;
    u8.copyWithin(to, arena.state, arena.state + STATE_BYTES);
    u8.copyWithin(block.at + moved, block.at, block.at + block.bytes);
    for (const field of FIELDS) {
      const word = (to + stateOffsets[field]) / 4;
      const address = u32[word]!;
      if (address >= block.at && address < block.at + block.bytes) u32[word] = address + moved;
    }
  }
}
