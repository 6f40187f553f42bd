/**
 * Who searches what, by the hands of a thread that the test plays, on the slots of a real shared memory: it takes what it wants and ends
 * it when the test wants that. What real threads find is in the other suites.
 */
import { beforeEach, expect, test } from 'vitest';
import type { BegunSearch, Candidates, SearchGroup } from '../../core/engine/index.js';
import type { ThreadEvents } from '../../core/threads/index.js';
import { DONE, FAILED, JobSlots, READY, SLOTS, TAKEN } from '../../core/threads/job-slots.js';
import { putCandidates } from '../../core/threads/search-job.js';
import { SearchPool } from '../../core/threads/search-pool.js';
import { Kernel, compileEmbeddedKernel } from '../../core/kernel/index.js';
import type { Arena } from '../../core/kernel/index.js';
import { plainBase64, relaxedBase64 } from '../../core/threads/adapters/node/wasm-bytes.generated.js';

const module = await compileEmbeddedKernel('plain', { plain: plainBase64, relaxed: relaxedBase64 });
const kernel = new Kernel(module, { memoryBudgetBytes: 64 * 1024 * 1024, shared: true });

let arena: Arena;
let slots: JobSlots;
let pool: SearchPool;
let events: ThreadEvents;
let turns: (() => void)[];
/** Searches that the caller has done, by name. */
let here: number[];

beforeEach(() => {
  arena = kernel.pool.acquire(1_048_576);
  turns = [];
  here = [];
  const host = {
    count: 1,
    start: (_: unknown, given: ThreadEvents) => (events = given),
    post: () => {},
    soon: (run: () => void) => turns.push(run),
    close: () => Promise.resolve(),
  };
  pool = new SearchPool(host, kernel.pool, arena);
  slots = new JobSlots(arena.memory, arena.arenaClass);
  return () => pool.close();
});

function found(name: number): Candidates {
  const [rows, ranks] = [Uint32Array.of(name), Uint32Array.of(name)];
  return { rows, ranks, distances: undefined, visited: 1 };
}

function attach() {
  // No thread is there that would look at it.
  return pool.attach({ arena, directory: undefined as never, ranks: 0 });
}

/** Searches number `first` to `first + count` - 1, which the caller finds with a `by` of its own. */
function begin(
  count: number,
  index = attach(),
  meanwhile?: (name: number) => void,
  { first, group }: { readonly first: number; readonly group?: SearchGroup } = { first: 0 },
): BegunSearch[] {
  return Array.from({ length: count }, (_, i) => {
    const name = first + i;
    const wanted = {
      ...{ query: Float32Array.of(name), k: 1, allowed: undefined, count: 1 },
      effort: { kind: 'scan', rerank: 1 } as const,
    };
    const search = (): Candidates => {
      here.push(name);
      meanwhile?.(name);
      return found(name);
    };
    return index.begin(wanted, search, group);
  });
}

function take(slot: number): boolean {
  return slots.tryChange(slot, READY, TAKEN + 1);
}

function end(slot: number, name: number): void {
  putCandidates(slots.slots[slot]!, found(100 + name));
  slots.end(slot, DONE);
}

const ready = (): number[] =>
  Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => slots.state(slot) === READY);
const rowOf = (search: BegunSearch): number => search.candidates().rows[0]!;

test('one alone is the caller’s, and no thread hears of it', () => {
  const [search] = begin(1);
  expect(ready()).toEqual([]);
  expect(rowOf(search!)).toBe(0);
  expect(rowOf(search!)).toBe(0);
  expect(here).toEqual([0]);
});

test('of many a few are handed over, in their order, and more as these end', () => {
  const searches = begin(20);
  const first = ready();
  expect(first.length).toBeGreaterThan(1);
  expect(first.length).toBeLessThan(20);
  first.forEach((slot, name) => {
    expect(slots.slots[slot]!.f32[0]).toBe(name);
    take(slot);
    end(slot, name);
  });
  expect(rowOf(searches[0]!)).toBe(100);
  expect(ready()).toHaveLength(first.length);
  // What no thread begins is the caller's.
  expect(searches.slice(1).map(rowOf)).toEqual([
    ...first.slice(1).map((_, i) => 101 + i),
    ...Array.from({ length: 20 - first.length }, (_, i) => first.length + i),
  ]);
  expect(here).toHaveLength(20 - first.length);
});

test('while a thread is at one, the caller searches what was begun last', () => {
  const searches = begin(8, undefined, (name) => name === 4 && end(0, 0));
  // Some are handed over, others wait for that.
  expect(ready().length).toBeLessThan(7);
  expect(take(0)).toBe(true);
  expect(rowOf(searches[0]!)).toBe(100);
  expect(here).toEqual([7, 6, 5, 4]);
  expect(searches.slice(1).map(rowOf)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('one that a thread could not do, and one whose thread has ended, are the caller’s', () => {
  const index = attach();
  const searches = begin(3, index);
  expect(take(0) && take(1)).toBe(true);
  slots.end(0, FAILED);
  events.ended(1);
  expect(searches.map(rowOf)).toEqual([0, 1, 2]);
  expect(index.detach(() => {})).toBe(true);
});

test('an index that a thread does not leave stays until that has ended, and is searched here before it goes', () => {
  const index = attach();
  const searches = begin(2, index);
  expect(take(0)).toBe(true);
  expect(index.detach(() => here.push(-1))).toBe(false);
  expect(here).toEqual([1]);
  events.ended(1);
  expect(here).toEqual([1, 0, -1]);
  expect(searches.map(rowOf)).toEqual([0, 1]);
});

test('what the caller cannot find says why, each time that it is asked', () => {
  const [search] = begin(1, undefined, () => {
    throw new Error('no such row');
  });
  expect(() => search!.candidates()).toThrow('no such row');
  expect(() => search!.candidates()).toThrow('no such row');
  expect(here).toEqual([0]);
});

test('an index leaves when what is begun has been searched, and the answers are there afterwards', () => {
  const index = attach();
  const searches = begin(12, index, (name) => name === 11 && end(0, 0));
  const others = begin(1);
  expect(take(0)).toBe(true);
  let freed = 0;
  expect(index.detach(() => freed++)).toBe(true);
  expect(freed).toBe(1);
  expect(here.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
  expect(searches.map(rowOf)).toEqual([100, ...Array.from({ length: 11 }, (_, i) => i + 1)]);
  expect(others.map(rowOf)).toEqual([0]);
});

/** Queries of one search each, whose ends are heard of in `order`. */
function endLater(count: number, index = attach()): { readonly order: number[] } {
  const order: number[] = [];
  for (let name = 0; name < count; name++) {
    const group = pool.group();
    const [search] = begin(1, index, undefined, { first: name, group });
    group.endLater(() => {
      search!.candidates();
      order.push(name);
    });
  }
  return { order };
}

function nextTurn(): void {
  turns.splice(0).forEach((turn) => turn());
}

test('a group of which nothing is to be found has no end to wait for', () => {
  const group = pool.group();
  expect(group.isFound).toBe(true);
  const [search] = begin(1, undefined, undefined, { first: 0, group });
  expect(group.isFound).toBe(false);
  search!.candidates();
  expect(group.isFound).toBe(true);
  expect(turns).toEqual([]);
});

test('queries of one turn are begun before one of them ends, and one turn is enough for a few', () => {
  const { order } = endLater(3);
  expect(turns).toHaveLength(1);
  expect([order, here]).toEqual([[], []]);
  nextTurn();
  expect(order).toEqual([0, 1, 2]);
  expect(turns).toEqual([]);
});

test('what threads have found ends first, and what a thread is at is passed over', () => {
  const { order } = endLater(12);
  expect(ready()).toHaveLength(5);
  for (const slot of [1, 2, 3, 4]) expect(take(slot)).toBe(true);
  for (const slot of [3, 1, 2]) end(slot, slot);
  nextTurn();
  expect(order).toEqual([1, 2, 3, 0, 5, 6, 7, 8]);
  expect(here).toEqual([0, 5, 6, 7, 8]);
});

test('while threads find enough, the caller searches nothing', () => {
  const { order } = endLater(12);
  for (const slot of [0, 1, 2, 3, 4]) expect(take(slot)).toBe(true);
  for (const slot of [0, 1, 2, 3, 4]) end(slot, slot);
  // More are handed over as these are heard of.
  const [another] = begin(1, undefined, undefined, { first: 12 });
  for (const slot of ready()) {
    expect(take(slot)).toBe(true);
    end(slot, slot);
  }
  nextTurn();
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(here).toEqual([]);
  another!.candidates();
});

test('of many some end in each turn, so that others are begun between', () => {
  const { order } = endLater(20);
  let rounds = 0;
  for (; turns.length > 0 && rounds < 100; rounds++) nextTurn();
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(rounds).toBeGreaterThan(2);
});

test('a query whose thread takes very long is passed over for a while, then it is the caller’s', () => {
  const index = attach();
  const { order } = endLater(2, index);
  expect(take(0)).toBe(true);
  const begun = performance.now();
  let turn = 0;
  for (; !order.includes(0) && turn < 1_000; turn++) {
    // Others come and end.
    const group = pool.group();
    const [other] = begin(1, index, undefined, { first: 100 + turn, group });
    group.endLater(() => other!.candidates());
    nextTurn();
  }
  expect(turn).toBeGreaterThan(20);
  expect(performance.now() - begun).toBeLessThan(900);
  expect(here.filter((name) => name < 100)).toEqual([1, 0]);
});
