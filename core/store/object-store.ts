/**
 * The ObjectStore port: all that the engine knows of a cloud.
 *
 * Semantics that every adapter owes (test/conformance/object-store.ts holds them):
 * - strong: a get or list that starts after a put was applied sees it;
 * - `put` with `if: 'absent'` or a version is atomic across processes: of any number of racers exactly one is applied;
 * - a body is seen whole or not at all, and the length of an answer is checked;
 * - `list` is ordered by the UTF-8 bytes of the keys and follows continuation tokens by itself.
 */

/** Opaque token of one state of an object: an ETag, a generation, a hash. Never persisted. */
export type StoreVersion = string & { readonly storeVersion: unique symbol };

/** Keys that begin so are no part of a database: opening a store tries it out below them. */
export const PROBES_PREFIX = '~probe/';

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface GetOptions {
  /** Bytes to read. A range that ends past the object is cut short; one that starts past it is `invalid`. */
  readonly range?: ByteRange;
  /** Answer `unchanged`, without a body, where the object still has this version. */
  readonly unless?: StoreVersion;
  /**
   * Room that the caller lends until the call has settled. A store that reads to where it likes may answer with a view of its
   * start instead of bytes of its own, which saves the first touch of fresh memory; whoever keeps the bytes copies them.
   */
  readonly into?: Uint8Array;
  /**
   * What a cache in between is to do, where there is one. `pass`: nothing; what is read once from end to end would only empty
   * it. `renew`: ask the bucket, and keep that; what the cache had answered was not what it should be.
   */
  readonly cache?: 'pass' | 'renew';
  /** Which range is read differs from reader to reader: a cache in between keeps blocks of its own choice, not this range. */
  readonly pages?: true;
}

export type GetResult =
  | {
      readonly status: 'found';
      /** The whole object, or the asked range. Owned by the caller; a view of `into` at the most. */
      readonly bytes: Uint8Array;
      /** Length of the whole object. */
      readonly size: number;
      readonly version: StoreVersion;
      /** The store's own date, in milliseconds since 1970. */
      readonly modifiedMs: number;
      /** Of a `warmStore`: bytes that the bucket sent for it, where they are not those of the answer; 0 from the cache. */
      readonly sentBytes?: number;
      /** Of a `hedgingStore`: requests that were sent for it, where they are not one. */
      readonly sentRequests?: number;
    }
  | { readonly status: 'unchanged' }
  | { readonly status: 'absent'; readonly sentRequests?: number };

export interface PutOptions {
  /** `absent`: create only. A version: replace exactly that state. `any`: last writer wins. */
  readonly if: 'absent' | 'any' | { readonly version: StoreVersion };
}

/**
 * The three ends of a put. `refused`: the condition did not hold and nothing was written by this request (an earlier
 * try of the same body may have been). `unknown`: it may have been applied, or may yet be.
 * A put that certainly had no effect for another reason (disk full, forbidden) throws with outcome `not_applied`.
 */
export type PutResult =
  | { readonly status: 'applied'; readonly version: StoreVersion; readonly modifiedMs: number }
  | { readonly status: 'refused' }
  | { readonly status: 'unknown'; readonly cause: unknown };

export interface ListOptions {
  /** Only keys strictly after this one. */
  readonly after?: string;
  readonly limit?: number;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
}

/**
 * An object on its way, larger than one request should be. The object appears whole at `finish` or not at all: one that
 * is never finished shows in no get and no list, and what it left behind goes with time. One call at a time.
 */
export interface Upload {
  /** `bytes` are the store's to read until this settles. */
  write(bytes: Uint8Array): Promise<void>;
  /** Once this settles a get sees the object. Where it throws, the object may be there or not; abort in any case. */
  finish(): Promise<void>;
  /** Gives up what was written. Does nothing after `finish` settled, and never throws. */
  abort(): Promise<void>;
}

export interface ObjectStore {
  /** What the store is, for messages: no secrets. */
  readonly description: string;
  get(key: string, options?: GetOptions): Promise<GetResult>;
  /** `bytes` are the store's to read until this settles, and never after: the caller may make something else in them. */
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult>;
  /**
   * Begins an object of any size. No condition: for names that nobody else makes. Over an object that is there, the last
   * to finish wins.
   */
  upload(key: string): Promise<Upload>;
  /** Keys that start with `prefix`, in order. */
  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]>;
  /** Deletes what is there of `keys`; a missing key is no error. */
  delete(keys: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
