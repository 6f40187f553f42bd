/**
 * Lists keys page by page: tokens are followed whatever the length of a page, and the order is checked, because the engine
 * finds the newest slot of a log by being the first key.
 */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { compareUtf8 } from '../../../base/bytes.js';
import { CairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import type { ListedObject, ListOptions } from '../../index.js';
import { strangeAnswer } from './s3-errors.js';
import type { S3Failed } from './s3-errors.js';
import type { S3Requests } from './s3-requests.js';
import type { S3Location } from './s3-url.js';

export interface S3Listing {
  readonly requests: S3Requests;
  readonly location: S3Location;
  readonly prefix: string;
  readonly options: ListOptions;
  readonly failed: S3Failed;
}

/** Cost: one request per 1,000 keys. Throws what the SDK throws. */
export async function listKeys(listing: S3Listing): Promise<readonly ListedObject[]> {
  const { prefix, options } = listing;
  const { after = '', limit = Number.POSITIVE_INFINITY } = options;
  // No key with the prefix comes after it.
  if (!after.startsWith(prefix) && compareUtf8(after, prefix) > 0) return [];
  const listed: ListedObject[] = [];
  let last = after;
  let token: string | undefined;
  do {
    const page = await readPage(listing, Math.min(limits.listPageKeys, limit - listed.length), token);
    for (const object of page.Contents ?? []) {
      const key = plainKey(object.Key, listing);
      if (last !== '') mustFollow(last, key, listing.failed);
      listed.push({ key, size: object.Size ?? 0 });
      last = key;
    }
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (next !== undefined && next === token) throw strangeAnswer('repeats its token', listing.failed);
    token = next;
  } while (token !== undefined && listed.length < limit);
  return listed.length > limit ? listed.slice(0, limit) : listed;
}

function readPage(
  { requests, location, prefix, options }: S3Listing,
  maxKeys: number,
  token: string | undefined,
): Promise<ListObjectsV2CommandOutput> {
  const { after = '' } = options;
  const command = new ListObjectsV2Command({
    Bucket: location.bucket,
    Prefix: location.prefix + prefix,
    MaxKeys: maxKeys,
    // XML has no way to write some characters of keys.
    EncodingType: 'url',
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(token === undefined && after !== '' && after.startsWith(prefix)
      ? { StartAfter: location.prefix + after }
      : {}),
  });
  return requests.bounded((late) => requests.client.send(command, late));
}

/** Some stores write a space as a plus; a plus itself is %2B everywhere. */
function plainKey(encoded: string | undefined, { location, prefix, failed }: S3Listing): string {
  let key: string;
  try {
    key = decodeURIComponent((encoded ?? '').replaceAll('+', '%20'));
  } catch {
    throw strangeAnswer('has a key that is not percent-encoded UTF-8', failed);
  }
  if (!key.startsWith(location.prefix + prefix)) throw strangeAnswer('has a key without the prefix', failed);
  return key.slice(location.prefix.length);
}

function mustFollow(last: string, key: string, { description }: S3Failed): void {
  if (compareUtf8(last, key) < 0) return;
  const message = `${description} lists in no order: ${JSON.stringify(key)} after ${JSON.stringify(last)}`;
  throw new CairnError('invalid', 'store_unfit', message, {
    details: { store: description, failed: 'ordered list' },
  });
}
