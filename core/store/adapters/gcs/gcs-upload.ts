/**
 * The requests of an upload to Google Cloud Storage: one resumable session, whose parts go one after the other. The last, short
 * part is held back until the end, because it is what completes the object. After a lost answer the session itself is asked how
 * far it is. A session that is never ended costs nothing, and is gone after a week.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
import { utf8Encode } from '../../../base/bytes.js';
import { isCairnError } from '../../../base/errors.js';
import type { CairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { storeError, strangeAnswer } from '../bucket/index.js';
import type { PartedUpload, StoreFailed, UploadPart } from '../bucket/index.js';
import { crc32c, crc32cText } from './crc32c.js';
import type { GcsSecrets } from './gcs-encryption.js';
import { faultOf, GcsFailure, gcsFaults } from './gcs-faults.js';
import { MADE_FIELDS, objectMetadata, tryMadeObject } from './gcs-objects.js';
import type { MadeObject } from './gcs-objects.js';
import type { GcsDocument, GcsRequests } from './gcs-requests.js';

export interface GcsUploadOptions {
  readonly requests: GcsRequests;
  /** Whole. */
  readonly name: string;
  readonly secrets: GcsSecrets;
  readonly failed: StoreFailed;
}

/** Of a part: what the end of it is, and the last one itself. */
interface SentPart {
  readonly end: number;
  /** Of all bytes up to the end. */
  readonly crc: number;
  readonly held: Uint8Array;
}

/** Of the object's own metadata: whose it is. */
const NONCE = 'cairn-upload';
const NOTHING = new Uint8Array(0);

export function gcsUpload(
  options: GcsUploadOptions,
): Pick<PartedUpload<SentPart>, 'begin' | 'send' | 'join' | 'isJoined' | 'drop'> {
  const { requests, name, secrets, failed } = options;
  const session = new Session(options);
  return {
    begin: (nonce) => typed(failed, () => begin(options, nonce)),
    send: (path, part) => typed(failed, () => session.send(path, part)),
    join: (path, parts) => typed(failed, () => session.finish(path, parts.at(-1)!)),
    isJoined: (nonce) =>
      typed({ ...failed, access: 'read' }, async () => {
        const path = requests.path(`o/${encodeURIComponent(name)}`, { fields: 'metadata' });
        const found = await requests
          .document({ method: 'GET', path, headers: secrets.touched }, failed)
          .catch((error: unknown) => {
            if (faultOf(error).name === 'notFound') return undefined;
            throw error;
          });
        const { metadata } = (found?.document ?? {}) as { readonly metadata?: Record<string, unknown> };
        return metadata?.[NONCE] === nonce;
      }),
    // Answered with 499, as if we had gone away: whoever gives up minds no answer.
    drop: async (path) => void (await requests.document({ method: 'DELETE', path }, failed)),
  };
}

/** The session's path. Whoever knows it may write the object, so it stands in no message. */
async function begin({ requests, name, secrets, failed }: GcsUploadOptions, nonce: string): Promise<string> {
  const path = requests.uploadPath({
    uploadType: 'resumable',
    name,
    fields: MADE_FIELDS,
    ...secrets.made,
  });
  const { headers } = await requests.document(
    {
      method: 'POST',
      path,
      headers: {
        ...secrets.touched,
        'content-type': 'application/json; charset=UTF-8',
        'x-upload-content-type': objectMetadata.contentType,
      },
      body: [utf8Encode(JSON.stringify({ ...objectMetadata, metadata: { [NONCE]: nonce } }))],
    },
    failed,
  );
  const { location = '' } = headers;
  if (!URL.canParse(location)) throw strangeAnswer('has no address of a session', failed);
  // At the endpoint that the session was begun at, whatever the store calls itself.
  const { pathname, search } = new URL(location);
  return pathname + search;
}

class Session {
  readonly #options: GcsUploadOptions;
  /** Of which the last answer was lost, so that nobody knows how far it is. */
  #doubtful = false;
  /** Of all bytes up to each part, the first of which begins with 0. */
  readonly #crcs: number[] = [0];

  constructor(options: GcsUploadOptions) {
    this.#options = options;
  }

  async send(path: string, { number, bytes }: UploadPart): Promise<SentPart> {
    const start = (number - 1) * limits.uploadPartBytes;
    const end = start + bytes.length;
    const crc = (this.#crcs[number] ??= crc32c(bytes, this.#crcs[number - 1]));
    if (bytes.length < limits.uploadPartBytes) return { end, crc, held: bytes };
    let at = this.#within(await this.#reached(path, start), start, end);
    while (at < end) {
      const answer = await this.#put(path, `bytes ${at}-${end - 1}/*`, bytes.subarray(at - start));
      // The store may keep less than it was sent, but has to keep something.
      at = this.#within(answer, at + 1, end);
    }
    return { end, crc, held: NOTHING };
  }

  /** Also where an earlier try has done it already. */
  async finish(path: string, { end, crc, held }: SentPart): Promise<void> {
    const start = end - held.length;
    const sum = crc32cText(crc);
    let reached = await this.#reached(path, start);
    if (reached.made === undefined) {
      const at = this.#within(reached, start, end);
      const range = at === end ? `bytes */${end}` : `bytes ${at}-${end - 1}/${end}`;
      const hash = { 'x-goog-hash': `crc32c=${sum}` };
      reached = await this.#put(path, range, held.subarray(at - start), hash);
    }
    const { made } = reached;
    if (made?.size !== end || (made.crc32c ?? sum) !== sum) throw this.#strange();
  }

  async #reached(path: string, start: number): Promise<Reached> {
    return this.#doubtful ? this.#put(path, 'bytes */*', NOTHING) : { at: start };
  }

  async #put(
    path: string,
    range: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reached> {
    const { requests, failed } = this.#options;
    const body = bytes.length === 0 ? [] : [bytes];
    this.#doubtful = true;
    try {
      const answer = await requests.document(
        { method: 'PUT', path, headers: { ...headers, 'content-range': range }, body },
        failed,
      );
      this.#doubtful = false;
      return reachedBy(answer);
    } catch (error) {
      const { fault } = error instanceof GcsFailure ? error : {};
      const gone = fault?.status === 404 || fault?.status === 410;
      throw gone ? new GcsFailure({ ...fault, name: 'SessionGone' }) : error;
    }
  }

  #within({ at }: Reached, least: number, most: number): number {
    if (at === undefined || at < least || at > most) throw this.#strange();
    return at;
  }

  #strange(): CairnError {
    return strangeAnswer('does not go with what was sent', this.#options.failed);
  }
}

/** How far a session is: bytes that the store has, or the object. */
interface Reached {
  readonly at?: number;
  readonly made?: MadeObject | undefined;
}

/** Where nothing has arrived there is no range. */
function reachedBy({ status, headers, document }: GcsDocument): Reached {
  if (status !== 308) return { made: tryMadeObject(document) };
  const last = /^bytes=0-(\d+)$/.exec(headers['range'] ?? '')?.[1];
  return { at: last === undefined ? 0 : Number(last) + 1 };
}

async function typed<T>(failed: StoreFailed, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw isCairnError(error) ? error : storeError(faultOf(error), failed, gcsFaults);
  }
}
