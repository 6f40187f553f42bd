/** A warm cache in a map, for tests that look at its entries or change them. Keeps copies, as every cache does. */
import type { WarmCache } from '../../core/store/index.js';

export class MapCache implements WarmCache {
  readonly entries = new Map<string, Uint8Array>();

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.entries.get(name)?.slice();
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.entries.set(name, bytes.slice());
  }
}
