/**
 * Mutable objects: how compare-and-swap is made of link(2), which fails where a name exists.
 *
 *   absent       no x.obj; x.gen may be there, of somebody who came to convert too late
 *   plain        x.obj is the body
 *   generations  x.obj is the marker; the value is the file of the highest number in x.gen/, absent if a tombstone
 *
 * A swap at generation n links its fsynced file to n + 1: one of any number of racers wins. After that the newest 8
 * are kept, lower ones unlinked in ascending order; the highest is never unlinked, so the highest never falls. Below a
 * tombstone the kept ones become tombstones too: that frees their bytes and keeps their numbers taken.
 *
 * Stale swaps. A process that stalls between reading n and linking n + 1 may find that name free again because it was
 * pruned, and raise a dead number. Nobody reads it (the highest counts) but its own link succeeded. n + 1 is pruned only
 * by one who saw n + 9 or more; so after linking, a highest of at most n + 8 proves that the link was the first, and
 * above that the answer is `unknown`.
 *
 * Deletion of a plain object: rename(2) of x.obj onto x.gen, which fails where x.gen is a directory, then x.gen, now a
 * file, goes. So the one call that takes the object away is also the one that asks whether somebody makes it mutable: to
 * look first and then unlink x.obj, or to unlink and then look, would hit what others made of the name in between. Once
 * there is a directory x.gen, which is never removed, no deletion touches x.obj: it goes from absent to plain to the
 * marker, and a deletion is a tombstone. A file x.gen is the leftover of a deletion that died between the two calls;
 * whoever comes by the name removes it, since unlink(2) spares a directory.
 *
 * Conversion, plain to generations, keeps the value, so anybody may do or repeat it: (1) make the directory x.gen; (2)
 * read its highest h; (3) hold x.obj by a private link P and look whether it is the marker; (4) link P to h + 1, unless h
 * is that inode already; if the name is taken go back to (2); (5) rename a marker over x.obj. The body keeps its inode, so
 * its version. A crash before (5) leaves plain, after it generations. Because of (1) the late rename of (5), which cannot
 * ask what it hits, finds P or the marker. h is read before x.obj is looked at, so a late link of (4) cannot climb over
 * what was swapped in meanwhile.
 *
 * Readers open x.obj first, always: an object without a marker is plain, whatever lies in x.gen. One who finds the
 * generation gone that it had just listed looks again: at least 8 swaps went by.
 */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { bytesEqual, utf8Encode } from '../../../base/bytes.js';
import { CairnError, corrupt } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { files, readFully } from './durable-files.js';
import type { DurableFiles, TmpFile } from './durable-files.js';
import { isErrno } from './file-errors.js';
import type { ObjectPlace } from './key-paths.js';

export const marker: Uint8Array = utf8Encode(
  'cairn file store 1: the value of this object is in the .gen directory\n',
);
export const tombstone: Uint8Array = utf8Encode('cairn file store 1: deleted at this generation\n');

const NUMBER = /^[1-9][0-9]{0,14}$/;

/** An open file that holds the current state of an object. Whoever gets one closes `fd`. */
export interface CurrentFile {
  readonly fd: number;
  readonly stat: BigIntStats;
  /** 0: plain. */
  readonly generation: number;
  /** A deleted object. */
  readonly buried: boolean;
}

/** The three ends of a put, before it has a version. */
export type WriteEnd =
  { readonly status: 'applied' | 'refused' } | { readonly status: 'unknown'; readonly cause: unknown };

/** Runs what follows once a body may have been seen: what fails from here on is no failure but `unknown`. */
export async function onceVisible(rest: () => Promise<WriteEnd>): Promise<WriteEnd> {
  try {
    return await rest();
  } catch (cause) {
    return { status: 'unknown', cause };
  }
}

export class Generations {
  readonly #files: DurableFiles;

  constructor(durable: DurableFiles) {
    this.#files = durable;
  }

  /** Cost: open and fstat for a plain object, a failed open for an absent one; undefined then. */
  async openCurrent(place: ObjectPlace): Promise<CurrentFile | undefined> {
    for (let round = 0; round < limits.generationRounds; round++) {
      const file = await tryOpen(place.object);
      if (file === undefined) return undefined;
      if (!(await closeIf(file, marker))) return { ...file, generation: 0, buried: false };
      const generation = highest(this.#numbers(place));
      if (generation === 0) {
        throw corrupt({ key: place.key, offset: 0, expected: 'a generation of the object', found: 'none' });
      }
      const top = await tryOpen(`${place.generations}/${generation}`);
      if (top !== undefined) return { ...top, generation, buried: await isBody(top, tombstone) };
    }
    throw contended(place);
  }

  /** What `openCurrent` finds, without the open file. */
  async peek(place: ObjectPlace): Promise<Omit<CurrentFile, 'fd'> | undefined> {
    const current = await this.openCurrent(place);
    if (current === undefined) return undefined;
    files.closeNow(current.fd);
    return current;
  }

  /**
   * Deletes an object that is plain or absent: true, and its directory is to be fsynced. False where somebody has begun
   * to make it mutable. Cost: two calls.
   */
  async trySetAside(place: ObjectPlace): Promise<boolean> {
    try {
      files.renameNow(place.object, place.generations);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return true;
      // Each system has an error of its own for a directory in the way.
      if (files.statNow(place.generations)?.isDirectory() === true) return false;
      throw error;
    }
    await this.#files.step('object-set-aside');
    await this.#files.discard(place.generations);
    await this.#files.step('object-unlinked');
    return true;
  }

  /**
   * Links `tmp` as the generation after `base`. A refusal is final: the value at `base` has been replaced. Throws only
   * while nothing has changed.
   */
  async append(place: ObjectPlace, base: number, tmp: TmpFile): Promise<WriteEnd> {
    if (!(await this.#tryLink(tmp.path, place, base + 1))) return { status: 'refused' };
    return onceVisible(async () => {
      await this.#files.step('generation-linked');
      await this.#files.syncDirectory(place.generations);
      await this.#files.step('generation-synced');
      const numbers = this.#numbers(place);
      const top = highest(numbers);
      await this.#prune(place, numbers, top);
      if (top <= base + limits.generationsKept) return { status: 'applied' };
      return { status: 'unknown', cause: superseded(place, base + 1, top) };
    });
  }

  /** Makes a plain object mutable without changing its value. Does nothing where there is none or it is mutable. */
  async convert(place: ObjectPlace): Promise<void> {
    await this.#begin(place);
    await this.#files.step('generations-made');
    for (let round = 0; round < limits.generationRounds; round++) {
      const top = highest(this.#numbers(place));
      const held = await this.#hold(place);
      if (held === undefined) return;
      try {
        await this.#files.step('plain-held');
        const placed = top > 0 && (await inodeOf(`${place.generations}/${top}`)) === held.stat.ino;
        if (!placed && !(await this.#tryLink(held.path, place, top + 1))) continue;
        await this.#files.step('generation-linked');
        await this.#files.syncDirectory(place.generations);
        await this.#placeMarker(place);
        return;
      } finally {
        await this.#files.discard(held.path);
      }
    }
    throw contended(place);
  }

  /**
   * Puts a tombstone on top. Where a racer writes above it at once, the delete came first. Requires: generations.
   * Throws where so many wrote above that nobody can tell whether the tombstone had been the first of its number: another
   * one could delete a second time, what was made after the first.
   */
  async bury(place: ObjectPlace): Promise<void> {
    const tmp = await this.#files.writeTmp(tombstone);
    try {
      for (let round = 0; round < limits.generationRounds; round++) {
        const base = highest(this.#numbers(place));
        const top = await tryOpen(`${place.generations}/${base}`);
        if (top === undefined) continue;
        if (await closeIf(top, tombstone)) return;
        files.closeNow(top.fd);
        const end = await this.append(place, base, tmp);
        if (end.status === 'unknown') throw end.cause;
        if (end.status === 'applied') return await this.#empty(place, tmp, base + 1);
      }
      throw contended(place);
    } finally {
      await this.#files.discard(tmp.path);
    }
  }

  /** Makes the directory x.gen, in the place of what a deletion may have set aside there. */
  async #begin(place: ObjectPlace): Promise<void> {
    for (let round = 0; round < limits.generationRounds; round++) {
      try {
        return await this.#files.ensureDirectory(place.generations);
      } catch (error) {
        if (!isErrno(error, 'EEXIST')) throw error;
        await this.#files.discard(place.generations);
      }
    }
    throw contended(place);
  }

  /** A private link to the plain file, or undefined where there is none (any more). */
  async #hold(place: ObjectPlace): Promise<TmpFile | undefined> {
    const path = this.#files.tmpPath();
    try {
      await files.link(place.object, path);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
    const file = await tryOpen(path);
    if (file === undefined || (await closeIf(file, marker))) {
      await this.#files.discard(path);
      return undefined;
    }
    files.closeNow(file.fd);
    return { path, stat: file.stat };
  }

  async #placeMarker(place: ObjectPlace): Promise<void> {
    const tmp = await this.#files.writeTmp(marker);
    try {
      await this.#files.rename(tmp.path, place.object);
    } catch (error) {
      await this.#files.discard(tmp.path);
      throw error;
    }
    await this.#files.step('marker-placed');
    await this.#files.syncDirectory(place.directory);
    await this.#files.step('marker-synced');
  }

  async #tryLink(existing: string, place: ObjectPlace, generation: number): Promise<boolean> {
    try {
      await this.#files.link(existing, `${place.generations}/${generation}`);
      return true;
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** In ascending order: a number is free again only when every lower one is. What is left over goes next time. */
  async #prune(place: ObjectPlace, numbers: readonly number[], top: number): Promise<void> {
    const old = numbers.filter((number) => number <= top - limits.generationsKept).sort((a, b) => a - b);
    for (const number of old) {
      try {
        await files.unlink(`${place.generations}/${number}`);
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) return;
      }
      await this.#files.step('generation-pruned');
    }
  }

  /** What cannot be emptied now only keeps its space. */
  async #empty(place: ObjectPlace, tmp: TmpFile, below: number): Promise<void> {
    for (const number of this.#numbers(place).filter((kept) => kept < below)) {
      const path = this.#files.tmpPath();
      await files.link(tmp.path, path).catch(() => {});
      await files.rename(path, `${place.generations}/${number}`).catch(() => {});
      // A rename onto a link of the same file does nothing.
      await this.#files.discard(path);
      await this.#files.step('generation-emptied');
    }
  }

  #numbers(place: ObjectPlace): number[] {
    try {
      return files
        .readdirNow(place.generations)
        .filter((name) => NUMBER.test(name))
        .map(Number);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }
}

function highest(numbers: readonly number[]): number {
  return numbers.reduce((top, number) => Math.max(top, number), 0);
}

function superseded(place: ObjectPlace, generation: number, top: number): CairnError {
  const message = `generation ${generation} of object ${place.key} was written below generation ${top}`;
  return new CairnError('conflict', 'store_superseded', message, {
    details: { key: place.key, generation, top },
    outcome: 'unknown',
  });
}

export function reservedBody(key: string): CairnError {
  return new CairnError('invalid', 'reserved_body', `the body of ${key} is a mark of the file store itself`, {
    details: { key },
    outcome: 'not_applied',
  });
}

export function contended(place: ObjectPlace): CairnError {
  const message = `object ${place.key} changed under ${limits.generationRounds} looks at it`;
  return new CairnError('unavailable', 'store_contended', message, {
    details: { key: place.key, rounds: limits.generationRounds },
  });
}

async function tryOpen(
  path: string,
): Promise<{ readonly fd: number; readonly stat: BigIntStats } | undefined> {
  let fd: number;
  try {
    fd = await files.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    return { fd, stat: files.fstatNow(fd) };
  } catch (error) {
    files.closeNow(fd);
    throw error;
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await files.stat(path)).ino;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Reads nothing where the length already differs. Closes the file should the read fail. */
async function isBody(file: { fd: number; stat: BigIntStats }, body: Uint8Array): Promise<boolean> {
  if (file.stat.size !== BigInt(body.length)) return false;
  try {
    const found = new Uint8Array(body.length);
    return (await readFully(file.fd, found, 0)) === body.length && bytesEqual(found, body);
  } catch (error) {
    files.closeNow(file.fd);
    throw error;
  }
}

/** Closes the file and answers true where it holds `body`. */
async function closeIf(file: { fd: number; stat: BigIntStats }, body: Uint8Array): Promise<boolean> {
  if (!(await isBody(file, body))) return false;
  files.closeNow(file.fd);
  return true;
}
