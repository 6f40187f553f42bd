/**
 * What is on disk when a call returns cannot be seen without cutting the power; the order of fsyncs and names can. A
 * body is fsynced before a name leads to it, a directory after its entries changed, new directories from the top down,
 * all before the call returns.
 */
import * as fs from 'node:fs/promises';
import { readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { files } from '../../core/store/adapters/node/durable-files.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore, PutResult, StoreVersion } from '../../core/store/index.js';

const body = utf8Encode('body');
let directory: string;
let calls: string[];
/** The same, and where each fsync began. */
let trace: string[];

beforeEach(async () => {
  directory = await fs.mkdtemp(join(tmpdir(), 'cairn-durability-'));
  calls = [];
  trace = [];
  const note = (call: string): void => void (calls.push(call), trace.push(call));
  const { fsync, link, rename, renameNow, unlink, mkdir } = files;
  vi.spyOn(files, 'fsync').mockImplementation(async (fd) => {
    const path = shown(readlinkSync(`/proc/self/fd/${fd}`));
    trace.push(`began fsync ${path}`);
    await fsync(fd);
    note(`fsync ${path}`);
  });
  vi.spyOn(files, 'link').mockImplementation(async (from, to) => {
    await link(from, to);
    note(`link ${shown(from)} ${shown(to)}`);
  });
  vi.spyOn(files, 'rename').mockImplementation(async (from, to) => {
    await rename(from, to);
    note(`rename ${shown(from)} ${shown(to)}`);
  });
  vi.spyOn(files, 'renameNow').mockImplementation((from, to) => {
    renameNow(from, to);
    note(`rename ${shown(from)} ${shown(to)}`);
  });
  vi.spyOn(files, 'mkdir').mockImplementation(async (path) => {
    await mkdir(path);
    note(`mkdir ${shown(path)}`);
  });
  vi.spyOn(files, 'unlink').mockImplementation(async (path) => {
    await unlink(path);
    if (!shown(path).startsWith('tmp')) note(`unlink ${shown(path)}`);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(directory, { recursive: true });
});

describe('the order of fsyncs', () => {
  it('of creations: the body, its name, the directory; new directories from the top down, once', async () => {
    const store = await openFileStore(directory);
    calls.length = 0;
    await store.put('a/b/key', body, { if: 'absent' });
    const publish = ['fsync tmp', 'link tmp a/b/key.obj', 'fsync a/b'];
    const [first, ...rest] = publish;
    expect(calls).toEqual([first, 'mkdir a', 'fsync .', 'mkdir a/b', 'fsync a', ...rest]);
    calls.length = 0;
    await store.put('a/b/key', body, { if: 'absent' });
    expect(calls).toEqual([]);
    await store.delete(['a/b/key']);
    calls.length = 0;
    await store.put('a/b/key', body, { if: 'any' });
    expect(calls).toEqual(publish);
  });

  it('fsyncs the parents of directories that another process made, which may not have come so far', async () => {
    await fs.mkdir(join(directory, 'a'));
    const store = await openFileStore(directory);
    calls.length = 0;
    await store.put('a/key', body, { if: 'absent' });
    expect(calls).toEqual(['fsync tmp', 'fsync .', 'link tmp a/key.obj', 'fsync a']);
  });

  it('of swaps: the old body as generation 1 before the marker, the new body before its number', async () => {
    const store = await openFileStore(directory);
    let version = versionOf(await store.put('head', body, { if: 'absent' }));
    const append = (generation: number): string[] => [
      'fsync tmp',
      `link tmp head.gen/${generation}`,
      'fsync head.gen',
    ];
    calls.length = 0;
    version = versionOf(await store.put('head', body, { if: { version } }));
    expect(calls).toEqual([
      ...['mkdir head.gen', 'fsync .', 'link head.obj tmp', 'link tmp head.gen/1', 'fsync head.gen'],
      ...['fsync tmp', 'rename tmp head.obj', 'fsync .'],
      ...append(2),
    ]);
    calls.length = 0;
    version = versionOf(await store.put('head', body, { if: { version } }));
    expect(calls).toEqual(append(3));
    calls.length = 0;
    await store.delete(['head']);
    expect(calls.slice(0, 3)).toEqual(append(4));
  });

  it('of deletions: each directory once, after all that went from it', async () => {
    const store = await openFileStore(directory);
    for (const key of ['a/1', 'a/2', 'b/1']) await store.put(key, body, { if: 'absent' });
    calls.length = 0;
    await store.delete(['a/1', 'b/1', 'a/2', 'a/3']);
    const removed = ['a/1', 'b/1', 'a/2'].flatMap((path) => [
      `rename ${path}.obj ${path}.gen`,
      `unlink ${path}.gen`,
    ]);
    expect(calls).toEqual([...removed, 'fsync a', 'fsync b']);
  });

  it('of uploads: the whole body once at its end, then its name, the directory; nothing of one that is given up', async () => {
    const store = await openFileStore(directory);
    await store.put('a/first', body, { if: 'absent' });
    calls.length = 0;
    const upload = await store.upload('a/key');
    for (let part = 0; part < 3; part++) await upload.write(body);
    expect(calls).toEqual([]);
    expect(await fs.readdir(join(directory, '~tmp'))).toHaveLength(1);
    await upload.finish();
    expect(calls).toEqual(['fsync tmp', 'link tmp a/key.obj', 'fsync a']);
    expect(await fs.readdir(join(directory, '~tmp'))).toEqual([]);
    const given = await store.upload('a/other');
    await given.write(body);
    await given.abort();
    expect(await fs.readdir(join(directory, '~tmp'))).toEqual([]);
    expect(calls.slice(3)).toEqual([]);
    const marked = await store.upload('a/mark');
    await marked.write(utf8Encode('cairn file store 1: deleted at this'));
    await marked.write(utf8Encode(' generation\n'));
    await expect(marked.finish()).rejects.toMatchObject({ code: 'reserved_body' });
    await marked.abort();
    expect(await fs.readdir(join(directory, '~tmp'))).toEqual([]);
  });

  it('of many creations at once: each is fsynced by a directory fsync that began after its link', async () => {
    const store = await openFileStore(directory);
    await store.put('a/first', body, { if: 'absent' });
    calls.length = 0;
    const done: string[] = [];
    await Promise.all(Array.from({ length: 24 }, async (_, at) => put(store, done, `a/${at}`)));
    expect(done).toHaveLength(24);
    expect(calls.filter((call) => call === 'fsync a').length).toBeLessThan(24);
  });
});

async function put(store: ObjectStore, done: string[], key: string): Promise<void> {
  await store.put(key, body, { if: 'absent' });
  const sinceLink = trace.slice(trace.indexOf(`link tmp ${key}.obj`));
  const sinceFsyncBegan = sinceLink.slice(sinceLink.indexOf('began fsync a'));
  if (sinceFsyncBegan.includes('fsync a')) done.push(key);
}

/** Relative to the store; a temporary file is "tmp". */
function shown(path: string): string {
  const name = path.slice(directory.length + 1);
  if (name.startsWith('~tmp/')) return 'tmp';
  return name === '' ? '.' : name;
}

function versionOf(end: PutResult): StoreVersion {
  if (end.status !== 'applied') throw new Error(end.status);
  return end.version;
}
