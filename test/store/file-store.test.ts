/** What is particular to the file store: opening, what it leaves on disk, foreign files, and a disk that refuses. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore, StoreVersion } from '../../core/store/index.js';
import { canMount, isRoot, mounted, NOBODY } from './mounts.js';

const CHILD = fileURLToPath(new URL('file-store-child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/core/store/adapters/node/index.js', import.meta.url));
const body = utf8Encode('body');

let directory: string;
beforeEach(async () => {
  directory = await fs.mkdtemp(join(tmpdir(), 'cairn-file-store-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(directory, { recursive: true, force: true });
});

describe('opening a file store', () => {
  it('makes the directory, or says that there is none', async () => {
    const path = join(directory, 'a/b/c');
    await expect(openFileStore(path, { create: false })).rejects.toMatchObject({
      kind: 'not_found',
      code: 'store_not_found',
      details: { path },
    });
    const store = await openFileStore(path);
    expect(store.description).toBe(`file:${path}`);
    expect(await store.list('')).toEqual([]);
    await openFileStore(path, { create: false });
  });

  it('refuses what is no directory', async () => {
    const path = join(directory, 'file');
    await fs.writeFile(path, 'x');
    const refusal = { kind: 'invalid', code: 'store_not_a_directory' };
    await expect(openFileStore(path)).rejects.toMatchObject(refusal);
    await expect(openFileStore(path, { create: false })).rejects.toMatchObject(refusal);
    await expect(openFileStore(join(path, 'below'))).rejects.toMatchObject(refusal);
  });

  it('sweeps temporary files that are older than a day, and no others', async () => {
    await openFileStore(directory);
    const [old, young] = [join(directory, '~tmp/old'), join(directory, '~tmp/young')];
    await fs.writeFile(old, 'x');
    await fs.writeFile(young, 'x');
    const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
    await fs.utimes(old, twoDaysAgo, twoDaysAgo);
    await openFileStore(directory);
    expect(await fs.readdir(join(directory, '~tmp'))).toEqual(['young']);
  });

  it('leaves what a first swap of an old object has linked there', async () => {
    const store = await openFileStore(directory, {
      onStep: async (step) => {
        if (step === 'plain-held') await openFileStore(directory);
      },
    });
    await store.put('a', body, { if: 'absent' });
    const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
    await fs.utimes(join(directory, 'a.obj'), twoDaysAgo, twoDaysAgo);
    const found = await store.get('a');
    if (found.status !== 'found') throw new Error(found.status);
    expect((await store.put('a', body, { if: { version: found.version } })).status).toBe('applied');
    expect(await fs.readdir(join(directory, '~tmp'))).toEqual([]);
  });
});

describe('the directory of a file store', () => {
  it('holds one file per object and nothing temporary', async () => {
    const store = await openFileStore(directory);
    await store.put('a', body, { if: 'absent' });
    await store.put('a/B', body, { if: 'any' });
    expect(await tree(directory)).toEqual(['a.obj', 'a/%42.obj']);
    await store.delete(['a', 'a/B']);
    expect(await tree(directory)).toEqual([]);
  });

  it('keeps the last generations of a mutable object, and frees the bodies of a deleted one', async () => {
    const store = await openFileStore(directory);
    let version = versionOf(await store.put('head', body, { if: 'absent' }));
    for (let at = 0; at < 20; at++) {
      version = versionOf(await store.put('head', new Uint8Array(5_000), { if: { version } }));
    }
    const kept = ['14', '15', '16', '17', '18', '19', '20', '21'];
    expect(await tree(directory)).toEqual(
      ['head.gen', 'head.obj'].flatMap((name) =>
        name === 'head.gen' ? kept.map((number) => `head.gen/${number}`) : [name],
      ),
    );
    await store.delete(['head']);
    for (const file of await tree(directory)) {
      expect((await fs.stat(join(directory, file))).size, file).toBeLessThan(100);
    }
  });

  it('keeps a version when an object becomes mutable', async () => {
    const steps: string[] = [];
    const store = await openFileStore(directory, {
      onStep: (step) => (steps.push(step), stopAt(step, 'marker-synced')),
    });
    const version = versionOf(await store.put('head', body, { if: 'absent' }));
    await expect(store.put('head', utf8Encode('2'), { if: { version } })).rejects.toThrow('stopped');
    expect(await tree(directory)).toEqual(['head.gen/1', 'head.obj']);
    expect(await store.get('head')).toMatchObject({ bytes: body, version });
    expect(await store.get('head', { unless: version })).toEqual({ status: 'unchanged' });
  });

  describe('stamps no two bodies with one time: an inode that is used again must not bring back a version', () => {
    async function stamps(): Promise<Set<bigint>> {
      const store = await openFileStore(directory);
      const keys = Array.from({ length: 300 }, (_, at) => `k${at}`);
      await Promise.all(keys.map((key) => store.put(key, body, { if: 'absent' })));
      const stats = await Promise.all(
        keys.map((key) => fs.stat(join(directory, `${key}.obj`), { bigint: true })),
      );
      return new Set(stats.map(({ mtimeNs }) => mtimeNs));
    }

    it('as the clocks run', async () => {
      expect((await stamps()).size).toBe(300);
    });

    it('where a clock stands still, and after it was set back', async () => {
      vi.spyOn(process.hrtime, 'bigint').mockReturnValue(5_000_999_000n);
      const wall = vi.spyOn(Date, 'now').mockReturnValue(1_900_000_000_000);
      expect((await stamps()).size).toBe(300);
      wall.mockReturnValue(1_800_000_000_000);
      const store = await openFileStore(directory);
      expect(await store.put('later', body, { if: 'absent' })).toMatchObject({
        modifiedMs: 1_800_000_000_000,
      });
    });
  });

  it('lets foreign files lie', async () => {
    const store = await openFileStore(directory);
    await store.put('dir/key', body, { if: 'absent' });
    for (const name of ['README.md', 'UPPER.obj', '%zz.obj', '.DS_Store', 'dir/x.tmp', 'dir/%2E.obj']) {
      await fs.writeFile(join(directory, name), 'x');
    }
    await fs.mkdir(join(directory, 'lost+found'));
    expect(await store.list('')).toEqual([{ key: 'dir/key', size: 4 }]);
  });

  it('does not follow a link that somebody put in the place of an object', async () => {
    const store = await openFileStore(directory);
    await fs.symlink('/etc/hostname', join(directory, 'out.obj'));
    await expect(store.get('out')).rejects.toMatchObject({ kind: 'corrupt', code: 'store_layout' });
  });

  it('refuses the bodies by which it marks its own files', async () => {
    const store = await openFileStore(directory);
    const version = versionOf(await store.put('a', body, { if: 'absent' }));
    await store.put('a', body, { if: { version } });
    const marker = await fs.readFile(join(directory, 'a.obj'));
    await store.delete(['a']);
    const tombstone = await fs.readFile(join(directory, 'a.gen/3'));
    for (const reserved of [marker, tombstone]) {
      await expect(store.put('b', reserved, { if: 'any' })).rejects.toMatchObject({
        kind: 'invalid',
        code: 'reserved_body',
        outcome: 'not_applied',
      });
      await store.put('c', reserved.subarray(1), { if: 'any' });
      expect(await store.get('c')).toMatchObject({ size: reserved.length - 1 });
    }
  });

  it('reports a mutable object that lost its generations as corrupt', async () => {
    const store = await openFileStore(directory);
    const version = versionOf(await store.put('a', body, { if: 'absent' }));
    await store.put('a', body, { if: { version } });
    await fs.rm(join(directory, 'a.gen'), { recursive: true });
    await expect(store.get('a')).rejects.toMatchObject({ kind: 'corrupt', details: { key: 'a' } });
  });

  it('goes on where somebody removed a directory that it had made', async () => {
    const store = await openFileStore(directory);
    await store.put('x/y/1', body, { if: 'absent' });
    await fs.rm(join(directory, 'x'), { recursive: true });
    await fs.rm(join(directory, '~tmp'), { recursive: true });
    expect(await store.get('x/y/1')).toEqual({ status: 'absent' });
    expect((await store.put('x/y/1', body, { if: 'absent' })).status).toBe('applied');
    expect((await store.put('x/y/2', body, { if: 'any' })).status).toBe('applied');
  });

  it('answers `unknown` to a swap so late that its number was free again', async () => {
    const quick = await openFileStore(directory);
    let version = versionOf(await quick.put('head', body, { if: 'absent' }));
    version = versionOf(await quick.put('head', body, { if: { version } }));
    let meanwhile = async (): Promise<void> => {};
    const slow = await openFileStore(directory, {
      onStep: (step) => (step === 'tmp-synced' ? meanwhile() : undefined),
    });
    meanwhile = async () => {
      let next = version;
      for (let at = 0; at < 12; at++)
        next = versionOf(await quick.put('head', utf8Encode(`${at}`), { if: { version: next } }));
    };
    expect(await slow.put('head', utf8Encode('late'), { if: { version } })).toMatchObject({
      status: 'unknown',
      cause: { code: 'store_superseded' },
    });
    expect(await quick.get('head')).toMatchObject({ bytes: utf8Encode('11') });
  });

  it('deletes once: a deletion so late that its tombstone may have been seen does not put another one on top', async () => {
    const quick = await openFileStore(directory);
    let version = versionOf(await quick.put('head', body, { if: 'absent' }));
    version = versionOf(await quick.put('head', body, { if: { version } }));
    let meanwhile = async (): Promise<void> => {};
    const slow = await openFileStore(directory, {
      onStep: (step) => (step === 'generation-linked' ? meanwhile() : undefined),
    });
    meanwhile = async () => {
      version = versionOf(await quick.put('head', body, { if: 'absent' }));
      for (let at = 0; at < 12; at++)
        version = versionOf(await quick.put('head', utf8Encode(`${at}`), { if: { version } }));
    };
    await expect(slow.delete(['head'])).rejects.toMatchObject({
      code: 'store_superseded',
      outcome: 'unknown',
    });
    expect(await quick.get('head')).toMatchObject({ bytes: utf8Encode('11'), version });
  });

  it.each(['swap', 'delete', 'create'] as const)(
    'goes on after a deletion that died half way: %s',
    async (next) => {
      const dies = await openFileStore(directory, { onStep: (step) => stopAt(step, 'object-set-aside') });
      await dies.put('a', body, { if: 'absent' });
      await expect(dies.delete(['a'])).rejects.toThrow('stopped');
      expect(await tree(directory)).toEqual(['a.gen']);
      const store = await openFileStore(directory);
      expect(await store.get('a')).toEqual({ status: 'absent' });
      expect(await store.list('')).toEqual([]);
      const version = versionOf(await store.put('a', utf8Encode('new'), { if: 'absent' }));
      if (next === 'delete') {
        await store.delete(['a']);
        expect(await tree(directory)).toEqual([]);
        return;
      }
      if (next === 'swap') versionOf(await store.put('a', utf8Encode('newer'), { if: { version } }));
      const expected = next === 'swap' ? 'newer' : 'new';
      expect(await store.get('a')).toMatchObject({ bytes: utf8Encode(expected) });
      expect(await store.list('')).toEqual([{ key: 'a', size: expected.length }]);
    },
  );

  it('deletes what another one deletes at the same instant', async () => {
    const stores = await Promise.all([openFileStore(directory), openFileStore(directory)]);
    await stores[0].put('a', body, { if: 'absent' });
    await Promise.all(stores.map((store) => store.delete(['a'])));
    expect(await tree(directory)).toEqual([]);
  });

  it('says that something stands in the place of a directory', async () => {
    const store = await openFileStore(directory);
    await fs.writeFile(join(directory, 'dir'), 'foreign');
    const layout = { kind: 'corrupt', code: 'store_layout', outcome: 'not_applied' };
    await expect(store.put('dir/key', body, { if: 'absent' })).rejects.toMatchObject(layout);
    expect(await fs.readFile(join(directory, 'dir'), 'utf8')).toBe('foreign');
  });

  it('does not delete a directory that stands in the place of an object', async () => {
    const store = await openFileStore(directory);
    await fs.mkdir(join(directory, 'a.obj'));
    await fs.writeFile(join(directory, 'a.obj/foreign'), '');
    await expect(store.delete(['a'])).rejects.toMatchObject({ kind: 'corrupt', details: { key: 'a' } });
    expect(await tree(directory)).toEqual(['a.obj/foreign']);
  });

  it('reads what a race of earlier versions left: generations beside a plain object, or beside none', async () => {
    const store = await openFileStore(directory);
    for (const key of ['absent', 'plain', 'gone']) {
      await fs.mkdir(join(directory, `${key}.gen`));
      await fs.writeFile(join(directory, `${key}.gen/1`), 'old');
      await fs.writeFile(join(directory, `${key}.gen/2`), 'older');
    }
    for (const key of ['plain', 'gone']) await fs.writeFile(join(directory, `${key}.obj`), 'now');
    await store.delete(['gone']);
    expect((await store.list('')).map(({ key }) => key)).toEqual(['plain']);
    for (const key of ['absent', 'gone']) {
      expect(await store.get(key)).toEqual({ status: 'absent' });
      expect((await store.put(key, body, { if: 'absent' })).status).toBe('applied');
      expect(await store.get(key)).toMatchObject({ bytes: body });
    }
    const found = await store.get('plain');
    if (found.status !== 'found') throw new Error(found.status);
    expect(found.bytes).toEqual(utf8Encode('now'));
    versionOf(await store.put('plain', body, { if: { version: found.version } }));
    expect(await store.get('plain')).toMatchObject({ bytes: body });
  });
});

describe('a disk that refuses', () => {
  it.each([
    ['ENOSPC', 'unavailable', 'store_full'],
    ['EDQUOT', 'unavailable', 'store_full'],
    ['EFBIG', 'unavailable', 'store_full'],
    ['EACCES', 'forbidden', 'store_read_only'],
    ['EROFS', 'forbidden', 'store_read_only'],
    ['ENAMETOOLONG', 'invalid', 'key_too_long'],
    ['EIO', 'unavailable', 'store_unavailable'],
    ['EMFILE', 'unavailable', 'store_unavailable'],
  ])('%s before a body is visible is %s %s and changes nothing', async (errno, kind, code) => {
    const refuse = (step: string): void => {
      if (step === 'tmp-written') throw Object.assign(new Error('told to'), { code: errno });
    };
    const store = await openFileStore(directory, { onStep: refuse });
    const path = join(directory, 'dir/key.obj');
    await expect(store.put('dir/key', body, { if: 'absent' })).rejects.toMatchObject({
      kind,
      code,
      outcome: 'not_applied',
      message: expect.stringContaining(path),
      details: { path, errno },
    });
    expect(await tree(directory)).toEqual([]);
  });

  it('EIO after a body is visible is an unknown end', async () => {
    const refuse = (step: string): void => {
      if (step === 'object-synced') throw Object.assign(new Error('told to'), { code: 'EIO' });
    };
    const store = await openFileStore(directory, { onStep: refuse });
    expect(await store.put('key', body, { if: 'absent' })).toMatchObject({
      status: 'unknown',
      cause: { code: 'EIO' },
    });
  });

  it('says that it is full when a process may write no more', async () => {
    await openFileStore(directory);
    const limited = `ulimit -f 256; exec "${process.execPath}" "${CHILD}" "${directory}" fill`;
    expect(await inChild('sh', ['-c', limited])).toMatchObject({
      kind: 'unavailable',
      code: 'store_full',
      outcome: 'not_applied',
    });
    expect(await tree(directory)).toEqual([]);
  });

  it('reads what it may, and names what it may not, without the right to write', async () => {
    const store = await openFileStore(directory);
    await store.put('dir/old', body, { if: 'absent' });
    await store.put('dir/locked', body, { if: 'absent' });
    await fs.chmod(join(directory, 'dir/locked.obj'), 0);
    for (const path of ['.', 'dir', '~tmp']) await fs.chmod(join(directory, path), 0o555);
    const act = (name: string): Promise<unknown> =>
      inChild(process.execPath, [CHILD, directory, name, ...(isRoot ? [`${NOBODY}`] : [])]);
    expect(await act('read')).toMatchObject({ status: 'found', size: 4 });
    expect(await act('list')).toHaveLength(2);
    const denied = { kind: 'forbidden', code: 'store_read_only' };
    expect(await act('create')).toMatchObject({
      ...denied,
      outcome: 'not_applied',
      message: expect.stringContaining(directory),
    });
    expect(await act('delete')).toMatchObject({ ...denied, message: expect.stringContaining('dir/old.obj') });
    expect(await act('locked')).toMatchObject({
      kind: 'forbidden',
      code: 'store_forbidden',
      message: expect.stringContaining('dir/locked.obj'),
    });
    for (const path of ['.', 'dir', '~tmp']) await fs.chmod(join(directory, path), 0o755);
  });

  // Only root may mount. The tests above hold the same without it, but for the kernel's own ENOSPC and short reads.
  describe.runIf(canMount())('mounted', () => {
    it('is full, and whole again when there is room', async () => {
      await mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], async () => {
        const store = await openFileStore(directory);
        const filled: string[] = [];
        const half = new Uint8Array(400_000);
        for (;;) {
          const end = await store
            .put(`k${filled.length}`, half, { if: 'absent' })
            .catch((error: unknown) => error);
          if (end instanceof Error) {
            expect(end).toMatchObject({ kind: 'unavailable', code: 'store_full', outcome: 'not_applied' });
            break;
          }
          filled.push(`k${filled.length}`);
        }
        expect(filled).toEqual(['k0', 'k1']);
        expect((await store.list('')).map(({ key }) => key)).toEqual(filled);
        expect(await fs.readdir(join(directory, '~tmp'))).toEqual([]);
        await store.delete(['k0']);
        expect((await store.put('k2', half, { if: 'absent' })).status).toBe('applied');
      });
    });

    it('is read-only', async () => {
      await (await openFileStore(directory)).put('a', body, { if: 'absent' });
      await mounted(['--bind', '-o', 'ro', directory, directory], async () => {
        const store = await openFileStore(directory);
        expect(await store.get('a')).toMatchObject({ status: 'found', bytes: body });
        const denied = { kind: 'forbidden', code: 'store_read_only', details: { errno: 'EROFS' } };
        await expect(store.put('b', body, { if: 'absent' })).rejects.toMatchObject(denied);
        await expect(store.delete(['a'])).rejects.toMatchObject(denied);
      });
    });

    it('gives fewer bytes than a file has', async () => {
      const store = await openFileStore(directory);
      await store.put('short', body, { if: 'absent' });
      const path = join(directory, 'short.obj');
      // A file of sysfs says that it has a page and ends after a line.
      await mounted(['--bind', '/sys/kernel/mm/transparent_hugepage/enabled', path], async () => {
        await expect(store.get('short')).rejects.toMatchObject({
          kind: 'corrupt',
          details: { key: 'short' },
        });
      });
      expect(await store.get('short')).toMatchObject({ bytes: body });
    });
  });
});

function versionOf(put: Awaited<ReturnType<ObjectStore['put']>>): StoreVersion {
  if (put.status !== 'applied') throw new Error(put.status);
  return put.version;
}

function stopAt(step: string, stop: string): void {
  if (step === stop) throw new Error('stopped');
}

/** All files below a store's directory, in order. */
async function tree(root: string): Promise<string[]> {
  const entries = await fs.readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

async function inChild(command: string, args: readonly string[]): Promise<unknown> {
  if (!existsSync(BUILT))
    throw new Error(`this test runs a process from the build: no ${BUILT}; run npm run build`);
  return JSON.parse((await promisify(execFile)(command, args)).stdout) as unknown;
}

describe('room that is lent to a read', () => {
  it('takes the range at its start where it is long enough, and is left alone where it is not', async () => {
    const store = await openFileStore(directory);
    const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 7) % 251);
    await store.put('a', bytes, { if: 'absent' });
    const range = { offset: 100, length: 30_000 };
    const into = new Uint8Array(30_001).fill(9);
    const lent = await store.get('a', { range, into });
    if (lent.status !== 'found') throw new Error(lent.status);
    expect(lent.bytes.buffer).toBe(into.buffer);
    expect(lent.bytes).toEqual(bytes.slice(100, 30_100));
    expect(into[30_000]).toBe(9);
    const short = new Uint8Array(29_999).fill(9);
    const own = await store.get('a', { range, into: short });
    if (own.status !== 'found') throw new Error(own.status);
    expect(own.bytes).toEqual(bytes.slice(100, 30_100));
    expect(short.every((byte) => byte === 9)).toBe(true);
  });
});
