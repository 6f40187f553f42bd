/**
 * What the engine's tests share: a clock that a test moves, repeatable chance, scratch directories, and the order of
 * ids as Node compares bytes (not as the engine does).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { CairnError, open } from '../../core/index.js';
import { limits } from '../../core/base/limits.js';
import type { Clock, Database, ErrorKind, OpenOptions, Random, Sleep } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { systemSleep } from '../../core/system-ports.js';

/** 2026-01-01T00:00:00Z. */
const START_MS: number = Date.UTC(2026, 0, 1);

/** Both of its hands move only when told to; the monotonic one never goes back. */
export class TestClock implements Clock {
  #wall = START_MS;
  #monotonic = 0;

  wallMs(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += Math.max(0, ms);
  }
}

/** Repeatable bytes: the same seed, the same ids and nonces. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    fill(target) {
      for (let i = 0; i < target.length; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        target[i] = state >>> 24;
      }
      return target;
    },
  };
}

export interface Bench {
  readonly clock: TestClock;
  readonly store: ObjectStore;
  readonly openAgain: (options?: OpenOptions) => Promise<Database>;
}

let benches = 0;

/** A memory store that any number of databases open, all by one clock, and all by one chance: no two draw the same, nor those of other benches. */
export function newBench(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Bench {
  const clock = new TestClock();
  const random = seededRandom(++benches);
  const store = wrap(memoryStore({ clock }));
  return { clock, store, openAgain: (options = {}) => open('memory:', { clock, store, random, ...options }) };
}

/** Whoever waits for the fence moves the clock; everything else waits as it does outside. */
export function fenceSleep(clock: TestClock): Sleep {
  return async (ms, signal) => {
    if (ms === limits.fenceMs) clock.advance(ms);
    else await systemSleep(ms, signal);
  };
}

/** A store with some methods of another kind. */
export function storeOver(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return {
    description: store.description,
    get: (key, options) => store.get(key, options),
    put: (key, bytes, options) => store.put(key, bytes, options),
    upload: (key) => store.upload(key),
    list: (prefix, options) => store.list(prefix, options),
    delete: (keys) => store.delete(keys),
    close: () => store.close(),
    ...changes,
  };
}

const directories: string[] = [];

/** A directory of its own, removed after the file's tests. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cairn-engine-'));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** For checks that live outside of a test's own body. */
export function mustEqual(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

export interface Expected {
  readonly kind: ErrorKind;
  readonly code: string;
  /** What the message has to say. */
  readonly message?: RegExp;
}

/** Runs a call that has to fail, and gives back the error for a closer look. */
export async function failure(call: () => unknown, expected: Expected): Promise<CairnError> {
  let answer: unknown;
  try {
    answer = await call();
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    expect({ kind: error.kind, code: error.code, message: error.message }).toMatchObject({
      kind: expected.kind,
      code: expected.code,
    });
    if (expected.message !== undefined) expect(error.message).toMatch(expected.message);
    expect(error.message).not.toMatch(/^[A-Z]|\.$/);
    return error;
  }
  throw new Error(`no ${expected.code} but an answer: ${JSON.stringify(answer)?.slice(0, 300)}`);
}
