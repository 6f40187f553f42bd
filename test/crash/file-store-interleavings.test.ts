/**
 * Strategy: three processes work on one key of the file store, stopped at every named step of their writes and let go
 * one at a time in an order drawn from a seed; some crash at a step for good. What their calls answered, and what the
 * key holds in the end, must be explained by some order of the calls that respects which ended before which began.
 *
 * Every process has a store of its own on the same directory, so they meet on disk only. Reads of bystanders are not
 * part of it: core/store/adapters/node/generations.ts says what they may see while such calls overlap.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '../../core/base/bytes.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore, PutResult, StoreVersion } from '../../core/store/index.js';

type Operation = 'create' | 'replace' | 'swap' | 'delete';

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
  readonly initial: 'absent' | 'plain' | 'swapped' | 'deleted';
  readonly programs: readonly (readonly Operation[])[];
  /** Each number picks who moves next; where it is a multiple of 41, who has crashed. */
  readonly schedule: readonly number[];
}

const KEY = 'dir/one';

describe('interleavings of the file store', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-interleavings-'));
  });
  afterAll(async () => rm(directory, { recursive: true }));

  const operation = fc.constantFrom<Operation>('create', 'replace', 'swap', 'delete');
  const program = fc.array(operation, { minLength: 1, maxLength: 2 });
  const scenario = fc.record<Scenario>({
    initial: fc.constantFrom('absent', 'plain', 'swapped', 'deleted'),
    programs: fc.array(program, { minLength: 2, maxLength: 3 }),
    schedule: fc.array(fc.nat(10_000), { minLength: 80, maxLength: 80 }),
  });

  it('explains every history by an order of its calls', { timeout: 600_000 }, async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (drawn) => check(join(directory, `${runs++}`), drawn)),
      { numRuns: 400 },
    );
  });

  // Found by thinking, kept by name: the late rename of a converter over what others left at the name meanwhile.
  const stalls = Array.from({ length: 12 }, (_, moves) => moves);
  const meanwhile: readonly (readonly Operation[])[] = [
    ['delete'],
    ['delete', 'create'],
    ['replace'],
    ['swap', 'delete'],
  ];
  for (const others of meanwhile) {
    it(`keeps the effect of ${others.join(', ')} while a first swap is stalled at any step`, async () => {
      for (const moves of stalls) {
        // Process 0 makes so many moves, then 1 all of its own, then 0 the rest.
        const schedule = [...Array<number>(moves + 1).fill(2), ...Array<number>(60).fill(1)];
        const stalled: Scenario = { initial: 'plain', programs: [['swap'], others], schedule };
        await expect(
          check(join(directory, `${others.join('-')}-${moves}`), stalled),
        ).resolves.toBeUndefined();
      }
    });
  }
});

async function check(directory: string, scenario: Scenario): Promise<void> {
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
  await drive(processes, scenario.schedule);
  const found = await outside.get(KEY);
  const final = found.status === 'found' ? utf8Decode(found.bytes) : '';
  const shown = JSON.stringify({ start: start.body, history, final });
  expect(isExplained(history, { state: start.body, final }), shown).toBe(true);
  expect(await outside.list(''), shown).toEqual(final === '' ? [] : [{ key: KEY, size: final.length }]);
  // Whatever was left behind by the dead, the key goes on working.
  const revived = await outside.put(KEY, utf8Encode('after'), { if: 'any' });
  expect(revived.status, shown).toBe('applied');
  expect(await outside.get(KEY), shown).toMatchObject({ status: 'found', bytes: utf8Encode('after') });
}

/** "" stands for an absent key. */
async function prepare(
  store: ObjectStore,
  initial: Scenario['initial'],
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

/** Follows the schedule, then lets everybody who has not crashed run to the end, one after another. */
async function drive(processes: readonly Process[], schedule: readonly number[]): Promise<void> {
  let alive = processes.filter(({ done }) => !done);
  for (const number of schedule) {
    if (alive.length === 0) return;
    const chosen = alive[number % alive.length]!;
    if (number % 41 === 0) alive = alive.filter((other) => other !== chosen);
    else await chosen.move();
    alive = alive.filter(({ done }) => !done);
  }
  for (const process of alive) while (!process.done) await process.move();
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
