/**
 * The requests of an upload to Azure: blocks, and at the end their list. Blocks of an upload that is never finished go after a week,
 * or with the next blob of that name; until then they show in no list, and there is no request that would drop them.
 */
import { utf8Encode } from '../../../base/bytes.js';
import { isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { storeError } from '../bucket/index.js';
import type { PartedUpload, StoreFailed } from '../bucket/index.js';
import type { AzureSecrets } from './azure-encryption.js';
import { azureFaults, faultOf } from './azure-faults.js';
import { md5Of } from './azure-md5.js';
import type { AzureRequests } from './azure-requests.js';

export interface AzureUploadOptions {
  readonly requests: AzureRequests;
  readonly key: string;
  readonly secrets: AzureSecrets;
  readonly failed: StoreFailed;
}

/** Of the blob's own metadata: whose it is. */
const NONCE = 'cairn_upload';

/** `Sent` is the id of a block. */
export function azureUpload({
  requests,
  key,
  secrets,
  failed,
}: AzureUploadOptions): Pick<PartedUpload<string>, 'begin' | 'send' | 'join' | 'isJoined' | 'drop'> {
  const blob = requests.blob(key);
  return {
    begin: async (nonce) => nonce,
    send: (id, { number, bytes }) =>
      typed(failed, async () => {
        const block = blockId(id, number);
        const options = { ...secrets.made, transactionalContentMD5: md5Of(bytes) };
        await requests.request(
          (late) => blob.stageBlock(block, bytes, bytes.length, { ...options, ...late }),
          bytes.length,
        );
        return block;
      }),
    join: (_, blocks, nonce) =>
      typed(failed, async () => {
        const options = {
          ...secrets.made,
          metadata: { [NONCE]: nonce },
          blobHTTPHeaders: { blobContentType: 'application/octet-stream' },
        };
        await requests.request(
          (late) => blob.commitBlockList([...blocks], { ...options, ...late }),
          0,
          limits.storeJoinMs,
        );
      }),
    isJoined: (nonce) =>
      typed({ ...failed, access: 'read' }, async () => {
        const found = await requests
          .request((late) => blob.getProperties({ ...secrets.touched, ...late }))
          .catch((error: unknown) => {
            if (faultOf(error).name === 'BlobNotFound') return undefined;
            throw error;
          });
        return found?.metadata?.[NONCE] === nonce;
      }),
    drop: async () => {},
  };
}

/** All ids of a blob have one length. */
function blockId(nonce: string, number: number): string {
  const text = utf8Encode(`${nonce}${String(number).padStart(6, '0')}`);
  return btoa(String.fromCharCode(...text));
}

async function typed<T>(failed: StoreFailed, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw isCairnError(error) ? error : storeError(faultOf(error), failed, azureFaults);
  }
}
