/**
 * Strategy: a bucket of two collections with every kind of object, in which one thing at a time is damaged: a byte, a
 * length, an object gone, two of one kind exchanged, between the collections too. A process that has just begun then reads,
 * writes and compacts. Every call ends in a typed error that says what is wrong and where, or in exactly the answer of the
 * undamaged bucket (15); the other collection's answers do not change (19); no call goes on for ever, and none asks for
 * memory that its objects cannot fill. Here a sample from a seed; `npm run corruption` takes all.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { makeBucket } from './bucket.js';
import type { Bucket } from './bucket.js';
import { steps, textOf } from './calls.js';
import type { Damage } from './damage.js';
import { damageGroups } from './damage.js';
import { FileCopies } from './file-copies.js';
import { Endless, FreshProcess } from './fresh-process.js';
import { corrupt } from './run.js';
import type { Tally } from './run.js';
import { tryDamage } from './trial.js';
import { Worlds } from './worlds.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';

const SHARE = Number(process.env['CAIRN_CORRUPTION_SHARE'] ?? 0.002);
const SEED = Number(process.env['CAIRN_CORRUPTION_SEED'] ?? 1);

let bucket: Bucket;
let worlds: Worlds;

beforeAll(async () => {
  bucket = await makeBucket();
  worlds = await Worlds.of(bucket);
});

const keysOf = (pattern: RegExp): readonly string[] =>
  [...bucket.image.keys()].filter((key) => pattern.test(key));

describe('the bucket', () => {
  test('has every kind of object, twice', () => {
    for (const pattern of [
      /^catalog/,
      /head$/,
      /heads\//,
      /log\//,
      /batch\//,
      /inbox\//,
      /\.del$/,
      /\.win$/,
      /^work\//,
    ])
      expect(keysOf(pattern).length, String(pattern)).toBeGreaterThanOrEqual(2);
    expect(keysOf(/\.seg$/).length).toBeGreaterThanOrEqual(4);
  });

  test('answers every call, and the two collections answer differently', () => {
    const whole = { world: 'whole', applied: 3 } as const;
    for (const [i, { name }] of steps.entries()) {
      const [notes, papers] = [worlds.answer('notes', whole, i), worlds.answer('papers', whole, i)];
      expect(papers.length, name).toBeGreaterThan(3);
      if (name.includes('query') || name === 'fetch') expect(papers, name).not.toBe(notes);
    }
  });
});

describe('damage', () => {
  test(
    `ends in a typed error or the right answer: ${SHARE} of all, seed ${SEED}`,
    { timeout: 600_000 },
    async () => {
      const tallies = await corrupt({ bucket, worlds, share: SHARE, seed: SEED });
      const of = (name: string): Tally => tallies.get(name)!;
      // What every cold read takes whole is never damaged unnoticed. (Of other kinds some objects are superseded.)
      for (const kind of ['entry', 'deletions'])
        for (const damage of ['flip', 'cut', 'longer', 'absent', 'swap'])
          expect(of(`${kind}, ${damage}`).unnoticed, `${kind}, ${damage}`).toBe(0);
      for (const kind of ['slot', 'batch', 'head', 'segment', 'window'])
        expect(of(`${kind}, flip`).errors).toBeGreaterThan(0);
      // What is only worth something to its own writer, or to a later release, stops nobody.
      for (const kind of ['inbox', 'hint']) expect(of(`${kind}, longer`).errors).toBe(0);
    },
  );

  test('in a file store does the same', { timeout: 600_000 }, async () => {
    const copies = await FileCopies.of(bucket.image);
    // Of each kind of object one, with each kind of damage.
    const seen = new Set<string>();
    try {
      for (const { key, kind, count, at } of damageGroups(bucket)) {
        const name = `${kind} ${key.replaceAll(/[0-9a-f-]{14,}/g, '')}`;
        if (seen.has(name)) continue;
        seen.add(name);
        const storeOf = (damage: Damage): Promise<ObjectStore> => copies.damaged(damage);
        await tryDamage({ bucket, worlds, storeOf }, at(Math.floor(count / 3)));
      }
    } finally {
      copies.remove();
    }
    expect(seen.size).toBeGreaterThan(30);
  });
});

describe('the check itself', () => {
  const damageOf = (change: Partial<Damage>): Damage => ({
    ...{ kind: 'flip', keys: [keysOf(/head$/)[0]!], what: 'a test', of: bucket.image },
    ...change,
  });

  test('lets an undamaged bucket answer right', async () => {
    const { errors, answers } = await tryDamage({ bucket, worlds }, damageOf({}));
    expect([errors, answers > steps.length]).toEqual([0, true]);
  });

  test('finds an answer that is not so', async () => {
    const newest = keysOf(/\/log\//)[0]!;
    const of = new Map([...bucket.image].filter(([key]) => key !== newest));
    // Said to be a flip: then nothing may be missing.
    await expect(tryDamage({ bucket, worlds }, damageOf({ keys: [newest], of }))).rejects.toThrow(
      /answers what is not so/,
    );
  });

  test('finds an error that names another object', async () => {
    const [first, second] = keysOf(/\.del$/) as [string, string];
    const of = new Map(bucket.image).set(second, new Uint8Array(100));
    const sick = damageOf({ keys: [second, first], of });
    await expect(tryDamage({ bucket, worlds }, sick)).resolves.toMatchObject({
      errors: expect.any(Number) as number,
    });
    await expect(tryDamage({ bucket, worlds }, { ...sick, keys: [first, second] })).rejects.toThrow(
      /another object/,
    );
  });

  test('ends a call that would go on for ever', async () => {
    const store = memoryStore({ clock: { wallMs: () => 0 } });
    const process = new FreshProcess(store, { nowMs: 0, seed: 1 });
    const call = async (): Promise<void> => {
      for (let i = 0; i < 1_000; i++) await process.database.ping();
    };
    await expect(process.run(call)).rejects.toThrow(Endless);
  });

  test('tells answers apart, but not what they cost', () => {
    expect(textOf({ a: 1, usage: { requests: 1 } })).toBe('{"a":1}');
  });
});
