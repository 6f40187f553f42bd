/**
 * The SDK's client as the store wants it: one request per call, each with an end in time, in the spelling that the store
 * understands. The SDK's own retries are off, because a put that is silently repeated turns a win into a refusal; the
 * wrappers of core/store and the log repeat what may be repeated.
 */
import { md5 } from '@noble/hashes/legacy.js';
import { S3Client } from '@aws-sdk/client-s3';
import { utf8Encode } from '../../../base/bytes.js';
import { limits } from '../../../base/limits.js';
import { bounded } from '../bucket/index.js';
import type { BucketPorts, Late } from '../bucket/index.js';
import type { S3Location } from './s3-url.js';

/** Where neither the URL nor the SDK's own places name one. A store that minds answers with the right one. */
const DEFAULT_REGION = 'us-east-1';

interface Headed {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** Opens the SDK's client. Looks up the region, sends nothing. */
export async function openRequests(location: S3Location, ports: BucketPorts): Promise<S3Requests> {
  const { region, answerMs } = location;
  const first = newClient(location, region);
  if (region !== undefined) return new S3Requests(first, ports, answerMs);
  try {
    await first.config.region();
    return new S3Requests(first, ports, answerMs);
  } catch {
    first.destroy();
    return new S3Requests(newClient(location, DEFAULT_REGION), ports, answerMs);
  }
}

function newClient({ endpoint, pathStyle, connections }: S3Location, region: string | undefined): S3Client {
  const agent = { maxSockets: connections };
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    // Pages of every object carry checksums of ours, which also see what went wrong before the store sent it.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Else each body of more than 2 MiB opens a connection of its own, to be told first whether it is wanted.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: limits.storeConnectMs, httpAgent: agent, httpsAgent: agent },
  });
}

export class S3Requests {
  readonly client: S3Client;
  /** Ceph up to 16 compares `If-Match` with an ETag that has no quotes. */
  unquoted = false;
  /** What the store said last of a lifecycle rule that will delete what was put. */
  expiry: string | undefined;
  readonly #ports: BucketPorts;
  readonly #answerMs: number;
  /** The store's dates of answers, by the output that the SDK makes of each. */
  readonly #dates = new WeakMap<object, number>();
  #sent = 0;

  constructor(client: S3Client, ports: BucketPorts, answerMs: number) {
    this.client = client;
    this.#ports = ports;
    this.#answerMs = answerMs;
    client.middlewareStack.add(
      (next) => (args) => {
        this.#sent += 1;
        const request = args.request as Headed;
        if (this.unquoted) unquote(request);
        return next(args);
      },
      // Before the signature is made.
      { step: 'build', priority: 'low', name: 'cairnSpelling' },
    );
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { headers = {} } = result.response as { readonly headers?: Record<string, string> };
        const { date } = headers;
        this.expiry = headers['x-amz-expiration'] ?? this.expiry;
        if (date !== undefined && result.output !== undefined)
          this.#dates.set(result.output, Date.parse(date));
        return result;
      },
      { step: 'deserialize', priority: 'high', name: 'cairnHeaders' },
    );
  }

  /** Requests so far, parts of uploads and pages of lists included. */
  get sent(): number {
    return this.#sent;
  }

  /** When the store gave this answer, by its own clock; by ours where it does not say. */
  dateOf(output: object): number {
    const date = this.#dates.get(output);
    return date === undefined || Number.isNaN(date) ? this.#ports.clock.wallMs() : date;
  }

  /**
   * Gives `send` the time of an answer, and what `bytes` take on a slow line. Then it is left alone: the SDK looks for credentials
   * without an end in time, and with them sends nothing any more.
   */
  bounded<T>(
    send: (late: Late) => Promise<T>,
    bytes: number = 0,
    answerMs: number = this.#answerMs,
  ): Promise<T> {
    return bounded(this.#ports, { answerMs, bytes }, async (late) => {
      const over = new Promise<never>((_, reject) => {
        late.abortSignal.addEventListener('abort', () => reject(new DOMException('too late', 'AbortError')));
      });
      return await Promise.race([send(late), over]);
    });
  }

  /** Of a body that is read: whoever is late ends by itself, and writes no more into memory that was lent. */
  reading<T>(read: (late: Late) => Promise<T>, bytes: number): Promise<T> {
    return bounded(this.#ports, { answerMs: this.#answerMs, bytes }, read);
  }

  close(): void {
    this.client.destroy();
  }
}

function unquote({ headers }: Headed): void {
  const given = headers['if-match'];
  if (given !== undefined) headers['if-match'] = given.replaceAll('"', '');
}

/** The parts of a command that `withMd5` touches. */
interface WithStack {
  readonly middlewareStack: S3Client['middlewareStack'];
}

/**
 * Sends Content-MD5 instead of the SDK's CRC-32: for long it was what deletions of many keys had to carry, so every store takes it,
 * and some nothing else.
 */
export function withMd5<T extends object>(command: T): T {
  (command as unknown as WithStack).middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as Headed;
      for (const name of Object.keys(headers)) {
        if (/^x-amz-(?:checksum-|sdk-checksum-)/i.test(name)) delete headers[name];
      }
      const bytes = typeof body === 'string' ? utf8Encode(body) : (body as Uint8Array);
      headers['content-md5'] = btoa(String.fromCharCode(...md5(bytes)));
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'cairnMd5' },
  );
  return command;
}
