/**
 * Jobs by the hands of a thread that the test plays: it takes slots of a real shared memory as a thread does, and ends, or does not, when
 * the test wants it to. What real threads do is in the other suites; in the middle of which job one ends is chance there.
 */
import { beforeEach, expect, test } from 'vitest';
import { HandedJobs } from '../../core/threads/handed-jobs.js';
import { DONE, FAILED, JobSlots, READY, SLOTS, TAKEN } from '../../core/threads/job-slots.js';
import { SharedCalls } from '../../core/threads/shared-calls.js';
import { Kernel, compileEmbeddedKernel } from '../../core/kernel/index.js';
import { plainBase64, relaxedBase64 } from '../../core/threads/adapters/node/wasm-bytes.generated.js';

const module = await compileEmbeddedKernel('plain', { plain: plainBase64, relaxed: relaxedBase64 });
const { pool } = new Kernel(module, { memoryBudgetBytes: 64 * 1024 * 1024, shared: true });
const arena = pool.acquire(1_048_576);

let slots: JobSlots;
let handed: HandedJobs;
let told: string[];

beforeEach(() => {
  JobSlots.clear(arena);
  slots = new JobSlots(arena.memory, arena.arenaClass);
  handed = new HandedJobs(slots);
  told = [];
});

function hand(name: string): number {
  const slot = handed.freeSlot()!;
  handed.hand(slot, {
    ended: (_, done) => told.push(`${name} ${done ? 'done' : 'failed'}`),
    lost: () => told.push(`${name} lost`),
  });
  return slot;
}

test('each ends once: done, failed, taken back by the caller, or lost with its thread', () => {
  const names = ['done', 'failed', 'back', 'with 1', 'with 2'];
  const at = names.map(hand);
  expect(new Set(at).size).toBe(5);
  for (const slot of [at[0]!, at[1]!, at[3]!]) expect(slots.tryChange(slot, READY, TAKEN + 1)).toBe(true);
  expect(slots.tryChange(at[4]!, READY, TAKEN + 2)).toBe(true);
  slots.end(at[0]!, DONE);
  slots.end(at[1]!, FAILED);
  expect(handed.collect()).toBe(2);
  expect(handed.tryTakeBack(at[2]!)).toBe(true);
  expect(handed.tryTakeBack(at[3]!)).toBe(false);
  expect(slots.tryChange(at[2]!, READY, TAKEN + 1)).toBe(false);
  handed.threadEnded(1);
  expect(told).toEqual(['done done', 'failed failed', 'with 1 lost']);
  expect([...handed].map(([slot]) => slot)).toEqual([at[4]]);
  handed.threadEnded(1);
  handed.threadEnded(2);
  expect(told.slice(3)).toEqual(['with 2 lost']);
  expect(handed.count).toBe(0);
});

test('there are so many slots, and each serves again', () => {
  for (let round = 0; round < 2; round++) {
    const at = Array.from({ length: SLOTS }, (_, i) => hand(`${i}`));
    expect(handed.freeSlot()).toBeUndefined();
    for (const slot of at) slots.end(slot, DONE);
    expect(handed.collect()).toBe(SLOTS);
  }
});

function shared(alive: number): SharedCalls {
  const host = { slots, handed, alive: () => alive, arena: 1, forget: () => told.push('forgotten') };
  return new SharedCalls(host, arena, { at: 131_072, bytes: 0 });
}

/** A kernel that does nothing, as there are no rows. */
const call = { name: 'chooseLinks', args: [131_072, 0] } as const;

test('calls that nobody begins are done by the caller', () => {
  let turns = 0;
  for (const _ of shared(2).all(Array.from({ length: 9 }, () => call))) turns++;
  expect(turns).toBe(9);
  expect(handed.count).toBe(0);
});

test('a call whose thread has ended in the middle fails all, and the arena can be taken back', () => {
  const calls = shared(1);
  const all = calls.all(Array.from({ length: 9 }, () => call));
  expect(all.next().done).toBe(false);
  const [slot] = [...handed].map(([at]) => at);
  expect(slots.tryChange(slot!, READY, TAKEN + 1)).toBe(true);
  handed.threadEnded(1);
  expect(() => {
    while (all.next().done !== true);
  }).toThrow(expect.objectContaining({ code: 'thread_lost' }) as Error);
  expect(calls.takeBack()).toBe(true);
  expect(told).toEqual(['forgotten']);
});
