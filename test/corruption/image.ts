/** The objects of a bucket as they were at one moment: taken once, and made a bucket again as often as one likes. */
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';

/** By key, in the order of a listing. */
export type Image = ReadonlyMap<string, Uint8Array>;

export async function imageOf(store: ObjectStore): Promise<Image> {
  const image = new Map<string, Uint8Array>();
  for (const { key } of await store.list('')) {
    const got = await store.get(key);
    if (got.status === 'found') image.set(key, got.bytes);
  }
  return image;
}

/** A bucket of its own; its objects are as old as it. */
export async function copyOf(image: Image, nowMs: number): Promise<ObjectStore> {
  const store = memoryStore({ clock: { wallMs: () => nowMs } });
  for (const [key, bytes] of image) await store.put(key, bytes, { if: 'any' });
  return store;
}
