/**
 * Strategy: three processes work on one key of the file store, stopped at every named step of their writes and let go
 * in turns drawn from a seed; some crash at a step for good. What their calls answered, and what the key holds in the
 * end, must be explained by some order of the calls that respects which ended before which began. The same of every call
 * that is stalled once, at each of its steps, while another process makes every two calls.
 *
 * Every process has a store of its own on the same directory, so they meet on disk only. Reads of bystanders are not
 * part of it: core/store/adapters/node/generations.ts says what they may see while such calls overlap.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { utf8Decode, utf8Encode } from '../../core/base/bytes.js';
import { files } from '../../core/store/adapters/node/durable-files.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore, PutResult, StoreVersion } from '../../core/store/index.js';

const OPERATIONS = ['create', 'replace', 'swap', 'delete'] as const;
const PAIRS = OPERATIONS.flatMap((first) => OPERATIONS.map((second) => [first, second] as const));
type Operation = (typeof OPERATIONS)[number];

const INITIALS = ['absent', 'plain', 'swapped', 'deleted'] as const;
type Initial = (typeof INITIALS)[number];

/** One call of the history. `ended` is infinite for a call that never returned. */
interface Call {
  readonly operation: Operation;
  /** Body that it writes. */
  readonly writes: string;
  /** Body that a swap expects. */
  readonly expects: string;
  readonly began: number;
  ended: number;
  end: 'applied' | 'refused' | 'unknown';
}

interface Scenario {
  readonly initial: Initial;
  readonly programs: readonly (readonly Operation[])[];
  readonly schedule: readonly Turn[];
}

/**
 * One of those who are alive, by number, makes so many moves; of none it has crashed. Long turns matter: what goes wrong
 * is mostly one process that is stalled at a step while others do all of their work, which single moves hardly ever draw.
 */
interface Turn {
  readonly who: number;
  readonly moves: number;
}

const KEY = 'dir/one';

describe('interleavings of the file store', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-interleavings-'));
    // Nothing here cuts the power, and most of the time would be spent waiting for disks.
    vi.spyOn(files, 'fsync').mockResolvedValue();
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(directory, { recursive: true });
  });

  const program = fc.array(fc.constantFrom(...OPERATIONS), { minLength: 1, maxLength: 2 });
  const length = fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 20, arbitrary: fc.integer({ min: 1, max: 20 }) },
  );
  const turn = fc.record<Turn>({ who: fc.nat(5), moves: length });
  const scenario = fc.record<Scenario>({
    initial: fc.constantFrom(...INITIALS),
    programs: fc.array(program, { minLength: 2, maxLength: 3 }),
    schedule: fc.array(turn, { minLength: 30, maxLength: 30 }),
  });

  it('explains every history by an order of its calls', { timeout: 600_000 }, async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (drawn) => void (await check(join(directory, `${runs++}`), drawn))),
      { numRuns: 400 },
    );
    expect(runs).toBeGreaterThanOrEqual(400);
  });

  // A deletion that unlinked the object, looked for generations only then, and buried what others had made of the name.
  it('keeps a creation and a swap that were made while a deletion was stalled behind its removal', async () => {
    const schedule: readonly Turn[] = [
      { who: 0, moves: 1 },
      // Both creations have their bodies, the second one wins the name, the first one is refused.
      { who: 1, moves: 3 },
      { who: 2, moves: 4 },
      { who: 1, moves: Number.POSITIVE_INFINITY },
      // Process 1 is done: the second of those alive is process 2, with the rest of its creation and its swap.
      { who: 1, moves: Number.POSITIVE_INFINITY },
    ];
    const scene: Scenario = {
      initial: 'plain',
      programs: [['delete'], ['create'], ['create', 'swap']],
      schedule,
    };
    expect(await check(join(directory, 'stalled-deletion'), scene)).toBe(2);
  });

  // All there are: a seed comes upon the one that matters, such as the above, once in ten thousand.
  for (const initial of INITIALS) {
    for (const operation of OPERATIONS) {
      it(
        `explains two calls while a ${operation} of what is ${initial} is stalled at any step`,
        { timeout: 600_000 },
        async () => {
          let checked = 0;
          for (const others of PAIRS) {
            for (let stalled = true, moves = 1; stalled; moves++, checked++) {
              const schedule: readonly Turn[] = [
                { who: 0, moves },
                { who: 1, moves: Number.POSITIVE_INFINITY },
              ];
              const name = [initial, operation, ...others, moves].join('-');
              const drawn: Scenario = { initial, programs: [[operation], others], schedule };
              stalled = (await check(join(directory, name), drawn)) === 2;
            }
          }
          expect(checked).toBeGreaterThanOrEqual(PAIRS.length);
        },
      );
    }
  }
});

/** Answers how many processes the last turn of the schedule found alive. */
async function check(directory: string, scenario: Scenario): Promise<number> {
  const outside = await openFileStore(directory);
  const start = await prepare(outside, scenario.initial);
  const history: Call[] = [];
  let time = 0;
  const processes = await Promise.all(
    scenario.programs.map((program, index) =>
      Process.start(directory, async (store) => {
        let known = start;
        for (const [at, operation] of program.entries()) {
          const call: Call = {
            operation,
            writes: `${index}.${at}`,
            expects: known.body,
            began: time++,
            ended: Number.POSITIVE_INFINITY,
            end: 'unknown',
          };
          history.push(call);
          const put = await perform(store, call, known.version);
          call.end = put.status;
          if (put.status !== 'unknown') call.ended = time++;
          if (put.status === 'applied' && operation !== 'delete')
            known = { body: call.writes, version: put.version };
        }
      }),
    ),
  );
  const left = await drive(processes, scenario.schedule);
  const found = await outside.get(KEY);
  const final = found.status === 'found' ? utf8Decode(found.bytes) : '';
  const shown = JSON.stringify({ start: start.body, history, final });
  expect(isExplained(history, { state: start.body, final }), shown).toBe(true);
  expect(await outside.list(''), shown).toEqual(final === '' ? [] : [{ key: KEY, size: final.length }]);
  // Whatever was left behind by the dead, the key goes on working.
  const revived = await outside.put(KEY, utf8Encode('after'), { if: 'any' });
  expect(revived.status, shown).toBe('applied');
  expect(await outside.get(KEY), shown).toMatchObject({ status: 'found', bytes: utf8Encode('after') });
  return left;
}

/** "" stands for an absent key. */
async function prepare(
  store: ObjectStore,
  initial: Initial,
): Promise<{ readonly body: string; readonly version: StoreVersion }> {
  const never = 'never' as StoreVersion;
  if (initial === 'absent') return { body: '', version: never };
  let version = versionOf(await store.put(KEY, utf8Encode('plain'), { if: 'absent' }));
  if (initial === 'plain') return { body: 'plain', version };
  version = versionOf(await store.put(KEY, utf8Encode('swapped'), { if: { version } }));
  if (initial === 'swapped') return { body: 'swapped', version };
  await store.delete([KEY]);
  return { body: '', version: never };
}

function versionOf(put: PutResult): StoreVersion {
  if (put.status !== 'applied') throw new Error(`put was ${put.status}`);
  return put.version;
}

async function perform(store: ObjectStore, call: Call, version: StoreVersion): Promise<PutResult> {
  if (call.operation === 'delete') {
    await store.delete([KEY]);
    return { status: 'applied', version, modifiedMs: 0 };
  }
  const condition = { create: 'absent', replace: 'any', swap: { version } } as const;
  return store.put(KEY, utf8Encode(call.writes), { if: condition[call.operation] });
}

/** A program on a store of its own that stops at every step until it is let go. */
class Process {
  done = false;
  #onStopped: () => void = () => {};
  #onFailed: (error: unknown) => void = () => {};
  #go: () => void = () => {};

  static async start(directory: string, program: (store: ObjectStore) => Promise<void>): Promise<Process> {
    const process = new Process();
    const store = await openFileStore(directory, { onStep: () => process.#stop() });
    process.#go = () => {
      void process.#run(program(store));
    };
    return process;
  }

  /** Lets it run to its next step, or its end. */
  move(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onStopped = resolve;
      this.#onFailed = reject;
      this.#go();
    });
  }

  async #run(program: Promise<void>): Promise<void> {
    try {
      await program;
      this.done = true;
      this.#onStopped();
    } catch (error) {
      this.#onFailed(error);
    }
  }

  #stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#go = resolve;
      this.#onStopped();
    });
  }
}

/**
 * Follows the schedule, then lets everybody who has not crashed run to the end, one after another. Answers how many the
 * last turn found alive.
 */
async function drive(processes: readonly Process[], schedule: readonly Turn[]): Promise<number> {
  let alive = processes.filter(({ done }) => !done);
  let left = 0;
  for (const { who, moves } of schedule) {
    left = alive.length;
    if (left === 0) break;
    const chosen = alive[who % alive.length]!;
    for (let at = 0; at < moves && !chosen.done; at++) await chosen.move();
    if (moves === 0) alive = alive.filter((other) => other !== chosen);
    alive = alive.filter(({ done }) => !done);
  }
  for (const process of alive) while (!process.done) await process.move();
  return left;
}

/** Wing and Gong: tries every order that respects real time. A call of unknown end may take effect late or never. */
function isExplained(
  calls: readonly Call[],
  { state, final }: { readonly state: string; readonly final: string },
): boolean {
  if (state === final && calls.every(({ end }) => end === 'unknown')) return true;
  const firstEnd = Math.min(...calls.map(({ ended }) => ended));
  return calls.some((call) => {
    if (call.began > firstEnd) return false;
    const rest = calls.filter((other) => other !== call);
    return afterCall(call, state).some((next) => isExplained(rest, { state: next, final }));
  });
}

/** States that the call can lead to from `state`, given what it answered. */
function afterCall(call: Call, state: string): string[] {
  const fits = {
    create: state === '',
    replace: true,
    swap: state !== '' && state === call.expects,
    delete: true,
  }[call.operation];
  const next = call.operation === 'delete' ? '' : call.writes;
  if (call.end === 'applied') return fits ? [next] : [];
  if (call.end === 'refused') return fits ? [] : [state];
  return fits ? [next, state] : [state];
}
