/**
 * Strategy: warm directories on a real file system, measured from outside by walking them: what is on disk never passes the cap,
 * by more than each process that adds may, however often processes come and go; what was read last stays; and nothing that is not an entry of ours is read, changed
 * or removed. Where the disk refuses, there is no entry, and no error.
 */
import { execFile } from 'node:child_process';
import nodeFs, * as fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { warmDirectory } from '../../core/store/adapters/node/index.js';
import { canMount, isRoot, mounted, NOBODY } from './mounts.js';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('warm-directory-child.mjs', import.meta.url));
const [KiB, MiB] = [1_024, 1_048_576];
const STORE = '5'.repeat(32);

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'cairn-warm-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const nameOf = (i: number, collection = 'c'.repeat(32)): string => `${STORE}/${collection}/entry@${i}`;
/** In one of the directories of its collection. */
function pathOf(name: string): string {
  const last = name.split('/').at(-1)!;
  return walk().find(({ path, stat }) => stat.isFile() && path.endsWith(`/${last}`))!.path;
}
const entry = (i: number, length = 8 * KiB): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(i);

/** Every path below, with its bytes where it is a file. */
function walk(root: string = directory): { readonly path: string; readonly stat: fs.Stats }[] {
  return fs.readdirSync(root).flatMap((name) => {
    const path = join(root, name);
    const stat = fs.lstatSync(path);
    return [{ path, stat }, ...(stat.isDirectory() ? walk(path) : [])];
  });
}

const filesOf = (): number[] => walk().flatMap(({ stat }) => (stat.isFile() ? [stat.size] : []));
const bytesOnDisk = (): number => filesOf().reduce((sum, bytes) => sum + Math.ceil(bytes / 4_096) * 4_096, 0);

async function keptOf(cache: ReturnType<typeof warmDirectory>, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) if ((await cache.get(name)) !== undefined) found.push(name);
  return found;
}

describe('entries', () => {
  it('are there for this process and the next, as they were put', async () => {
    const cache = warmDirectory({ directory });
    expect(await cache.get(nameOf(1))).toBeUndefined();
    await cache.put(nameOf(1), entry(1));
    await cache.put(nameOf(2), entry(2, 100_001));
    await cache.put(nameOf(1), entry(3, 5));
    for (const reader of [cache, warmDirectory({ directory })]) {
      expect(await reader.get(nameOf(1))).toEqual(entry(3, 5));
      expect(Buffer.compare((await reader.get(nameOf(2)))!, entry(2, 100_001))).toBe(0);
    }
    expect(fs.readdirSync(join(directory, 'cairn-warm/tmp'))).toEqual([]);
  });

  it("are the owner's alone", async () => {
    await warmDirectory({ directory }).put(nameOf(1), entry(1));
    const found = walk();
    expect(found).toHaveLength(6);
    for (const { stat } of found) expect(stat.mode & 0o777).toBe(stat.isFile() ? 0o600 : 0o700);
  });

  it.each([
    '../entry@1',
    `${STORE}/${STORE}/../x`,
    `${STORE}/entry@1`,
    `${STORE}/${STORE}/A`,
    `/${STORE}/${STORE}/a`,
  ])('are none under the name %s', async (name) => {
    const cache = warmDirectory({ directory });
    await cache.put(name, entry(1));
    expect(await cache.get(name)).toBeUndefined();
    expect(filesOf()).toEqual([]);
  });
});

describe('the cap', () => {
  it('holds after every put, and lets those go that were not read for longest', async () => {
    const cache = warmDirectory({ directory, bytes: MiB });
    const names = Array.from({ length: 200 }, (_, i) => nameOf(i));
    for (const [i, name] of names.entries()) {
      await cache.put(name, entry(i));
      expect(bytesOnDisk()).toBeLessThanOrEqual(MiB);
      // The first is read all the time.
      expect(await cache.get(names[0]!)).toBeDefined();
    }
    const kept = await keptOf(cache, names);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept).toEqual([names[0], ...names.slice(-(kept.length - 1))]);
  });

  it('counts what lay there before', async () => {
    const names = Array.from({ length: 100 }, (_, i) => nameOf(i));
    const first = warmDirectory({ directory });
    for (const [i, name] of names.entries()) await first.put(name, entry(i));
    const second = warmDirectory({ directory, bytes: 512 * KiB });
    await second.put(nameOf(100), entry(100));
    expect(bytesOnDisk()).toBeLessThanOrEqual(512 * KiB);
    expect(await second.get(nameOf(100))).toEqual(entry(100));
    const kept = await keptOf(second, names);
    expect(kept).toEqual(names.slice(-kept.length));
  });

  it('spares what another process has read', async () => {
    const one = warmDirectory({ directory, bytes: MiB });
    const names = Array.from({ length: 100 }, (_, i) => nameOf(i));
    for (const [i, name] of names.entries()) await one.put(name, entry(i));
    const other = warmDirectory({ directory, bytes: MiB });
    expect(await keptOf(other, names.slice(0, 5))).toHaveLength(5);
    for (let i = 100; i < 200; i++) await one.put(nameOf(i), entry(i));
    expect(await keptOf(one, names.slice(0, 10))).toEqual(names.slice(0, 5));
  });

  it('counts what another process has added within the same tick of the file system', async () => {
    const [one, other] = [warmDirectory({ directory, bytes: MiB }), warmDirectory({ directory, bytes: MiB })];
    for (let i = 0; i < 60; i++) await one.put(nameOf(i), entry(i));
    // As near as dates tell, nothing happens from here on.
    const tick = Date.now() / 1_000 + 3_600;
    const stopDates = (): void => {
      for (const { path, stat } of walk()) if (stat.isDirectory()) fs.utimesSync(path, tick, tick);
    };
    stopDates();
    await one.put(nameOf(60), entry(60));
    for (let i = 61; i < 120; i++) {
      stopDates();
      await other.put(nameOf(i), entry(i));
    }
    stopDates();
    await one.put(nameOf(120), entry(120));
    for (let i = 121; i < 140; i++) {
      stopDates();
      await one.put(nameOf(i), entry(i));
    }
    expect(bytesOnDisk()).toBeLessThanOrEqual(MiB);
  });

  it('makes room also where all was read since', async () => {
    const one = warmDirectory({ directory, bytes: MiB });
    const names = Array.from({ length: 128 }, (_, i) => nameOf(i));
    for (const [i, name] of names.entries()) await one.put(name, entry(i));
    expect(await keptOf(warmDirectory({ directory }), names)).toHaveLength(128);
    await one.put(nameOf(128), entry(128));
    expect(await one.get(nameOf(128))).toEqual(entry(128));
    expect(bytesOnDisk()).toBeLessThanOrEqual(MiB);
  });

  it('keeps nothing of what is larger than it', async () => {
    const cache = warmDirectory({ directory, bytes: MiB });
    await cache.put(nameOf(1), entry(1));
    await cache.put(nameOf(2), entry(2, MiB + 1));
    expect(filesOf()).toEqual([8 * KiB]);
  });

  it('is one of entries, too, whatever they weigh', async () => {
    const { warmEntries } = limits;
    const mutable: { warmEntries: number } = limits;
    mutable.warmEntries = 128;
    try {
      const cache = warmDirectory({ directory });
      const names = Array.from({ length: 129 }, (_, i) => nameOf(i));
      for (const name of names) await cache.put(name, entry(1));
      // With room for two more, so that not every entry looks for what is the oldest.
      expect(await keptOf(cache, names)).toEqual(names.slice(-126));
    } finally {
      mutable.warmEntries = warmEntries;
    }
  });

  it('is kept without a look at every directory for every entry', async () => {
    const cache = warmDirectory({ directory });
    for (let i = 0; i < 40; i++) await cache.put(nameOf(1, String(i).padStart(32, '0')), entry(i));
    const { readdirSync } = nodeFs;
    let listed = 0;
    try {
      Object.assign(nodeFs, {
        readdirSync: (path: string) => {
          listed++;
          return readdirSync(path);
        },
      });
      syncBuiltinESMExports();
      for (let i = 2; i < 12; i++) await cache.put(nameOf(i), entry(i));
    } finally {
      Object.assign(nodeFs, { readdirSync });
      syncBuiltinESMExports();
    }
    // Temporary files, which are few.
    expect(listed).toBe(10);
  });

  it('removes directories of which every entry went', async () => {
    const cache = warmDirectory({ directory, bytes: 64 * KiB });
    for (let i = 0; i < 40; i++) await cache.put(nameOf(1, String(i).padStart(32, '0')), entry(i));
    expect(fs.readdirSync(join(directory, 'cairn-warm', STORE)).length).toBeLessThanOrEqual(8);
  });

  it('holds where processes add at the same time, but for the sixteenth that each may add unseen', async () => {
    const [bytes, processes, entryBytes] = [2 * MiB, 3, 24 * KiB];
    const most = bytes + processes * (bytes / 16);
    const children = Array.from({ length: processes }, (_, i) =>
      run(process.execPath, [CHILD, directory, ...[bytes, 1_000 * i, 300, entryBytes].map(String)]),
    );
    const pids = children.map(({ child }) => child.pid!);
    const running = new Set(children);
    for (const child of children) void child.finally(() => running.delete(child)).catch(() => {});
    const ended = Promise.all(children);
    const seen: number[] = [];
    while (running.size > 0) {
      // What comes and goes while it is counted would count twice.
      for (const pid of pids) trySignal(pid, 'SIGSTOP');
      seen.push(bytesOnDisk());
      for (const pid of pids) trySignal(pid, 'SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const { stdout } of await ended)
      expect(JSON.parse(stdout)).toMatchObject({ kept: expect.any(Number) as number });
    expect(Math.max(...seen)).toBeGreaterThan(bytes / 2);
    expect(Math.max(...seen)).toBeLessThanOrEqual(most);
    expect(bytesOnDisk()).toBeLessThanOrEqual(most);
    await warmDirectory({ directory, bytes }).put(nameOf(1), entry(1));
    expect(bytesOnDisk()).toBeLessThanOrEqual(bytes);
  });

  function trySignal(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }

  it('counts what processes that died left on its way, and removes it after an hour', async () => {
    const cache = warmDirectory({ directory, bytes: MiB });
    await cache.put(nameOf(1), entry(1));
    const left = join(directory, 'cairn-warm/tmp/0b6e3c1e-0000-4000-8000-000000000000');
    fs.writeFileSync(left, new Uint8Array(900 * KiB));
    for (let i = 2; i < 40; i++) {
      await cache.put(nameOf(i), entry(i));
      expect(bytesOnDisk()).toBeLessThanOrEqual(MiB);
    }
    const hourAgo = Date.now() / 1_000 - 3_601;
    fs.utimesSync(left, hourAgo, hourAgo);
    await cache.put(nameOf(40), entry(40));
    expect(fs.existsSync(left)).toBe(false);
  });
});

describe('what is not ours', () => {
  it('is neither read nor removed nor counted', async () => {
    const cache = warmDirectory({ directory, bytes: 64 * KiB });
    await cache.put(nameOf(1), entry(1));
    const foreign = ['keep.txt', 'cairn-warm/notes', `cairn-warm/${STORE}/notes`, 'cairn-warm/tmp/notes'];
    foreign.push(join(pathOf(nameOf(1)), '../Upper').slice(directory.length + 1));
    for (const path of foreign) fs.writeFileSync(join(directory, path), new Uint8Array(100 * KiB));
    fs.mkdirSync(join(directory, `cairn-warm/not-a-store/${'c'.repeat(32)}`), { recursive: true });
    fs.writeFileSync(
      join(directory, `cairn-warm/not-a-store/${'c'.repeat(32)}/entry@1`),
      new Uint8Array(KiB),
    );
    for (let i = 2; i < 30; i++) await cache.put(nameOf(i), entry(i));
    for (const path of foreign) expect(fs.statSync(join(directory, path)).size).toBe(100 * KiB);
    expect(fs.existsSync(join(directory, `cairn-warm/not-a-store/${'c'.repeat(32)}/entry@1`))).toBe(true);
    expect(await cache.get(nameOf(29))).toEqual(entry(29));
  });

  it.each(['entry', 'shelf', 'collection', 'store', 'folder'])(
    'is not reached through a link: %s',
    async (what) => {
      const outside = fs.mkdtempSync(join(tmpdir(), 'cairn-outside-'));
      try {
        // What the link leads to is as one of ours would be.
        await warmDirectory({ directory: outside }).put(nameOf(1), entry(1));
        const root = join(outside, 'cairn-warm');
        const relative = walk(outside)
          .find(({ stat }) => stat.isFile())!
          .path.slice(root.length + 1);
        const depth = { folder: 0, store: 1, collection: 2, shelf: 3, entry: 4 }[what]!;
        const at = relative.split('/').slice(0, depth).join('/');
        const link = join(directory, 'cairn-warm', at);
        fs.mkdirSync(join(link, '..'), { recursive: true, mode: 0o700 });
        fs.symlinkSync(join(root, at), link);
        const before = walk(outside).map(({ path, stat }) => [path, stat.mtimeMs]);
        const cache = warmDirectory({ directory, bytes: 16 * KiB });
        expect(await cache.get(nameOf(1))).toBeUndefined();
        // An entry takes the place of the link itself; a directory stays a link, and nothing is kept.
        for (let i = 1; i < 5; i++) await cache.put(nameOf(i), entry(i));
        expect(walk(outside).map(({ path, stat }) => [path, stat.mtimeMs])).toEqual(before);
      } finally {
        fs.rmSync(outside, { recursive: true, force: true });
      }
    },
  );

  it('is not waited for where it is a pipe', async () => {
    const cache = warmDirectory({ directory });
    await cache.put(nameOf(1), entry(1));
    const path = pathOf(nameOf(1));
    fs.rmSync(path);
    await run('mkfifo', [path]);
    expect(await cache.get(nameOf(1))).toBeUndefined();
  });

  it('is a folder that others may enter', async () => {
    fs.mkdirSync(join(directory, 'cairn-warm'));
    fs.chmodSync(join(directory, 'cairn-warm'), 0o755);
    const cache = warmDirectory({ directory });
    await cache.put(nameOf(1), entry(1));
    expect(await cache.get(nameOf(1))).toBeUndefined();
    expect(filesOf()).toEqual([]);
  });
});

describe('a disk that refuses', () => {
  it('is a cache without entries: a file where the directory should be', async () => {
    const file = join(directory, 'file');
    fs.writeFileSync(file, 'x');
    const cache = warmDirectory({ directory: file });
    await cache.put(nameOf(1), entry(1));
    expect(await cache.get(nameOf(1))).toBeUndefined();
  });

  it('has its folder made again, when somebody deleted it', async () => {
    const cache = warmDirectory({ directory });
    for (let i = 0; i < 3; i++) {
      await cache.put(nameOf(i), entry(i));
      expect(await cache.get(nameOf(i))).toEqual(entry(i));
      fs.rmSync(join(directory, i === 2 ? '' : 'cairn-warm'), { recursive: true });
      expect(await cache.get(nameOf(i))).toBeUndefined();
    }
    await cache.put(nameOf(3), entry(3));
    expect(
      await keptOf(
        cache,
        [0, 1, 2, 3].map((i) => nameOf(i)),
      ),
    ).toEqual([nameOf(3)]);
  });

  it('keeps the next entry, where not even what is left of one could be removed', async () => {
    // Any failure of rm(1) but that there is nothing: here a disk that fails, as it would tell.
    const { rmSync, renameSync } = nodeFs;
    const refuse = (): never => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const cache = warmDirectory({ directory });
    try {
      Object.assign(nodeFs, { rmSync: refuse, renameSync: refuse });
      syncBuiltinESMExports();
      await cache.put(nameOf(1), entry(1));
    } finally {
      Object.assign(nodeFs, { rmSync, renameSync });
      syncBuiltinESMExports();
    }
    await cache.put(nameOf(2), entry(2));
    expect(await cache.get(nameOf(2))).toEqual(entry(2));
  });

  it('keeps nothing that does not fit on it', async () => {
    // A limit on the size of files stands in for a full disk: the write ends in the middle.
    const limited = `ulimit -f 64; exec "${process.execPath}" "${CHILD}" "${directory}" ${MiB} 0 3 ${200 * KiB}`;
    expect((await run('bash', ['-c', limited])).stdout).toBe('{"kept":0}');
    expect(filesOf()).toEqual([]);
  });

  it('still answers where it may only be read', async () => {
    await warmDirectory({ directory }).put(nameOf(0, '0'.repeat(32)).replaceAll('5', '0'), entry(0));
    const all = [directory, ...walk().map(({ path }) => path)];
    for (const path of all) {
      if (isRoot) fs.chownSync(path, NOBODY, NOBODY);
      fs.chmodSync(path, fs.lstatSync(path).isDirectory() ? 0o500 : 0o400);
    }
    const added = [MiB, 0, 3, 8 * KiB, ...(isRoot ? [NOBODY] : [])].map(String);
    expect((await run(process.execPath, [CHILD, directory, ...added])).stdout).toBe('{"kept":1}');
    for (const path of all) fs.chmodSync(path, 0o700);
    expect(filesOf()).toEqual([8 * KiB]);
  });

  // Only root may mount. The test of short files above holds the same without it, but for the kernel's own ENOSPC.
  it.runIf(canMount())('is full, and keeps entries again when there is room', async () => {
    await mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], async () => {
      const cache = warmDirectory({ directory });
      for (let i = 0; i < 8; i++) await cache.put(nameOf(i), entry(i, 300 * KiB));
      const kept = await keptOf(
        cache,
        [0, 1, 2, 3, 4, 5, 6, 7].map((i) => nameOf(i)),
      );
      expect(kept).toEqual([0, 1, 2].map((i) => nameOf(i)));
      expect(fs.readdirSync(join(directory, 'cairn-warm/tmp'))).toEqual([]);
      fs.rmSync(pathOf(nameOf(1)));
      await cache.put(nameOf(9), entry(9, 300 * KiB));
      expect(await cache.get(nameOf(9))).toBeDefined();
    });
  });
});
