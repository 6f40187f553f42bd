/** One page of a list in S3. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { strangeAnswer } from '../bucket/index.js';
import type { ListedPage, PageAsked, StoreFailed } from '../bucket/index.js';
import type { S3Requests } from './s3-requests.js';

export interface S3Listing {
  readonly requests: S3Requests;
  readonly bucket: string;
  readonly failed: StoreFailed;
}

/** Throws what the SDK throws. */
export async function s3Page(
  { requests, bucket, failed }: S3Listing,
  { prefix, after, maxKeys, token }: PageAsked,
): Promise<ListedPage> {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    MaxKeys: maxKeys,
    // XML has no way to write some characters of keys.
    EncodingType: 'url',
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(after === undefined ? {} : { StartAfter: after }),
  });
  const page = await requests.bounded((late) => requests.client.send(command, late));
  return {
    objects: (page.Contents ?? []).map(({ Key, Size }) => ({ key: plain(Key, failed), size: Size ?? 0 })),
    token: page.IsTruncated === true ? page.NextContinuationToken : undefined,
  };
}

/** Some stores write a space as a plus; a plus itself is %2B everywhere. */
function plain(encoded: string | undefined, failed: StoreFailed): string {
  try {
    return decodeURIComponent((encoded ?? '').replaceAll('+', '%20'));
  } catch {
    throw strangeAnswer('has a key that is not percent-encoded UTF-8', failed);
  }
}
