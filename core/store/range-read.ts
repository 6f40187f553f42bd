/**
 * Reads of a part of an immutable object whose size is known: what comes back is exactly what was asked for, or an error
 * that says whether the object is gone or damaged.
 */
import { CairnError, corrupt, isCairnError } from '../base/errors.js';
import type { ByteRange, GetOptions, GetResult, ObjectStore } from './object-store.js';

export interface RangeRead {
  readonly store: ObjectStore;
  readonly key: string;
  readonly range: ByteRange;
  /** Bytes of the whole object, where they are known: another size is corruption. */
  readonly size?: number;
  /** Lent, as in `GetOptions`. */
  readonly into?: Uint8Array<ArrayBuffer>;
}

/**
 * Throws `unavailable` (`object_gone`) where the object is not there: it was superseded and collected, and who reads the
 * head again finds its successor. Throws `corrupt` where it is of another size or the answer is short.
 */
export async function readRange({ store, key, range, size, into }: RangeRead): Promise<Uint8Array> {
  const { offset, length } = range;
  const result = await getOrPastEnd(store, key, into === undefined ? { range } : { range, into });
  if (result.status !== 'found') throw objectGone(key);
  if (size !== undefined && result.size !== size) {
    throw corrupt({ key, offset, expected: `an object of ${size} bytes`, found: `${result.size} bytes` });
  }
  if (result.bytes.length !== length) {
    const found = `${result.bytes.length} bytes`;
    throw corrupt({ key, offset: offset + result.bytes.length, expected: `${length} bytes`, found });
  }
  return result.bytes;
}

function objectGone(key: string): CairnError {
  return new CairnError('unavailable', 'object_gone', `object ${key} is gone: a newer head names another`, {
    details: { key },
  });
}

/** The object is shorter than its range says: not the caller's fault. */
async function getOrPastEnd(
  store: ObjectStore,
  key: string,
  options: GetOptions & { readonly range: ByteRange },
): Promise<GetResult> {
  try {
    return await store.get(key, options);
  } catch (error) {
    if (!isCairnError(error) || error.code !== 'range_past_end') throw error;
    const { offset, length } = options.range;
    const found = 'the end of the object before';
    throw corrupt({ key, offset, expected: `${length} bytes`, found });
  }
}
