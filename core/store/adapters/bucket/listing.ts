/**
 * Lists keys page by page: tokens are followed whatever the length of a page, and the order is checked, because the engine
 * finds the newest slot of a log by being the first key.
 */
import { compareUtf8 } from '../../../base/bytes.js';
import { limits } from '../../../base/limits.js';
import type { ListedObject, ListOptions } from '../../index.js';
import { strangeAnswer } from './faults.js';
import type { StoreFailed } from './faults.js';
import { unfitStore } from './self-test.js';

export interface PageAsked {
  /** Whole, with the prefix of the store. */
  readonly prefix: string;
  /** Whole: only keys after it. Absent where a token says it, or where there is none. A store may leave it alone. */
  readonly after: string | undefined;
  readonly maxKeys: number;
  readonly token: string | undefined;
}

export interface ListedPage {
  /** With whole keys. */
  readonly objects: readonly ListedObject[];
  /** Absent: that was the last page. */
  readonly token: string | undefined;
}

export interface KeyListing {
  readonly readPage: (asked: PageAsked) => Promise<ListedPage>;
  /** Of the store, before each key. */
  readonly storePrefix: string;
  readonly prefix: string;
  readonly options: ListOptions;
  readonly failed: StoreFailed;
  /** The store knows no start: it answers keys up to `after` too, which are left out here. */
  readonly fromFirst?: true;
}

/** Cost: one request per 1,000 keys. Throws what `readPage` throws, and `invalid` (`store_unfit`) for lists in no order. */
export async function listKeys(listing: KeyListing): Promise<readonly ListedObject[]> {
  const { prefix, options, failed } = listing;
  const { after = '', limit = Number.POSITIVE_INFINITY } = options;
  // No key with the prefix comes after it.
  if (!after.startsWith(prefix) && compareUtf8(after, prefix) > 0) return [];
  const listed: ListedObject[] = [];
  let last = listing.fromFirst === true ? '' : after;
  let token: string | undefined;
  do {
    const maxKeys = pageKeys(listing, limit - listed.length);
    const page = await listing.readPage(askedOf(listing, maxKeys, token));
    for (const object of page.objects) {
      const key = plainKey(object.key, listing);
      if (last !== '') mustFollow(last, key, failed);
      last = key;
      if (listing.fromFirst !== true || after === '' || compareUtf8(key, after) > 0)
        listed.push({ key, size: object.size });
    }
    if (page.token !== undefined && page.token === token) throw strangeAnswer('repeats its token', failed);
    token = page.token;
  } while (token !== undefined && listed.length < limit);
  return listed.length > limit ? listed.slice(0, limit) : listed;
}

/** Of a store without a start nobody knows how many keys come before it. */
function pageKeys({ fromFirst, options }: KeyListing, missing: number): number {
  const skips = fromFirst === true && (options.after ?? '') !== '';
  return skips ? limits.listPageKeys : Math.min(limits.listPageKeys, missing);
}

function askedOf(
  { storePrefix, prefix, options, fromFirst }: KeyListing,
  maxKeys: number,
  token: string | undefined,
): PageAsked {
  const { after = '' } = options;
  const starts = token === undefined && fromFirst !== true && after !== '' && after.startsWith(prefix);
  return {
    prefix: storePrefix + prefix,
    after: starts ? storePrefix + after : undefined,
    maxKeys,
    token,
  };
}

function plainKey(key: string, { storePrefix, prefix, failed }: KeyListing): string {
  if (!key.startsWith(storePrefix + prefix)) throw strangeAnswer('has a key without the prefix', failed);
  return key.slice(storePrefix.length);
}

function mustFollow(last: string, key: string, { description }: StoreFailed): void {
  if (compareUtf8(last, key) < 0) return;
  throw unfitStore(description, 'ordered list', `${JSON.stringify(key)} comes after ${JSON.stringify(last)}`);
}
