/** Pages of a list in Google Cloud Storage. */
import { limits } from '../../../base/limits.js';
import { strangeAnswer } from '../bucket/index.js';
import type { ListedPage, PageAsked, StoreFailed } from '../bucket/index.js';
import type { GcsRequests } from './gcs-requests.js';

export interface GcsListing {
  readonly requests: GcsRequests;
  readonly failed: StoreFailed;
}

/**
 * Reads the pages of one list. The store's start is the first key that may be there, the port's the last that may not: one key
 * more is asked for, and left out. The start goes with every page, as a token is one of the list that it was given for.
 */
export function gcsPages({ requests, failed }: GcsListing): (asked: PageAsked) => Promise<ListedPage> {
  let start: string | undefined;
  return async ({ prefix, after, maxKeys, token }) => {
    start ??= after;
    const more = after === undefined ? 0 : 1;
    const path = requests.path('o', {
      prefix,
      maxResults: String(Math.min(limits.listPageKeys, maxKeys + more)),
      fields: 'items(name,size),nextPageToken',
      ...(start === undefined ? {} : { startOffset: start }),
      ...(token === undefined ? {} : { pageToken: token }),
    });
    const { document } = await requests.document({ method: 'GET', path }, failed);
    const { items, nextPageToken } = mustBePage(document, failed);
    return {
      objects: items
        .filter(({ name }) => name !== start)
        .map(({ name, size }) => ({ key: name, size: Number(size) })),
      token: nextPageToken,
    };
  };
}

interface Page {
  readonly items: readonly { readonly name: string; readonly size: string }[];
  readonly nextPageToken: string | undefined;
}

/** Where there is nothing the answer has no `items`, and where that was all no token. */
function mustBePage(document: unknown, failed: StoreFailed): Page {
  const { items = [], nextPageToken } = (document ?? {}) as Partial<Record<keyof Page, unknown>>;
  const isItem = (item: unknown): boolean => {
    const { name, size } = (item ?? {}) as Partial<Record<'name' | 'size', unknown>>;
    return typeof name === 'string' && /^\d+$/.test(String(size));
  };
  const isToken = nextPageToken === undefined || (typeof nextPageToken === 'string' && nextPageToken !== '');
  if (typeof document !== 'object' || !Array.isArray(items) || !items.every(isItem) || !isToken)
    throw strangeAnswer('is no page of a list', failed);
  return { items: items as Page['items'], nextPageToken };
}
