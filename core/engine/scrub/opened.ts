/** One whole object, opened: sound, damaged, or not there. None of it is an exception. */
import { CairnError } from '../../base/errors.js';
import type { ObjectStore, StoreVersion } from '../../store/index.js';

export type Opened<T> =
  | { readonly status: 'sound'; readonly value: T }
  | { readonly status: 'absent' }
  | { readonly status: 'damaged'; readonly error: CairnError };

/**
 * Makes something of an object. One that is damaged is read once more: bytes can be damaged on their way, too. Throws what
 * is not `corrupt`. Cost: 1 GET, 2 where it is damaged.
 */
export async function openObject<T>(
  store: ObjectStore,
  key: string,
  make: (bytes: Uint8Array, version: StoreVersion) => T,
): Promise<Opened<T>> {
  for (let round = 0; ; round++) {
    const got = await store.get(key);
    if (got.status !== 'found') return { status: 'absent' };
    try {
      return { status: 'sound', value: make(got.bytes, got.version) };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      if (round > 0) return { status: 'damaged', error };
    }
  }
}

export function isCorrupt(error: unknown): error is CairnError {
  return error instanceof CairnError && error.kind === 'corrupt';
}

/** Whether an object was not there. */
export function isGone(error: unknown): boolean {
  return error instanceof CairnError && error.code === 'object_gone';
}
