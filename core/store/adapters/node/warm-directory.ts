/**
 * The warm cache in a directory of a local disk: a file for each entry, in a folder of its own, whatever else the directory holds.
 *
 *   {directory}/cairn-warm/{store}/{collection}/{0-f}/{object}@{range}     as the names of entries have it
 *   {directory}/cairn-warm/tmp/{uuid}                                      on its way to such a name
 *
 * Several processes may share it. Each measures the whole of it, counts what it adds itself, one entry at a time, and measures again
 * before that is more than a sixteenth of the cap. It lets the entries go that nobody has read for longest, by the dates of the
 * files, which each hit renews. So a process alone keeps the cap, and each of several passes it by no more than that sixteenth, or the
 * one entry that is larger. What a directory holds is read again only where its date has changed since.
 *
 * Nothing is fsynced: after a power cut an entry may be anything, which its seal finds out. What fails here, a full disk or one
 * that may only be read, is a miss, or an entry that is not kept.
 */
import * as fs from 'node:fs';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { limits } from '../../../base/limits.js';
import type { WarmCache } from '../../warm-cache.js';
import { files, readFully } from './durable-files.js';
import { isErrno } from './file-errors.js';
import { WarmFiles } from './warm-files.js';

export interface WarmDirectoryOptions {
  /** Made where it is missing. */
  readonly directory: string;
  /** Of all entries, as a disk holds them. Default 1 GiB. */
  readonly bytes?: number;
}

const FOLDER = 'cairn-warm';
/** As `WarmCache` has it. */
const NAME = /^[0-9a-f]{32}\/[0-9a-f]{32}\/[0-9a-z][0-9a-z.@-]{0,127}$/;
/** Of no entry of ours is more: its body, and what the seal adds. */
const FILE_BYTES = limits.warmEntryBytes + 4_096;
const OTHERS = 0o077;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Makes nothing before it is used first. Never throws: where it cannot work there are no entries. */
export function warmDirectory({ directory, bytes = limits.warmCacheBytes }: WarmDirectoryOptions): WarmCache {
  return new WarmDirectory(directory, bytes);
}

class WarmDirectory implements WarmCache {
  readonly #root: string;
  readonly #bytesMax: number;
  readonly #files: WarmFiles;
  /** Undefined before the first use, and where the folder has gone since. */
  #usable: boolean | undefined;
  #adding: Promise<void> = Promise.resolve();

  constructor(directory: string, bytesMax: number) {
    this.#root = `${directory}/${FOLDER}`;
    this.#bytesMax = bytesMax;
    this.#files = new WarmFiles(this.#root);
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const path = NAME.test(name) && this.#mayUse() ? this.#files.tryPath(name) : undefined;
    if (path === undefined) return undefined;
    let fd: number | undefined;
    try {
      // Without waiting for who writes to it, should it be a pipe.
      fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stat = fs.fstatSync(fd);
      if (!stat.isFile() || stat.size > FILE_BYTES) return undefined;
      const bytes = new Uint8Array(stat.size);
      if ((await readFully(fd, bytes, 0)) < bytes.length) return undefined;
      this.#touch(fd);
      return bytes;
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  /** One after another. */
  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!NAME.test(name)) return;
    // Where one could not even be cleared away, the next may do better.
    const adding = this.#adding.then(() => this.#add(name, bytes)).catch(() => {});
    this.#adding = adding;
    await adding;
  }

  async #add(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let tried = 0; tried < 2 && this.#mayUse(); tried++) {
      const tmp = `${this.#files.tmp}/${randomUUID()}`;
      try {
        if (!this.#files.makeRoom(name, bytes.length, this.#bytesMax)) return;
        await writeNew(tmp, bytes);
        this.#files.enter(tmp, name);
        return;
      } catch (error) {
        // Not kept, unless the folder was deleted: then it is made again.
        fs.rmSync(tmp, { force: true });
        if (!isErrno(error, 'ENOENT')) return;
        this.#usable = undefined;
      }
    }
  }

  /** So that the date tells when it was read last. On a disk that may only be read it stays. */
  #touch(fd: number): void {
    try {
      const now = Date.now() / 1_000;
      fs.futimesSync(fd, now, now);
    } catch {
      // Whoever evicts takes it for older than it is.
    }
  }

  /** Looks once, and again when the folder was deleted. One that is another user's, or open to others, or leads elsewhere, is not ours. */
  #mayUse(): boolean {
    return (this.#usable ??= this.#tryBegin());
  }

  #tryBegin(): boolean {
    try {
      fs.mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    } catch (error) {
      if (!isErrno(error, 'EEXIST', 'EROFS', 'EACCES', 'EPERM')) return false;
    }
    const stat = fs.lstatSync(this.#root, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true) return false;
    const user = process.getuid?.();
    // Windows has neither users by number nor such modes.
    return user === undefined || (stat.uid === user && (stat.mode & OTHERS) === 0);
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes.length;) {
      at += await files.write(fd, bytes, { offset: at, length: bytes.length - at, position: at });
    }
  } finally {
    fs.closeSync(fd);
  }
}
