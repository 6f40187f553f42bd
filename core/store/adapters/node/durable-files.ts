/**
 * Files and directories that survive a power cut: bodies are written and fsynced under a temporary name before any
 * other name leads to them, and a directory is fsynced after its entries change. Owns `~tmp`, the cache of directories
 * known to be durable, and the named steps at which a test may stop the world.
 */
import * as fs from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { limits } from '../../../base/limits.js';
import { errnoOf, isErrno } from './file-errors.js';
import { TMP_DIRECTORY } from './key-paths.js';

/** Every point of a write between two changes of what is on disk: a crash at any of them leaves the old or the new. */
export type FileStoreStep =
  | 'tmp-created'
  | 'tmp-written'
  | 'tmp-synced'
  | 'object-linked'
  | 'object-set-aside'
  | 'object-unlinked'
  | 'object-synced'
  | 'generations-made'
  | 'generation-linked'
  | 'generation-synced'
  | 'generation-pruned'
  | 'generation-emptied'
  | 'plain-held'
  | 'marker-placed'
  | 'marker-synced';

export type OnStep = (step: FileStoreStep) => void | Promise<void>;

interface FileCalls {
  open: (path: string, flags: string | number) => Promise<number>;
  read: (fd: number, into: Uint8Array, part: FilePart) => Promise<number>;
  write: (fd: number, from: Uint8Array, part: FilePart) => Promise<number>;
  fsync: (fd: number) => Promise<void>;
  link: (existing: string, target: string) => Promise<void>;
  unlink: (path: string) => Promise<void>;
  rename: (existing: string, target: string) => Promise<void>;
  mkdir: (path: string) => Promise<void>;
  readdir: (path: string) => Promise<string[]>;
  stat: (path: string) => Promise<BigIntStats>;
  /** Of a directory that is known to be short. This and what follows touch the kernel's memory only, on a local disk. */
  readdirNow: (path: string) => string[];
  statNow: (path: string) => BigIntStats | undefined;
  renameNow: (existing: string, target: string) => void;
  openDirectoryNow: (path: string) => number;
  fstatNow: (fd: number) => BigIntStats;
  futimesNow: (fd: number, seconds: number) => void;
  closeNow: (fd: number) => void;
}

interface FilePart {
  readonly offset: number;
  readonly length: number;
  readonly position: number;
}

const readCall = promisify(fs.read);
const writeCall = promisify(fs.write);
const mkdirCall = promisify(fs.mkdir);

/**
 * The system calls of the store. What moves bodies or waits for the disk goes to the thread pool, by callbacks: a
 * FileHandle costs as much again as a small call. What only looks up or changes a name, or reads no more than a few pages,
 * is made at once: it takes 5 to 50 us in the kernel's memory, while each trip to the pool costs hundreds where processor
 * cores are few, and comes back only after all that the loop has to do meanwhile.
 */
export const files: FileCalls = {
  open: async (path, flags) => fs.openSync(path, flags),
  read: async (fd, into, { offset, length, position }) =>
    length <= SHORT_BYTES
      ? fs.readSync(fd, into, offset, length, position)
      : (await readCall(fd, into, offset, length, position)).bytesRead,
  write: async (fd, from, { offset, length, position }) =>
    (await writeCall(fd, from, offset, length, position)).bytesWritten,
  fsync: promisify(fs.fsync),
  link: async (existing, target) => fs.linkSync(existing, target),
  unlink: async (path) => fs.unlinkSync(path),
  rename: promisify(fs.rename),
  mkdir: (path) => mkdirCall(path),
  readdir: promisify(fs.readdir),
  stat: async (path) => fs.statSync(path, { bigint: true }),
  readdirNow: (path) => fs.readdirSync(path),
  statNow: (path) => fs.statSync(path, { bigint: true, throwIfNoEntry: false }),
  renameNow: (existing, target) => fs.renameSync(existing, target),
  openDirectoryNow: (path) => fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY),
  fstatNow: (fd) => fs.fstatSync(fd, { bigint: true }),
  futimesNow: (fd, seconds) => fs.futimesSync(fd, seconds, seconds),
  closeNow: (fd) => fs.closeSync(fd),
};

/** Marks, heads and slots of small writes. */
const SHORT_BYTES = 16_384;
/** One call of write(2) or read(2) moves less than 2 GiB. */
const CALL_BYTES = 1024 * 1024 * 1024;
const TMP_AGE_MS = 24 * 60 * 60 * 1000;

export interface TmpFile {
  readonly path: string;
  readonly stat: BigIntStats;
}

export class DurableFiles {
  readonly root: string;
  readonly #tmp: string;
  readonly #onStep: OnStep | undefined;
  /** Directories whose own entry is known to be on disk. */
  readonly #durable = new Set<string>();
  readonly #syncs = new Map<string, { readonly running: Promise<void>; next?: Promise<void> }>();

  constructor(root: string, onStep: OnStep | undefined) {
    this.root = root;
    this.#tmp = `${root}/${TMP_DIRECTORY}`;
    this.#onStep = onStep;
  }

  async step(step: FileStoreStep): Promise<void> {
    if (this.#onStep !== undefined) await this.#onStep(step);
  }

  tmpPath(): string {
    return `${this.#tmp}/${randomUUID()}`;
  }

  /** Writes and fsyncs `bytes` under a temporary name. The caller links it to where it belongs and discards it. */
  async writeTmp(bytes: Uint8Array): Promise<TmpFile> {
    const writer = await this.openTmp();
    try {
      await writer.write(bytes);
      return await writer.seal();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  /** A temporary file that is written piece by piece. The caller seals or abandons it. */
  async openTmp(): Promise<TmpWriter> {
    const path = this.tmpPath();
    const writer = new TmpWriter(this, path, await this.#openTmp(path));
    try {
      await this.step('tmp-created');
      return writer;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  /** A temporary file that cannot be removed now is swept a day later. */
  async discard(path: string): Promise<void> {
    await files.unlink(path).catch(() => {});
  }

  /**
   * Makes `directory` and its parents, down to the disk. EEXIST where a name is taken by something else. Cost: nothing
   * where this process has done it before.
   */
  async ensureDirectory(directory: string): Promise<void> {
    if (directory === this.root || this.#durable.has(directory)) return;
    const parent = dirname(directory);
    await this.ensureDirectory(parent);
    try {
      await files.mkdir(directory);
    } catch (error) {
      if (!isErrno(error, 'EEXIST') || files.statNow(directory)?.isDirectory() !== true) throw error;
    }
    // Also where it was there already: who made it may not have come as far as its fsync.
    await this.syncDirectory(parent);
    if (this.#durable.size >= limits.durableDirectories) this.#durable.clear();
    this.#durable.add(directory);
  }

  /** link(2) to a new name: EEXIST where it is taken. */
  async link(existing: string, target: string): Promise<void> {
    await this.#enter(dirname(target), () => files.link(existing, target));
  }

  /** rename(2), over what is there. */
  async rename(existing: string, target: string): Promise<void> {
    await this.#enter(dirname(target), () => files.rename(existing, target));
  }

  /** Fsyncs a directory. Callers that come while one fsync runs share the one after it. */
  syncDirectory(directory: string): Promise<void> {
    const current = this.#syncs.get(directory);
    if (current === undefined) return this.#startSync(directory);
    current.next ??= current.running.then(
      () => this.#startSync(directory),
      () => this.#startSync(directory),
    );
    return current.next;
  }

  /** Removes what writers that died left behind. */
  async sweepTmp(): Promise<void> {
    await files.mkdir(this.#tmp).catch((error: unknown) => {
      // A store on a read-only medium can still be read.
      if (!isErrno(error, 'EEXIST', 'EROFS', 'EACCES', 'EPERM')) throw error;
    });
    const names = await files.readdir(this.#tmp).catch(() => []);
    const before = Date.now() - TMP_AGE_MS;
    for (const name of names) {
      const path = `${this.#tmp}/${name}`;
      const stat = await files.stat(path).catch(() => undefined);
      // A link to an old body is as old as that. It takes no room, and a conversion may be about to use it.
      if (stat === undefined || stat.nlink > 1n) continue;
      if (Number(stat.mtimeNs / 1_000_000n) < before) await this.discard(path);
    }
  }

  /** Makes an entry in a directory that was made durable before, and is made again should somebody have removed it. */
  async #enter(directory: string, act: () => Promise<void>): Promise<void> {
    await this.ensureDirectory(directory);
    try {
      await act();
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      this.#durable.clear();
      await this.ensureDirectory(directory);
      await act();
    }
  }

  #startSync(directory: string): Promise<void> {
    const running = fsyncDirectory(directory).finally(() => {
      // A successor, if any, has been chained to `running` and registers itself when it starts.
      if (this.#syncs.get(directory)?.running === running) this.#syncs.delete(directory);
    });
    this.#syncs.set(directory, { running });
    return running;
  }

  async #openTmp(path: string): Promise<number> {
    try {
      return await files.open(path, 'wx');
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      await files.mkdir(this.#tmp).catch((made: unknown) => {
        if (!isErrno(made, 'EEXIST')) throw made;
      });
      return files.open(path, 'wx');
    }
  }
}

/** An open file below `~tmp`. */
export class TmpWriter {
  readonly #files: DurableFiles;
  readonly #path: string;
  #fd: number | undefined;
  #position = 0;

  constructor(durable: DurableFiles, path: string, fd: number) {
    this.#files = durable;
    this.#path = path;
    this.#fd = fd;
  }

  /** Requires: not sealed and not abandoned, and no other write runs. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(CALL_BYTES, bytes.length - at);
      const done = await files.write(this.#fd!, bytes, { offset: at, length, position: this.#position });
      at += done;
      this.#position += done;
    }
  }

  /** Fsyncs and closes the file. The caller links it to where it belongs and discards it. */
  async seal(): Promise<TmpFile> {
    const fd = this.#fd!;
    await this.#files.step('tmp-written');
    files.futimesNow(fd, uniqueWallS());
    await files.fsync(fd);
    const stat = files.fstatNow(fd);
    await this.#files.step('tmp-synced');
    this.#close();
    return { path: this.#path, stat };
  }

  async abandon(): Promise<void> {
    this.#close();
    await this.#files.discard(this.#path);
  }

  #close(): void {
    if (this.#fd === undefined) return;
    files.closeNow(this.#fd);
    this.#fd = undefined;
  }
}

/** Requires: `target` has the length asked for. Answers how many bytes there were: fewer where the file ends early. */
export async function readFully(fd: number, target: Uint8Array, position: number): Promise<number> {
  let at = 0;
  while (at < target.length) {
    const length = Math.min(CALL_BYTES, target.length - at);
    const done = await files.read(fd, target, { offset: at, length, position: position + at });
    if (done === 0) break;
    at += done;
  }
  return at;
}

async function fsyncDirectory(directory: string): Promise<void> {
  const fd = files.openDirectoryNow(directory);
  try {
    await files.fsync(fd);
  } catch (error) {
    // Some network file systems write directories through and refuse to fsync them.
    if (errnoOf(error) !== 'EINVAL') throw error;
  } finally {
    files.closeNow(fd);
  }
}

/** The last stamp of this process, in microseconds. */
let lastStampUs = 0;
/** A clock that was set back by more begins anew: stamps that ran ahead of it would be taken for the dates of bodies. */
const CLOCK_STEP_US = 1_000_000;

/**
 * The wall clock in seconds, with microseconds of which no two writes of this process share the same: a file system
 * stamps files by its tick (up to 4 ms) and gives an inode that was freed to the next file at once, so without this a
 * deleted and re-created object could have the version of the old one. The microseconds come from the monotonic clock,
 * which all processes of a machine share; where a pause between the two readings brings an instant back, or two come
 * within one, the later stamp is the next one that is free. Half a microsecond is added against rounding.
 */
function uniqueWallS(): number {
  const now = Date.now() * 1_000 + Number((process.hrtime.bigint() / 1_000n) % 1_000n);
  const taken = now <= lastStampUs && lastStampUs - now < CLOCK_STEP_US;
  lastStampUs = taken ? lastStampUs + 1 : now;
  return (lastStampUs + 0.5) / 1_000_000;
}
