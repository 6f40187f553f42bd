/**
 * The object store in a directory: the embedded default, meant for real data. Atomic across processes without lock
 * files; a crash at any point leaves the old state or the new one.
 *
 * - create: a fsynced temporary file is linked to its name, which fails where the name exists; then the directory is
 *   fsynced. Cost: two fsyncs.
 * - compare-and-swap: generations.ts. Cost: two fsyncs, six for the first swap of an object.
 * - delete: a rename that fails where somebody makes the object mutable, then an unlink; of a mutable object one more
 *   generation. Cost: one fsync per directory, two and more per mutable object.
 * - get: open, fstat, read of one file; for a mutable object its marker and a short directory before that.
 * - a version is inode, modification time and size of the file that holds the value; files are never changed in place.
 * - an object's date is the time at which its body was written, by this machine's clock.
 */
import type { BigIntStats } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { bytesEqual } from '../../../base/bytes.js';
import { CairnError, corrupt } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { clampRange, mustBeKey, mustBeList, mustBePut, mustBeRange } from '../../index.js';
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreVersion,
  Upload,
} from '../../index.js';
import { DurableFiles, files, readFully } from './durable-files.js';
import type { OnStep, TmpFile } from './durable-files.js';
import { fileError, isErrno } from './file-errors.js';
import { walkKeys } from './file-listing.js';
import { openFileUpload } from './file-upload.js';
import { contended, Generations, marker, onceVisible, reservedBody, tombstone } from './generations.js';
import type { CurrentFile, WriteEnd } from './generations.js';
import { placeOf } from './key-paths.js';
import type { ObjectPlace } from './key-paths.js';

export interface FileStoreOptions {
  /** Make the directory where it is missing. Default true. */
  readonly create?: boolean;
  /** For tests: called at every named step of a write. A throw is a failure there, a promise that never settles a crash. */
  readonly onStep?: OnStep;
}

/** Opens the store in directory `path`. Throws `not_found` or `invalid` where there is none to be had. */
export async function openFileStore(path: string, options: FileStoreOptions = {}): Promise<ObjectStore> {
  const root = resolve(path);
  try {
    if (options.create !== false) await makeRoot(root);
    if (!(await files.stat(root)).isDirectory()) throw notDirectory(root);
    const durable = new DurableFiles(root, options.onStep);
    await durable.sweepTmp();
    return new FileStore(durable);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      throw new CairnError('not_found', 'store_not_found', `there is no store directory ${root}`, {
        details: { path: root },
        cause: error,
      });
    }
    if (isErrno(error, 'ENOTDIR', 'EEXIST')) throw notDirectory(root);
    throw fileError(error, { access: 'write', path: root });
  }
}

async function makeRoot(root: string): Promise<void> {
  const made = await mkdir(root, { recursive: true });
  // Every new directory's name is in its parent: from the root up to the first that was there before.
  if (made !== undefined) await new DurableFiles(dirname(made), undefined).ensureDirectory(root);
}

function notDirectory(root: string): CairnError {
  return new CairnError('invalid', 'store_not_a_directory', `${root} is not a directory: a store is one`, {
    details: { path: root },
  });
}

class FileStore implements ObjectStore {
  readonly description: string;
  readonly #files: DurableFiles;
  readonly #generations: Generations;

  constructor(durable: DurableFiles) {
    this.#files = durable;
    this.#generations = new Generations(durable);
    this.description = `file:${durable.root}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    if (options.range !== undefined) mustBeRange(key, options.range);
    const place = placeOf(this.#files.root, key);
    try {
      const current = await this.#generations.openCurrent(place);
      if (current === undefined) return { status: 'absent' };
      try {
        return await readObject(key, current, options);
      } finally {
        files.closeNow(current.fd);
      }
    } catch (error) {
      throw fileError(error, { access: 'read', path: place.object });
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    if (bytesEqual(bytes, marker) || bytesEqual(bytes, tombstone)) throw reservedBody(key);
    const place = placeOf(this.#files.root, key);
    try {
      if (options.if === 'absent') return await this.#create(place, bytes);
      if (options.if === 'any') return await this.#withTmp(bytes, (tmp) => this.#replace(place, tmp));
      return await this.#swap(place, bytes, options.if.version);
    } catch (error) {
      throw fileError(error, { access: 'write', path: place.object });
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    const place = placeOf(this.#files.root, key);
    return openFileUpload({
      files: this.#files,
      place,
      publish: (tmp) => this.#replace(place, tmp),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const { after = '', limit = Number.POSITIVE_INFINITY } = options;
    const listed: ListedObject[] = [];
    const { root } = this.#files;
    try {
      let batch: string[] = [];
      for await (const key of walkKeys(root, { prefix, after })) {
        batch.push(key);
        if (batch.length < Math.min(limits.fileStatParallel, limit - listed.length)) continue;
        listed.push(...(await this.#sizes(batch)));
        batch = [];
        if (listed.length >= limit) return listed;
      }
      listed.push(...(await this.#sizes(batch)));
      return listed;
    } catch (error) {
      throw fileError(error, { access: 'read', path: root });
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    const touched = new Set<string>();
    for (const key of keys) {
      const place = placeOf(this.#files.root, key);
      try {
        if (await this.#remove(place)) touched.add(place.directory);
      } catch (error) {
        throw fileError(error, { access: 'delete', path: place.object });
      }
    }
    for (const directory of touched) {
      await this.#files.syncDirectory(directory).catch((error: unknown) => {
        throw fileError(error, { access: 'delete', path: directory });
      });
    }
    await this.#files.step('object-synced');
  }

  async close(): Promise<void> {
    // Nothing is held between calls: no handle, no lock.
  }

  async #create(place: ObjectPlace, bytes: Uint8Array): Promise<PutResult> {
    // Who comes late is refused before a body is written and fsynced for nothing.
    const taken = files.statNow(place.object);
    if (taken !== undefined && !mayBeMarker(taken)) return { status: 'refused' };
    return this.#withTmp(bytes, async (tmp) => {
      const linked = await this.#linkNew(place, tmp);
      if (linked !== undefined) return linked;
      const current = await this.#look(place);
      // Over a tombstone the object is absent, and stays mutable.
      return current?.buried === true ? this.#append(place, current.generation, tmp) : { status: 'refused' };
    });
  }

  /**
   * Without a condition: a creation where there is nothing, else one more generation. Never a rename over what is
   * there: a late conversion would rename its marker over that (generations.ts), and bring back what was replaced.
   */
  async #replace(place: ObjectPlace, tmp: TmpFile): Promise<PutResult> {
    for (let round = 0; round < limits.generationRounds; round++) {
      const linked = await this.#linkNew(place, tmp);
      if (linked !== undefined) return linked;
      await this.#generations.convert(place);
      const current = await this.#look(place);
      if (current === undefined || current.generation === 0) continue;
      const end = await this.#append(place, current.generation, tmp);
      if (end.status !== 'refused') return end;
    }
    throw contended(place);
  }

  /** The end of a put to a name that was free, or undefined where it is taken. */
  async #linkNew(place: ObjectPlace, tmp: TmpFile): Promise<PutResult | undefined> {
    try {
      await this.#files.link(tmp.path, place.object);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return undefined;
      throw error;
    }
    const end = await onceVisible(async () => {
      await this.#files.step('object-linked');
      await this.#files.syncDirectory(place.directory);
      await this.#files.step('object-synced');
      return { status: 'applied' };
    });
    return putResult(end, tmp.stat);
  }

  async #swap(place: ObjectPlace, bytes: Uint8Array, version: StoreVersion): Promise<PutResult> {
    for (let round = 0; round < limits.generationRounds; round++) {
      const current = await this.#generations.peek(place);
      if (current === undefined || current.buried || versionOf(current.stat) !== version)
        return { status: 'refused' };
      if (current.generation > 0) {
        return this.#withTmp(bytes, (tmp) => this.#append(place, current.generation, tmp));
      }
      await this.#generations.convert(place);
    }
    return { status: 'refused' };
  }

  /** Answers whether a directory entry went away that has to be fsynced. */
  async #remove(place: ObjectPlace): Promise<boolean> {
    for (let round = 0; round < limits.generationRounds; round++) {
      const current = await this.#look(place);
      if (current === undefined || current.buried) return false;
      if (current.generation > 0) {
        await this.#generations.bury(place);
        return false;
      }
      // A rename would take it away, whoever's it is, where an unlink refuses.
      if (current.stat.isDirectory()) {
        throw corrupt({ key: place.key, offset: 0, expected: 'a file', found: 'a directory' });
      }
      if (await this.#generations.trySetAside(place)) return true;
      await this.#generations.convert(place);
    }
    throw contended(place);
  }

  /** `peek`, but one stat suffices for what is no marker by its size. */
  async #look(place: ObjectPlace): Promise<Omit<CurrentFile, 'fd'> | undefined> {
    const stat = await statOrAbsent(place.object);
    if (stat === undefined) return undefined;
    if (!mayBeMarker(stat)) return { stat, generation: 0, buried: false };
    return this.#generations.peek(place);
  }

  async #sizes(keys: readonly string[]): Promise<ListedObject[]> {
    const found = await Promise.all(keys.map((key) => this.#look(placeOf(this.#files.root, key))));
    return found.flatMap((current, at) =>
      current === undefined || current.buried ? [] : [{ key: keys[at]!, size: Number(current.stat.size) }],
    );
  }

  async #append(place: ObjectPlace, base: number, tmp: TmpFile): Promise<PutResult> {
    return putResult(await this.#generations.append(place, base, tmp), tmp.stat);
  }

  async #withTmp<T>(bytes: Uint8Array, use: (tmp: TmpFile) => Promise<T>): Promise<T> {
    const tmp = await this.#files.writeTmp(bytes);
    try {
      return await use(tmp);
    } finally {
      await this.#files.discard(tmp.path);
    }
  }
}

function putResult(end: WriteEnd, stat: BigIntStats): PutResult {
  if (end.status === 'unknown') return end;
  if (end.status === 'refused') return { status: 'refused' };
  return { status: 'applied', version: versionOf(stat), modifiedMs: modifiedMsOf(stat) };
}

async function readObject(key: string, current: CurrentFile, options: GetOptions): Promise<GetResult> {
  const { fd, stat } = current;
  if (current.buried) return { status: 'absent' };
  const version = versionOf(stat);
  if (options.unless === version) return { status: 'unchanged' };
  const size = Number(stat.size);
  const { offset, length } = clampRange(key, options.range, size);
  const { into } = options;
  const bytes = into !== undefined && into.length >= length ? into.subarray(0, length) : ownBytes(length);
  const found = await readFully(fd, bytes, offset);
  if (found < length) {
    throw corrupt({
      key,
      offset: offset + found,
      expected: `${size} bytes`,
      found: `${offset + found} bytes`,
    });
  }
  return { status: 'found', bytes, size, version, modifiedMs: modifiedMsOf(stat) };
}

/** Not zeroed first, and not out of Node's shared pool: the caller owns the whole buffer. */
function ownBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
}

function versionOf(stat: BigIntStats): StoreVersion {
  return `${stat.ino.toString(36)}-${stat.mtimeNs.toString(36)}-${stat.size.toString(36)}` as StoreVersion;
}

function mayBeMarker(stat: BigIntStats): boolean {
  return stat.size === BigInt(marker.length);
}

function modifiedMsOf(stat: BigIntStats): number {
  return Number(stat.mtimeNs / 1_000_000n);
}

async function statOrAbsent(path: string): Promise<BigIntStats | undefined> {
  try {
    return await files.stat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
