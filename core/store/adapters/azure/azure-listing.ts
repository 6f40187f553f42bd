/**
 * One page of a list in Azure. Where a list starts is a wish: services since version 2026-02-06 begin with the name that is asked
 * for, included; others, and emulators, begin with the first, and whoever reads the page leaves out what comes before.
 */
import type { ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import { limits } from '../../../base/limits.js';
import type { ListedObject, ListOptions } from '../../index.js';
import type { ListedPage, PageAsked } from '../bucket/index.js';
import { beginOfNames, keyOf } from './azure-names.js';
import type { AzureRequests } from './azure-requests.js';

export interface AzureListing {
  readonly requests: AzureRequests;
  /** Of the store. */
  readonly storePrefix: string;
  readonly options: ListOptions;
}

/** Throws what the SDK throws. */
export async function azurePage(
  { requests, storePrefix, options }: AzureListing,
  { prefix, maxKeys, token }: PageAsked,
): Promise<ListedPage> {
  const names = beginOfNames(prefix);
  // Longer than any name is.
  if (names.length > limits.blobNameCharacters) return { objects: [], token: undefined };
  const after = storePrefix + (options.after ?? '');
  const starts = token === undefined && after !== storePrefix && after.startsWith(prefix);
  const { limit } = options;
  const maxPageSize = starts && limit !== undefined ? Math.min(limit + 1, maxKeys) : maxKeys;
  const page = await requests.request(async (late) => {
    const pages = requests.container
      .listBlobsFlat({ ...late, prefix: names, ...(starts ? { startFrom: beginOfNames(after) } : {}) })
      .byPage({ maxPageSize, ...(token === undefined ? {} : { continuationToken: token }) });
    return (await pages.next()).value as ContainerListBlobFlatSegmentResponse;
  });
  const { continuationToken } = page;
  return {
    objects: page.segment.blobItems.flatMap(({ name, properties }): ListedObject[] => {
      const key = keyOf(name);
      if (key === undefined || !key.startsWith(prefix)) return [];
      return [{ key, size: properties.contentLength ?? 0 }];
    }),
    token: continuationToken === undefined || continuationToken === '' ? undefined : continuationToken,
  };
}
