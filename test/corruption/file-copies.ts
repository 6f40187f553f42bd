/** The bucket as a directory, copied for each damage. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { NOW_MS } from './bucket.js';
import type { Damage } from './damage.js';
import type { Image } from './image.js';

/** Its objects are of the day that the processes have: what expires, and what goes for good, depends on both. */
function dated(store: ObjectStore): ObjectStore {
  return {
    description: store.description,
    get: async (key, options) => {
      const got = await store.get(key, options);
      return got.status === 'found' ? { ...got, modifiedMs: NOW_MS } : got;
    },
    put: async (key, bytes, options) => {
      const put = await store.put(key, bytes, options);
      return put.status === 'applied' ? { ...put, modifiedMs: NOW_MS } : put;
    },
    upload: (key) => store.upload(key),
    list: (prefix, options) => store.list(prefix, options),
    delete: (keys) => store.delete(keys),
    close: () => store.close(),
  };
}

export class FileCopies {
  readonly #image: Image;
  readonly #root = mkdtempSync(join(tmpdir(), 'cairn-corruption-'));
  #copies = 0;

  private constructor(image: Image) {
    this.#image = image;
  }

  static async of(image: Image): Promise<FileCopies> {
    const copies = new FileCopies(image);
    const store = await copies.#open('intact');
    for (const [key, bytes] of image) await store.put(key, bytes, { if: 'absent' });
    await store.close();
    return copies;
  }

  /** Requires: the one before is of no use any more. */
  async damaged({ keys, of }: Damage): Promise<ObjectStore> {
    rmSync(this.#pathOf(`copy-${this.#copies}`), { recursive: true, force: true });
    const name = `copy-${++this.#copies}`;
    cpSync(this.#pathOf('intact'), this.#pathOf(name), { recursive: true });
    const store = dated(await this.#open(name));
    for (const key of keys) {
      const bytes = of.get(key);
      if (bytes === undefined) await store.delete([key]);
      else if (bytes !== this.#image.get(key)) await store.put(key, bytes, { if: 'any' });
    }
    return store;
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #pathOf(name: string): string {
    return join(this.#root, name);
  }

  async #open(name: string): Promise<ObjectStore> {
    return await openFileStore(this.#pathOf(name), { create: true });
  }
}
