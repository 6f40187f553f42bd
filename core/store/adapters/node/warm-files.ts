/**
 * The files of a warm directory: which there are, what they weigh, and which may go. Knows files by what it found in the folder,
 * and touches none that is not named as an entry or a temporary file of ours is.
 */
import * as fs from 'node:fs';
import { limits } from '../../../base/limits.js';
import { isErrno } from './file-errors.js';

const PART = /^[0-9a-f]{32}$/;
const ENTRY = /^[0-9a-z][0-9a-z.@-]{0,127}$/;
const TMP = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** Disks give space in blocks of it. */
const BLOCK_BYTES = 4_096;
/** A file system dates by its tick, of up to 10 ms: what was listed sooner than this after its date may have changed since. */
const TICK_MS = 50;
/** With room for one entry, room is made for a few more: finding out what is the oldest looks at all. */
const SPARE_SHARE = 64;

interface EntryFile {
  readonly bytes: number;
  /** When it was read last, as far as known. */
  readonly usedMs: number;
}

/** A directory of one collection's entries. */
interface Listed {
  /** Its date when it was listed; undefined where that says nothing. */
  changedMs: number | undefined;
  readonly files: Map<string, EntryFile>;
}

export class WarmFiles {
  readonly tmp: string;
  readonly #root: string;
  /** By `{store}/{collection}`. */
  readonly #listed = new Map<string, Listed>();

  constructor(root: string) {
    this.#root = root;
    this.tmp = `${root}/tmp`;
  }

  /** Whether the directories of the entry are such, and lead nowhere else. */
  isOurs(name: string): boolean {
    const [store, collection] = name.split('/') as [string, string];
    return [store, `${store}/${collection}`].every((path) => isDirectory(`${this.#root}/${path}`));
  }

  /** False where there is none for it, even alone. */
  async makeRoom(name: string, bytes: number, bytesMax: number): Promise<boolean> {
    const wanted = onDisk(bytes);
    if (wanted > bytesMax) return false;
    fs.mkdirSync(this.tmp, { recursive: true, mode: 0o700 });
    const passing = await this.#tmpBytes();
    await this.#list();
    const replaced = this.#entry(name)?.bytes ?? 0;
    const { bytes: used, count } = this.#sum();
    const over = used + passing + wanted - replaced - bytesMax;
    const surplus = count + 1 - limits.warmEntries;
    if (over <= 0 && surplus <= 0) return true;
    const wantedBytes = over + Math.floor(bytesMax / SPARE_SHARE);
    const freed = this.#evict({ bytes: wantedBytes, count: surplus, keep: name, sparing: true });
    if (freed >= over) return true;
    // All that was left had been read since it was looked at, and its order is known now.
    return freed + this.#evict({ bytes: over - freed, count: 0, keep: name, sparing: false }) >= over;
  }

  /** Gives a temporary file its name, in the place of what is there. */
  enter(tmp: string, name: string): void {
    const directory = directoryOf(name);
    const target = `${this.#root}/${name}`;
    for (let tried = 0; ; tried++) {
      fs.mkdirSync(`${this.#root}/${directory}`, { recursive: true, mode: 0o700 });
      if (!this.isOurs(name)) throw new Error(`${directory} is no directory`);
      try {
        fs.renameSync(tmp, target);
        break;
      } catch (error) {
        // Another process has just removed the directory, because it was empty.
        if (tried > 0 || !isErrno(error, 'ENOENT')) throw error;
      }
    }
    const stat = fs.lstatSync(target, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const listed = this.#listed.get(directory) ?? { changedMs: undefined, files: new Map() };
    listed.files.set(name.slice(directory.length + 1), { bytes: onDisk(stat.size), usedMs: stat.mtimeMs });
    this.#listed.set(directory, listed);
  }

  #entry(name: string): EntryFile | undefined {
    const directory = directoryOf(name);
    return this.#listed.get(directory)?.files.get(name.slice(directory.length + 1));
  }

  #sum(): { readonly bytes: number; readonly count: number } {
    let bytes = 0;
    let count = 0;
    for (const { files } of this.#listed.values()) {
      count += files.size;
      for (const file of files.values()) bytes += file.bytes;
    }
    return { bytes, count };
  }

  /** Learns what other processes have added and removed. */
  async #list(): Promise<void> {
    const found = new Set<string>();
    for (const store of await directoriesIn(this.#root)) {
      for (const collection of await directoriesIn(`${this.#root}/${store}`)) {
        const directory = `${store}/${collection}`;
        found.add(directory);
        await this.#listDirectory(directory);
      }
    }
    for (const directory of this.#listed.keys()) if (!found.has(directory)) this.#listed.delete(directory);
  }

  async #listDirectory(directory: string): Promise<void> {
    const path = `${this.#root}/${directory}`;
    const changedMs = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    const listed: Listed = this.#listed.get(directory) ?? { changedMs: undefined, files: new Map() };
    this.#listed.set(directory, listed);
    if (changedMs === undefined || listed.changedMs === changedMs) return;
    listed.changedMs = changedMs < Date.now() - TICK_MS ? changedMs : undefined;
    const names = new Set((await namesIn(path)).filter((name) => ENTRY.test(name)));
    for (const name of listed.files.keys()) if (!names.has(name)) listed.files.delete(name);
    for (const name of names) {
      if (listed.files.has(name)) continue;
      const stat = fs.lstatSync(`${path}/${name}`, { throwIfNoEntry: false });
      if (stat?.isFile() === true) listed.files.set(name, { bytes: onDisk(stat.size), usedMs: stat.mtimeMs });
    }
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
      listed.files.delete(name);
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
      fs.rmdirSync(`${this.#root}/${directory}`);
      fs.rmdirSync(`${this.#root}/${directory.split('/')[0]}`);
    } catch {
      // Somebody has added to it.
    }
  }

  /** Of what is under way elsewhere, and of what processes that died have left behind until that is removed. */
  async #tmpBytes(): Promise<number> {
    let bytes = 0;
    for (const name of (await namesIn(this.tmp)).filter((each) => TMP.test(each))) {
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

function directoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'));
}

function isDirectory(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function namesIn(path: string): Promise<readonly string[]> {
  return await fs.promises.readdir(path).catch(() => []);
}

/** Named as a store's or a collection's is; no links to such. */
async function directoriesIn(path: string): Promise<readonly string[]> {
  return (await namesIn(path)).filter((name) => PART.test(name) && isDirectory(`${path}/${name}`));
}
