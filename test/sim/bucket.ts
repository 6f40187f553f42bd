/**
 * The truth: what lies in the bucket. Every change of it is shown to a watcher before anybody can see it. A request is
 * atomic here; what goes wrong on its way is in `store.ts`.
 */
import { hash } from 'node:crypto';
import type { GetOptions, GetResult, ListedObject, ListOptions, PutOptions } from '../../core/store/index.js';
import type { PutResult, StoreVersion } from '../../core/store/index.js';
import type { World } from './world.js';

export interface Stored {
  readonly bytes: Uint8Array;
  readonly version: StoreVersion;
  readonly modifiedMs: number;
}

export interface BucketWatch {
  applied(key: string, now: Stored, before: Stored | undefined): void;
  deleted(key: string): void;
}

export class Bucket {
  readonly objects: Map<string, Stored> = new Map();
  watch: BucketWatch | undefined;
  readonly #world: World;
  /** Versions are hashes of the content, as ETags are: an object that comes back has its old version again. */
  readonly #byContent: boolean;
  readonly #keys: string[] = [];
  #writes = 0;

  constructor(world: World, byContent: boolean) {
    this.#world = world;
    this.#byContent = byContent;
  }

  get(key: string, { range, unless }: GetOptions = {}): GetResult {
    const object = this.objects.get(key);
    if (object === undefined) return { status: 'absent' };
    if (unless === object.version) return { status: 'unchanged' };
    const { offset, length } = range ?? { offset: 0, length: object.bytes.length };
    const { version, modifiedMs } = object;
    const bytes = object.bytes.slice(offset, offset + length);
    return { status: 'found', bytes, size: object.bytes.length, version, modifiedMs };
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): PutResult {
    const before = this.objects.get(key);
    if (options.if === 'absent' && before !== undefined) return { status: 'refused' };
    if (typeof options.if === 'object' && before?.version !== options.if.version)
      return { status: 'refused' };
    const version = this.#versionOf(bytes);
    const stored = { bytes: bytes.slice(), version, modifiedMs: this.#world.storeClock.wallMs() };
    if (before === undefined) this.#keys.splice(this.#position(key), 0, key);
    this.objects.set(key, stored);
    this.watch?.applied(key, stored, before);
    return { status: 'applied', version, modifiedMs: stored.modifiedMs };
  }

  list(prefix: string, { after, limit = Infinity }: ListOptions = {}): readonly ListedObject[] {
    let at = this.#position(prefix);
    if (after !== undefined) at = Math.max(at, this.#position(after) + (this.objects.has(after) ? 1 : 0));
    const listed: ListedObject[] = [];
    for (; at < this.#keys.length && listed.length < limit; at++) {
      const key = this.#keys[at]!;
      if (!key.startsWith(prefix)) break;
      listed.push({ key, size: this.objects.get(key)!.bytes.length });
    }
    return listed;
  }

  delete(key: string): void {
    if (!this.objects.delete(key)) return;
    this.#keys.splice(this.#position(key), 1);
    this.watch?.deleted(key);
  }

  #versionOf(bytes: Uint8Array): StoreVersion {
    return (this.#byContent ? hash('md5', bytes) : `${++this.#writes}`) as StoreVersion;
  }

  /** Of the first key that is not before `key`. All keys are ASCII. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
