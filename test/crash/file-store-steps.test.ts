/**
 * Strategy: every kind of write is stopped at every named step, by a crash (the step never returns, nothing is tidied) and by a
 * failure (the step throws). A store opened afterwards on the same directory finds the old body or the new one, whole,
 * in get and list; what the call said about itself is true; and the key can be written again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '../../core/base/bytes.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { FileStoreStep } from '../../core/store/adapters/node/index.js';
import { isCairnError } from '../../core/base/errors.js';
import type { ObjectStore, PutResult, StoreVersion } from '../../core/store/index.js';

interface Write {
  readonly name: string;
  /** Brings the key to the state before; answers its body, "" for none. */
  prepare(store: ObjectStore): Promise<string>;
  /** The write under test: of body "new", or a delete. */
  run(store: ObjectStore): Promise<PutResult | undefined>;
  readonly leaves: string;
  /** The steps that it comes by, in order: the test is to cover them all. */
  readonly steps: readonly FileStoreStep[];
}

const KEY = 'crash/key';
const NEW = utf8Encode('new');
const tmp = ['tmp-created', 'tmp-written', 'tmp-synced'] as const;
const append = [...tmp, 'generation-linked', 'generation-synced'] as const;
const convert = [
  'generations-made',
  'plain-held',
  'generation-linked',
  ...tmp,
  'marker-placed',
  'marker-synced',
] as const;

const writes: readonly Write[] = [
  {
    name: 'creation',
    prepare: async () => '',
    run: (store) => store.put(KEY, NEW, { if: 'absent' }),
    leaves: 'new',
    steps: [...tmp, 'object-linked', 'object-synced'],
  },
  {
    name: 'unconditional put to a new key',
    prepare: async () => '',
    run: (store) => store.put(KEY, NEW, { if: 'any' }),
    leaves: 'new',
    steps: [...tmp, 'object-linked', 'object-synced'],
  },
  {
    name: 'upload to a new key',
    prepare: async () => '',
    run: uploadIt,
    leaves: 'new',
    steps: [...tmp, 'object-linked', 'object-synced'],
  },
  {
    name: 'upload over a swapped object',
    prepare: (store) => swapTimes(store, 1),
    run: uploadIt,
    leaves: 'new',
    steps: [...tmp, 'generations-made', 'generation-linked', 'generation-synced'],
  },
  {
    name: 'unconditional put over a plain object',
    prepare: create,
    run: (store) => store.put(KEY, NEW, { if: 'any' }),
    leaves: 'new',
    steps: [...tmp, ...convert, 'generation-linked', 'generation-synced'],
  },
  { name: 'first swap', prepare: create, run: swapIn, leaves: 'new', steps: [...convert, ...append] },
  { name: 'second swap', prepare: (store) => swapTimes(store, 1), run: swapIn, leaves: 'new', steps: append },
  {
    name: 'swap that prunes',
    prepare: (store) => swapTimes(store, 7),
    run: swapIn,
    leaves: 'new',
    steps: [...append, 'generation-pruned'],
  },
  {
    name: 'deletion of a plain object',
    prepare: create,
    run: deleteIt,
    leaves: '',
    steps: ['object-set-aside', 'object-unlinked', 'object-synced'],
  },
  {
    name: 'deletion of a swapped object',
    prepare: (store) => swapTimes(store, 1),
    run: deleteIt,
    leaves: '',
    steps: [...append, 'generation-emptied', 'generation-emptied', 'object-synced'],
  },
  {
    name: 'creation over a deleted object',
    prepare: async (store) => {
      await swapTimes(store, 1);
      await store.delete([KEY]);
      return '';
    },
    run: (store) => store.put(KEY, NEW, { if: 'absent' }),
    leaves: 'new',
    steps: [...tmp, 'generation-linked', 'generation-synced'],
  },
];

describe('a write of the file store stopped at any step', () => {
  let parent: string;
  let stores = 0;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'cairn-steps-'));
  });
  afterAll(async () => rm(parent, { recursive: true }));

  for (const write of writes) {
    it(`comes by its steps: ${write.name}`, async () => {
      const seen: FileStoreStep[] = [];
      const directory = join(parent, `${stores++}`);
      await write.prepare(await openFileStore(directory));
      await write.run(await openFileStore(directory, { onStep: (step) => void seen.push(step) }));
      expect(seen).toEqual(write.steps);
    });

    for (const [at, step] of write.steps.entries()) {
      it(`${write.name} crashes at step ${at}, ${step}`, async () => {
        const directory = join(parent, `${stores++}`);
        const old = await write.prepare(await openFileStore(directory));
        await new Promise<void>((crashed) => {
          const stop = (): Promise<void> => {
            crashed();
            return new Promise(() => {});
          };
          void runStopped(directory, { write, at, stop });
        });
        await expectState(directory, [old, write.leaves]);
      });

      it(`${write.name} fails at step ${at}, ${step}`, async () => {
        const directory = join(parent, `${stores++}`);
        const old = await write.prepare(await openFileStore(directory));
        const failure = new Error('told to fail');
        const fail = (): Promise<void> => Promise.reject(failure);
        const end = await runStopped(directory, { write, at, stop: fail }).catch((error: unknown) => error);
        if (end !== failure) {
          expect(end).toEqual({ status: 'unknown', cause: failure });
          await expectState(directory, [old, write.leaves]);
        } else if (write.leaves === '') {
          // A delete that throws says nothing about what it has done.
          await expectState(directory, [old, write.leaves]);
        } else {
          await expectState(directory, [old]);
        }
      });
    }
  }
});

async function runStopped(
  directory: string,
  { write, at, stop }: { readonly write: Write; readonly at: number; readonly stop: () => Promise<void> },
): Promise<PutResult | undefined> {
  let steps = 0;
  return write.run(await openFileStore(directory, { onStep: () => (steps++ === at ? stop() : undefined) }));
}

async function expectState(directory: string, allowed: readonly string[]): Promise<void> {
  const store = await openFileStore(directory);
  const found = await store.get(KEY);
  const body = found.status === 'found' ? utf8Decode(found.bytes) : '';
  expect(allowed).toContain(body);
  expect(await store.list('')).toEqual(body === '' ? [] : [{ key: KEY, size: body.length }]);
  const condition = found.status === 'found' ? { version: found.version } : ('absent' as const);
  expect(await store.put(KEY, utf8Encode('again'), { if: condition })).toMatchObject({ status: 'applied' });
  expect(await store.get(KEY)).toMatchObject({ bytes: utf8Encode('again') });
  await store.delete([KEY]);
  expect(await store.get(KEY)).toEqual({ status: 'absent' });
}

async function create(store: ObjectStore): Promise<string> {
  await store.put(KEY, utf8Encode('plain'), { if: 'absent' });
  return 'plain';
}

/** The end of an upload told as a put tells its own. */
async function uploadIt(store: ObjectStore): Promise<PutResult> {
  const upload = await store.upload(KEY);
  try {
    await upload.write(NEW.subarray(0, 1));
    await upload.write(NEW.subarray(1));
    await upload.finish();
    return { status: 'applied', version: '' as StoreVersion, modifiedMs: 0 };
  } catch (error) {
    await upload.abort();
    if (isCairnError(error) && error.outcome === 'unknown') return { status: 'unknown', cause: error.cause };
    throw error;
  }
}

async function swapTimes(store: ObjectStore, times: number): Promise<string> {
  await create(store);
  for (let at = 0; at < times; at++) await swapTo(store, `swap ${at}`);
  return `swap ${times - 1}`;
}

async function swapIn(store: ObjectStore): Promise<PutResult> {
  return swapTo(store, 'new');
}

async function swapTo(store: ObjectStore, body: string): Promise<PutResult> {
  const found = await store.get(KEY);
  if (found.status !== 'found') throw new Error(found.status);
  return store.put(KEY, utf8Encode(body), { if: { version: found.version } });
}

async function deleteIt(store: ObjectStore): Promise<undefined> {
  await store.delete([KEY]);
  return undefined;
}
