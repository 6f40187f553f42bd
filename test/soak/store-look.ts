/** A look at a file store beside the library: heads, keys, and the files that hold them. */
import { readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Uid } from '../../core/base/ids.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import type { LogContext } from '../../core/log/index.js';
import { portableDeflate } from '../../core/segment/index.js';
import { nodeSha256, openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../core/system-ports.js';

const KERNEL_BYTES = 16 * 1024 * 1024;

export class StoreLook {
  readonly folder: string;
  readonly store: ObjectStore;
  readonly #ports: LogContext['ports'];

  private constructor(folder: string, store: ObjectStore, ports: LogContext['ports']) {
    this.folder = folder;
    this.store = store;
    this.#ports = ports;
  }

  /** Of a run. */
  static async open(run: string): Promise<StoreLook> {
    const folder = join(run, 'store');
    const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: KERNEL_BYTES });
    const digests = createDigests(kernel, nodeSha256);
    const ports = { clock: systemClock, random: systemRandom, sleep: systemSleep, digests };
    return new StoreLook(folder, await openFileStore(folder, { create: false }), {
      ...ports,
      deflate: portableDeflate,
    });
  }

  context(uid: Uid): LogContext {
    return { store: this.store, ports: this.#ports, uid };
  }

  async uids(): Promise<readonly Uid[]> {
    const keys = (await this.store.list('c/')).map(({ key }) => key.split('/')[1] as Uid);
    return [...new Set(keys)];
  }
}

export interface StoredFile {
  /** Below the folder. */
  readonly path: string;
  readonly bytes: number;
}

/** Every file once: one of several names under that which is no temporary one. */
export async function filesOf(folder: string): Promise<readonly StoredFile[]> {
  const seen = new Set<number>();
  const files: StoredFile[] = [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const isTemporary = ({ parentPath }: Dirent): boolean => basename(parentPath) === '~tmp';
  for (const entry of entries.toSorted((a, b) => Number(isTemporary(a)) - Number(isTemporary(b)))) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { ino, size } = await lstat(path);
    if (!seen.has(ino)) files.push({ path: path.slice(folder.length + 1), bytes: size });
    seen.add(ino);
  }
  return files;
}
