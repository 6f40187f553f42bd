/**
 * The requests of an upload to R2. What is begun and never ended R2 drops after seven days, unless a rule of the bucket says
 * otherwise. A binding takes no checksum of a part.
 */
import { limits } from '../../../base/limits.js';
import type { PartedUpload, StoreFailed } from '../bucket/index.js';
import type { R2Keyed, R2Part } from './r2-binding.js';
import { typed } from './r2-faults.js';
import { answered } from './r2-requests.js';
import type { R2Requests } from './r2-requests.js';

export interface R2UploadOptions {
  readonly requests: R2Requests;
  /** Whole. */
  readonly key: string;
  readonly secret: R2Keyed;
  readonly failed: StoreFailed;
}

/** Of the object's own metadata: whose it is. */
const NONCE = 'cairn-upload';

export function r2Upload({
  requests,
  key,
  secret,
  failed,
}: R2UploadOptions): Pick<PartedUpload<R2Part>, 'begin' | 'send' | 'join' | 'isJoined' | 'drop'> {
  return {
    begin: (nonce) =>
      made(failed, async () => {
        const options = { ...secret, customMetadata: { [NONCE]: nonce } };
        const begun = await answered(requests, (bucket) => bucket.createMultipartUpload(key, options));
        return begun.uploadId;
      }),
    send: (id, { number, bytes }) =>
      made(failed, async () => {
        const { partNumber, etag } = await answered(
          requests,
          (bucket) => bucket.resumeMultipartUpload(key, id).uploadPart(number, bytes, secret),
          { bytes: bytes.length },
        );
        return { partNumber, etag };
      }),
    join: (id, parts) =>
      made(failed, async () => {
        const answerMs = limits.storeJoinMs;
        await answered(requests, (bucket) => bucket.resumeMultipartUpload(key, id).complete([...parts]), {
          answerMs,
        });
      }),
    isJoined: (nonce) =>
      made({ ...failed, access: 'read' }, async () => {
        const head = await answered(requests, (bucket) => bucket.head(key));
        return head?.customMetadata?.[NONCE] === nonce;
      }),
    drop: (id) => answered(requests, (bucket) => bucket.resumeMultipartUpload(key, id).abort()),
  };
}

async function made<T>(failed: StoreFailed, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw typed(error, failed);
  }
}
