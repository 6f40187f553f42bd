/**
 * The folder of an export. Whatever has its final name is whole and on disk: files are written under another name, synced,
 * and renamed.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../core/index.js';
import { damaged, unusable } from './file-fault.js';
import { MANIFEST_FILE, manifestToText, parseManifest } from './manifest.js';
import type { Manifest, ManifestPart } from './manifest.js';

const READ_BYTES = 1_048_576;

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/** A file that gets its name when it is finished. */
export class NewFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  static async create(folder: string, name: string): Promise<NewFile> {
    return new NewFile(folder, name, await open(join(folder, partial(name)), 'w'));
  }

  private constructor(folder: string, name: string, handle: FileHandle) {
    this.#folder = folder;
    this.#name = name;
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    await this.#handle.writeFile(bytes);
  }

  async finish(): Promise<Written> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(join(this.#folder, partial(this.#name)), join(this.#folder, this.#name));
    await syncFolder(this.#folder);
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** Leaves what was written behind: the next run begins the file anew. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }
}

function partial(name: string): string {
  return `${name}.partial`;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const bytes = Buffer.from(manifestToText(manifest));
  mustFit(join(folder, MANIFEST_FILE), bytes.length);
  const file = await NewFile.create(folder, MANIFEST_FILE);
  await file.append(bytes);
  await file.finish();
}

/** What cannot be read is not written. */
function mustFit(path: string, bytes: number): void {
  const [limit, maximum] = ['exportManifestBytes', limits.exportManifestBytes] as const;
  if (bytes <= maximum) return;
  const reason = `${limit} is ${bytes}, the maximum is ${maximum}`;
  throw unusable(path, { code: 'limit_exceeded', reason }, { limit, value: bytes, maximum });
}

/** Undefined where the folder, or the manifest in it, is not there. */
export async function tryReadManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST_FILE);
  const bytes = await tryFileBytes(path);
  if (bytes === undefined) return undefined;
  mustFit(path, bytes);
  const handle = await open(path, 'r');
  try {
    return parseManifest(await handle.readFile('utf8'), path);
  } finally {
    await handle.close();
  }
}

/** Makes it where it is missing. Throws `folder_not_empty`: an export does not mix with other files. */
export async function mustBeEmptyFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw unusable(folder, { code: 'invalid_folder', reason: (error as Error).message });
  }
  const [first] = await readdir(folder);
  if (first === undefined) return;
  const reason = `is not empty (${JSON.stringify(first.slice(0, 80))}) and has no ${MANIFEST_FILE}: choose another folder`;
  throw unusable(folder, { code: 'folder_not_empty', reason });
}

/** Throws `file_damaged` where a part is missing, or is not of the bytes that the manifest tells. Reads it whole. */
export async function verifyPart(folder: string, { name, bytes, sha256 }: ManifestPart): Promise<void> {
  const path = join(folder, name);
  const found = await tryFileBytes(path);
  if (found === undefined) throw damaged(path, { expected: `a file of ${bytes} bytes`, found: 'none' });
  if (found !== bytes) throw damaged(path, { expected: `${bytes} bytes`, found: `${found}` });
  const hash = await hashFile(path);
  if (hash !== sha256) throw damaged(path, { expected: `SHA-256 ${sha256}`, found: hash });
}

/** SHA-256 in hex. */
export async function hashFile(path: string): Promise<string> {
  const handle = await open(path, 'r');
  const hash = createHash('sha256');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Undefined where there is nothing of that name. Only regular files: a pipe or a device may never end. */
export async function tryFileBytes(path: string): Promise<number | undefined> {
  const found = await tryStat(path);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw unusable(path, { code: 'invalid_file', reason: 'is no file' });
  return found.size;
}

export async function isFolder(path: string): Promise<boolean> {
  const found = await tryStat(path);
  if (found === undefined)
    throw unusable(path, { code: 'invalid_file', reason: 'there is no such file or folder' });
  return found.isDirectory();
}

async function tryStat(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, { code: 'invalid_file', reason: (error as Error).message });
  }
}
