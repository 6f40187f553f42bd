/**
 * Reads of immutable objects, and of a part of one whose size is known: what comes back is exactly what was asked for, or an error
 * that says whether the object is gone or damaged. Damage that a cache has kept is no error: the bucket is asked once more.
 */
import type { Awaitable } from '../base/awaitable.js';
import { CairnError, corrupt, isCairnError } from '../base/errors.js';
import type { ByteRange, GetOptions, GetResult, ObjectStore } from './object-store.js';

export interface RangeRead {
  readonly store: ObjectStore;
  readonly key: string;
  readonly range: ByteRange;
  /** Bytes of the whole object, where they are known: another size is corruption. */
  readonly size?: number;
  /** Lent, as in `GetOptions`. */
  readonly into?: Uint8Array;
  /** `pass`, as in `GetOptions`, for who reads all of an object once. */
  readonly cache?: 'pass';
  /** As in `GetOptions`. */
  readonly pages?: true;
}

/**
 * What `use` makes of the answer; it throws `corrupt` where the bytes are damaged, and is then called again with those of the bucket
 * where a cache had answered. An answer that came damaged from the bucket may have been kept, and must not stay for ever.
 */
export async function getChecked<T>(
  store: ObjectStore,
  key: string,
  use: (result: GetResult) => Awaitable<T>,
  options: GetOptions = {},
): Promise<T> {
  const result = await store.get(key, options);
  try {
    return await use(result);
  } catch (error) {
    const kept = result.status === 'found' && result.sentBytes === 0;
    if (!kept || !isCairnError(error) || error.kind !== 'corrupt') throw error;
  }
  return await use(await store.get(key, { ...options, cache: 'renew' }));
}

/**
 * What `use` makes of the bytes; it throws `corrupt` where they are damaged. Throws `unavailable` (`object_gone`) where the object
 * is not there: it was superseded and collected, and who reads the head again finds its successor. Throws `corrupt` where it is of
 * another size or the answer is short.
 */
export async function readRange<T>(
  { store, key, range, size, into, cache, pages }: RangeRead,
  use: (bytes: Uint8Array) => Awaitable<T>,
): Promise<T> {
  const { offset, length } = range;
  const options = {
    range,
    ...(into === undefined ? {} : { into }),
    ...(cache === undefined ? {} : { cache }),
    ...(pages === undefined ? {} : { pages }),
  };
  const take = (result: GetResult): Awaitable<T> => {
    if (result.status !== 'found') throw objectGone(key);
    if (size !== undefined && result.size !== size) {
      throw corrupt({ key, offset, expected: `an object of ${size} bytes`, found: `${result.size} bytes` });
    }
    if (result.bytes.length !== length) {
      const found = `${result.bytes.length} bytes`;
      throw corrupt({ key, offset: offset + result.bytes.length, expected: `${length} bytes`, found });
    }
    return use(result.bytes);
  };
  try {
    return await getChecked(store, key, take, options);
  } catch (error) {
    // The object is shorter than its range says: not the caller's fault.
    if (!isCairnError(error) || error.code !== 'range_past_end') throw error;
    const found = 'the end of the object before';
    throw corrupt({ key, offset, expected: `${length} bytes`, found });
  }
}

function objectGone(key: string): CairnError {
  return new CairnError('unavailable', 'object_gone', `object ${key} is gone: a newer head names another`, {
    details: { key },
  });
}
