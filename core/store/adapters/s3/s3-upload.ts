/**
 * The requests of an upload to S3. What is begun and never ended costs room until a lifecycle rule of the bucket clears it
 * away (AbortIncompleteMultipartUpload).
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { storeError, strangeAnswer } from '../bucket/index.js';
import type { PartedUpload, StoreFailed } from '../bucket/index.js';
import type { S3Secrets } from './s3-encryption.js';
import { faultOf, s3Faults } from './s3-faults.js';
import type { S3Requests } from './s3-requests.js';

export interface S3UploadOptions {
  readonly requests: S3Requests;
  /** Bucket and whole key. */
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly secrets: S3Secrets;
  readonly failed: StoreFailed;
}

/** Of the object's own metadata: whose it is. */
const NONCE = 'cairn-upload';

export function s3Upload({
  requests,
  object,
  secrets,
  failed,
}: S3UploadOptions): Pick<PartedUpload<CompletedPart>, 'begin' | 'send' | 'join' | 'isJoined' | 'drop'> {
  return {
    begin: (nonce) =>
      typed(failed, async () => {
        const command = new CreateMultipartUploadCommand({
          ...object,
          ...secrets.made,
          ContentType: 'application/octet-stream',
          // The one that the SDK sends with each part: Amazon wants to know it beforehand.
          ChecksumAlgorithm: 'CRC32',
          Metadata: { [NONCE]: nonce },
        });
        const begun = await requests.bounded((late) => requests.client.send(command, late));
        if (begun.UploadId === undefined) throw strangeAnswer('has no upload id', failed);
        return begun.UploadId;
      }),
    send: (UploadId, { number, bytes }) =>
      typed(failed, async () => {
        const part = { ...object, ...secrets.touched, UploadId, PartNumber: number, Body: bytes };
        const command = new UploadPartCommand(part);
        const sent = await requests.bounded((late) => requests.client.send(command, late), bytes.length);
        if (sent.ETag === undefined) throw strangeAnswer('has no ETag', failed);
        // A store that answers with the checksum of a part wants to see it again at the end.
        const { ChecksumCRC32 } = sent;
        return {
          PartNumber: number,
          ETag: sent.ETag,
          ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
        };
      }),
    join: (UploadId, parts) =>
      typed(failed, async () => {
        const MultipartUpload = { Parts: [...parts] };
        const command = new CompleteMultipartUploadCommand({
          ...object,
          ...secrets.touched,
          UploadId,
          MultipartUpload,
        });
        await requests.bounded((late) => requests.client.send(command, late), 0, limits.storeJoinMs);
      }),
    isJoined: (nonce) =>
      typed({ ...failed, access: 'read' }, async () => {
        const command = new HeadObjectCommand({ ...object, ...secrets.touched });
        const head = await requests
          .bounded((late) => requests.client.send(command, late))
          .catch((error: unknown) => {
            if (faultOf(error).status === 404) return undefined;
            throw error;
          });
        return head?.Metadata?.[NONCE] === nonce;
      }),
    drop: async (UploadId) => {
      const command = new AbortMultipartUploadCommand({ ...object, UploadId });
      await requests.bounded((late) => requests.client.send(command, late));
    },
  };
}

async function typed<T>(failed: StoreFailed, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw isCairnError(error) ? error : storeError(faultOf(error), failed, s3Faults);
  }
}
