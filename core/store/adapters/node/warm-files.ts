/**
 * The files of a warm directory: which there are, what they weigh, and which may go. Knows files by what it found in the folder,
 * and touches none that is not named as an entry or a temporary file of ours is.
 *
 * A directory is listed again after each entry that came into it, by whichever process. So the entries of a collection lie in 16
 * directories: a listing is short, and there are few to look at. All of it is done at once, as names and dates lie in the kernel's
 * memory: a trip to the thread pool would cost more.
 *
 * Still there may be thousands of directories. So the whole is looked at only after so much was added since the last look, and
 * what this process has added itself is counted in between.
 */
import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { limits } from '../../../base/limits.js';
import { isErrno } from './file-errors.js';

const PART = /^[0-9a-f]{32}$/;
const ENTRY = /^[0-9a-z][0-9a-z.@-]{0,127}$/;
const SHELF = /^[0-9a-f]$/;
const TMP = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** Disks give space in blocks of it. */
const BLOCK_BYTES = 4_096;
/** A file system dates by its tick, of up to 10 ms: what was listed sooner than this after its date may have changed since. */
const TICK_MS = 50;
/** With room for one entry, room is made for a few more: finding out what is the oldest looks at all. */
const SPARE_SHARE = 64;
/** Of the caps, what a process adds at the most without looking at what others have. */
const LOOK_SHARE = 16;

interface EntryFile {
  readonly bytes: number;
  /** When it was read last, as far as known. */
  readonly usedMs: number;
}

/** A directory of entries. */
interface Listed {
  /** Its date when it was listed; undefined where that says nothing. */
  changedMs: number | undefined;
  readonly files: Map<string, EntryFile>;
}

export class WarmFiles {
  readonly tmp: string;
  readonly #root: string;
  /** By `{store}/{collection}/{shelf}`. */
  readonly #listed = new Map<string, Listed>();
  /** Of all in `#listed`. */
  #bytes = 0;
  #count = 0;
  /** What may be added before the next look. */
  #unseenBytes = 0;
  #unseenCount = 0;

  constructor(root: string) {
    this.#root = root;
    this.tmp = `${root}/tmp`;
  }

  /** Where the entry is, or would be; undefined where its directories are not there, or something else is, or a link. */
  tryPath(name: string): string | undefined {
    const path = pathOf(name);
    return directoriesOf(path).every((each) => isDirectory(`${this.#root}/${each}`))
      ? `${this.#root}/${path}`
      : undefined;
  }

  /** False where there is none for it, even alone. */
  makeRoom(name: string, bytes: number, bytesMax: number): boolean {
    const wanted = onDisk(bytes);
    if (wanted > bytesMax) return false;
    mustMakeDirectory(this.tmp);
    const passing = this.#tmpBytes();
    if (wanted > this.#unseenBytes || this.#unseenCount < 1) {
      this.#list();
      this.#unseenBytes = Math.floor(bytesMax / LOOK_SHARE);
      this.#unseenCount = Math.floor(limits.warmEntries / LOOK_SHARE);
    }
    this.#unseenBytes -= wanted;
    this.#unseenCount -= 1;
    const keep = pathOf(name);
    const replaced = this.#listed.get(dirname(keep))?.files.get(basename(keep))?.bytes ?? 0;
    const over = this.#bytes + passing + wanted - replaced - bytesMax;
    const surplus = this.#count + 1 - limits.warmEntries;
    if (over <= 0 && surplus <= 0) return true;
    const wantedBytes = over + Math.floor(bytesMax / SPARE_SHARE);
    const wantedCount = surplus + Math.floor(limits.warmEntries / SPARE_SHARE);
    const freed = this.#evict({ bytes: wantedBytes, count: wantedCount, keep, sparing: true });
    if (freed >= over) return true;
    // All that was left had been read since it was looked at, and its order is known now.
    return freed + this.#evict({ bytes: over - freed, count: 0, keep, sparing: false }) >= over;
  }

  /** Gives a temporary file the entry's name, in the place of what is there. */
  enter(tmp: string, name: string): void {
    const path = pathOf(name);
    for (let tried = 0; ; tried++) {
      for (const each of directoriesOf(path)) mustMakeDirectory(`${this.#root}/${each}`);
      try {
        fs.renameSync(tmp, `${this.#root}/${path}`);
        this.#learn(this.#listedOf(dirname(path)), dirname(path), basename(path));
        return;
      } catch (error) {
        // Another process has just removed the directory, because it was empty.
        if (tried > 0 || !isErrno(error, 'ENOENT')) throw error;
      }
    }
  }

  #listedOf(directory: string): Listed {
    const listed: Listed = this.#listed.get(directory) ?? { changedMs: undefined, files: new Map() };
    this.#listed.set(directory, listed);
    return listed;
  }

  #learn(listed: Listed, directory: string, name: string): void {
    this.#forget(listed, name);
    const stat = fs.lstatSync(`${this.#root}/${directory}/${name}`, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return;
    const bytes = onDisk(stat.size);
    listed.files.set(name, { bytes, usedMs: stat.mtimeMs });
    this.#bytes += bytes;
    this.#count += 1;
  }

  #forget(listed: Listed, name: string): void {
    const file = listed.files.get(name);
    if (file === undefined) return;
    listed.files.delete(name);
    this.#bytes -= file.bytes;
    this.#count -= 1;
  }

  /** Learns what has come and gone. */
  #list(): void {
    const found = new Set<string>();
    for (const store of directoriesIn(this.#root, PART)) {
      for (const collection of directoriesIn(`${this.#root}/${store}`, PART)) {
        for (const shelf of directoriesIn(`${this.#root}/${store}/${collection}`, SHELF)) {
          const directory = `${store}/${collection}/${shelf}`;
          found.add(directory);
          this.#listDirectory(directory);
        }
      }
    }
    for (const [directory, listed] of this.#listed) {
      if (found.has(directory)) continue;
      for (const name of listed.files.keys()) this.#forget(listed, name);
      this.#listed.delete(directory);
    }
  }

  #listDirectory(directory: string): void {
    const path = `${this.#root}/${directory}`;
    const changedMs = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    const listed = this.#listedOf(directory);
    if (changedMs === undefined || listed.changedMs === changedMs) return;
    listed.changedMs = changedMs < Date.now() - TICK_MS ? changedMs : undefined;
    const names = new Set(namesIn(path).filter((name) => ENTRY.test(name)));
    for (const name of listed.files.keys()) if (!names.has(name)) this.#forget(listed, name);
    for (const name of names) if (!listed.files.has(name)) this.#learn(listed, directory, name);
  }

  /** Removes those that were not read for longest. Answers how many bytes went. */
  #evict({ bytes, count, keep, sparing }: Eviction): number {
    let freed = 0;
    let removed = 0;
    for (const { directory, name, listed, file } of this.#oldestFirst()) {
      if (freed >= bytes && removed >= count) break;
      if (`${directory}/${name}` === keep) continue;
      const path = `${this.#root}/${directory}/${name}`;
      const stat = fs.lstatSync(path, { throwIfNoEntry: false });
      if (sparing && stat !== undefined && stat.mtimeMs > file.usedMs) {
        listed.files.set(name, { ...file, usedMs: stat.mtimeMs });
        continue;
      }
      if (stat?.isFile() === true) fs.rmSync(path, { force: true });
      this.#forget(listed, name);
      freed += file.bytes;
      removed++;
      if (listed.files.size === 0) this.#removeEmpty(directory);
    }
    return freed;
  }

  #oldestFirst(): readonly Placed[] {
    const all: Placed[] = [];
    for (const [directory, listed] of this.#listed) {
      for (const [name, file] of listed.files) all.push({ directory, name, listed, file });
    }
    return all.sort((a, b) => a.file.usedMs - b.file.usedMs);
  }

  /** rmdir(2) refuses what is not empty. */
  #removeEmpty(directory: string): void {
    this.#listed.delete(directory);
    try {
      for (let path = directory; path !== '.'; path = dirname(path)) fs.rmdirSync(`${this.#root}/${path}`);
    } catch {
      // Somebody has added to it.
    }
  }

  /** Of what is under way elsewhere, and of what processes that died have left behind until that is removed. */
  #tmpBytes(): number {
    let bytes = 0;
    for (const name of namesIn(this.tmp).filter((each) => TMP.test(each))) {
      const path = `${this.tmp}/${name}`;
      const stat = fs.lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.mtimeMs < Date.now() - limits.warmTmpMs) fs.rmSync(path, { force: true });
      else bytes += onDisk(stat.size);
    }
    return bytes;
  }
}

interface Eviction {
  readonly bytes: number;
  readonly count: number;
  /** Is about to be replaced. */
  readonly keep: string;
  /** Leave what was read since it was looked at last, by whichever process, and note when. */
  readonly sparing: boolean;
}

interface Placed {
  readonly directory: string;
  readonly name: string;
  readonly listed: Listed;
  readonly file: EntryFile;
}

function onDisk(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
}

/** Below the root. The shelf of an entry is any function of its name. */
function pathOf(name: string): string {
  let sum = 0;
  for (let i = 0; i < name.length; i++) sum = (sum * 31 + name.charCodeAt(i)) % 65_521;
  return `${dirname(name)}/${(sum % 16).toString(16)}/${basename(name)}`;
}

/** From the outermost on. */
function directoriesOf(path: string): readonly string[] {
  const parts = dirname(path).split('/');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** Not with its parents: one of them could be a link. */
function mustMakeDirectory(path: string): void {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST') || !isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesIn(path: string): readonly string[] {
  try {
    return fs.readdirSync(path);
  } catch {
    return [];
  }
}

/** No links to such. */
function directoriesIn(path: string, named: RegExp): readonly string[] {
  return namesIn(path).filter((name) => named.test(name) && isDirectory(`${path}/${name}`));
}
