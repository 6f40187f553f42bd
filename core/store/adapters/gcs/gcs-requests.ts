/**
 * Requests to the JSON API of Google Cloud Storage, each sent once and with an end in time. The SDK finds the endpoint and the
 * credentials, and renews them; the requests themselves are Node's. Those of the SDK hide the headers that a version and a range
 * are in, and repeat themselves; its HTTP client below them waits for ever on a body that breaks off, and holds the connection of
 * one that nobody reads. Credentials are fetched before a request is begun, so that what fails there surely had no effect.
 */
import { Buffer } from 'node:buffer';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Storage } from '@google-cloud/storage';
import { limits } from '../../../base/limits.js';
import { bounded, readBody, strangeAnswer } from '../bucket/index.js';
import type { BucketPorts, Late, StoreFailed } from '../bucket/index.js';
import { credentialsFailure, faultOfAnswer, GcsFailure, lateCredentials } from './gcs-faults.js';
import { namesEmulator } from './gcs-url.js';
import type { GcsLocation } from './gcs-url.js';

export interface GcsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Behind the endpoint, with parameters. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** One after the other. */
  readonly body?: readonly Uint8Array[];
}

export interface GcsAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read to its end, or destroyed. */
  readonly body: IncomingMessage;
}

/** An answer that is a JSON document, or has no body. */
export interface GcsDocument {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: unknown;
}

type Params = Readonly<Record<string, string>>;

/** 308: of an upload that is not complete. */
const expected = [200, 201, 204, 308];

export class GcsRequests {
  /** That of the URL, of the variable for emulators, or Google's. */
  readonly endpoint: string;
  readonly #location: GcsLocation;
  readonly #ports: BucketPorts;
  readonly #agent: HttpAgent;
  #sdk: Storage;
  /** The store took our credentials before: when it does no longer, they have come to their end. */
  #accepted = false;
  #sent = 0;

  constructor(location: GcsLocation, ports: BucketPorts) {
    this.#location = location;
    this.#ports = ports;
    this.#sdk = newSdk(location);
    // Other SDKs of Google want the host in the variable, the one for Node the whole address of the API.
    const address = this.#sdk.apiEndpoint.replace(/\/storage\/v1$/, '');
    this.endpoint = address.replace(/^https?:/i, (scheme) => scheme.toLowerCase());
    const options = { keepAlive: true, maxSockets: location.connections };
    this.#agent = this.endpoint.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Requests to the store so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Of the bucket, or of what is in it: `o`, `o/KEY`. */
  path(within: string, params: Params): string {
    return `/storage/v1/b/${this.#bucketPath(within, params)}`;
  }

  uploadPath(params: Params): string {
    return `/upload/storage/v1/b/${this.#bucketPath('o', params)}`;
  }

  #bucketPath(within: string, params: Params): string {
    const { bucket, project } = this.#location;
    const all = { ...params, ...(project === undefined ? {} : { userProject: project }) };
    const query = new URLSearchParams(all).toString();
    return (
      encodeURIComponent(bucket) + (within === '' ? '' : `/${within}`) + (query === '' ? '' : `?${query}`)
    );
  }

  /** When the store gave this answer, by its own clock; by ours where it does not say. */
  dateOf({ headers }: Pick<GcsAnswer, 'headers'>): number {
    const date = Date.parse(headers['date'] ?? '');
    return Number.isNaN(date) ? this.#ports.clock.wallMs() : date;
  }

  /** Gives `send` the time of an answer, and what `bytes` take on a slow line. */
  bounded<T>(send: (late: Late) => Promise<T>, bytes: number = 0): Promise<T> {
    return bounded(this.#ports, { answerMs: this.#location.answerMs, bytes }, send);
  }

  /** The body is still to be read. Throws what ends a request on its way, and `GcsFailure` where there are no credentials. */
  async answer(request: GcsRequest): Promise<GcsAnswer> {
    const headers = { ...(await this.#credentials()), ...request.headers };
    const bytes = (request.body ?? []).reduce((sum, part) => sum + part.length, 0);
    this.#sent += 1;
    const answer = await this.bounded(
      ({ abortSignal }) =>
        this.#exchange(request, { ...headers, 'content-length': String(bytes) }, abortSignal),
      bytes,
    );
    if (answer.status < 400) this.#accepted = !this.#location.anonymous;
    return answer;
  }

  /** Throws `GcsFailure` for an answer of 400 and more, too. */
  async document(request: GcsRequest, failed: StoreFailed): Promise<GcsDocument> {
    const answer = await this.answer(request);
    if (!expected.includes(answer.status)) throw await this.failure(answer, failed);
    const text = await this.#textOf(answer, failed);
    const { status, headers } = answer;
    return { status, headers, document: text === '' ? undefined : parsed(text, failed) };
  }

  /** What an answer says that is none of those that were asked for. */
  async failure(answer: GcsAnswer, failed: StoreFailed): Promise<GcsFailure> {
    const { status, headers } = answer;
    const text = await this.#textOf(answer, failed).catch(() => '');
    const fault = faultOfAnswer(status, headers, text);
    if (status !== 401) return new GcsFailure(fault);
    // The SDK would go on with the same token for an hour.
    this.#sdk = newSdk(this.#location);
    return new GcsFailure(this.#accepted ? { ...fault, name: 'CredentialsExpired' } : fault);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #textOf({ headers, body }: GcsAnswer, failed: StoreFailed): Promise<string> {
    const promised = headers['content-length'];
    const length = promised === undefined ? undefined : Number(promised);
    if (length !== undefined && length > limits.storeDocumentBytes) {
      body.destroy();
      throw strangeAnswer('is too long', failed);
    }
    const bytes = await this.bounded(
      ({ abortSignal: late }) =>
        length === undefined
          ? readChunked(body, late, failed)
          : readBody({ chunks: body, length, into: undefined, failed, late }),
      length ?? limits.storeDocumentBytes,
    );
    return new TextDecoder().decode(bytes);
  }

  /** Throws `GcsFailure`. */
  async #credentials(): Promise<Readonly<Record<string, string>>> {
    if (this.#location.anonymous) return {};
    try {
      return await this.bounded(({ abortSignal }) =>
        Promise.race([this.#sdk.authClient.getRequestHeaders(this.endpoint), aborted(abortSignal)]),
      );
    } catch (error) {
      throw error instanceof GcsFailure ? error : credentialsFailure(error);
    }
  }

  #exchange(
    { method, path, body = [] }: GcsRequest,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<GcsAnswer> {
    const send = this.endpoint.startsWith('https:') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const options = {
        method,
        headers: { ...headers, 'user-agent': 'cairndb' },
        agent: this.#agent,
        signal,
      };
      const request: ClientRequest = send(this.endpoint + path, options, (answer) => {
        resolve({ status: answer.statusCode!, headers: plainHeaders(answer), body: answer });
      });
      request.on('error', reject);
      // A small body goes with its headers.
      request.cork();
      for (const part of body) request.write(part);
      request.uncork();
      request.end();
    });
  }
}

const GOOGLE = 'https://storage.googleapis.com';

/** Only its search for endpoint and credentials is used; what it would repeat is off all the same. */
function newSdk({ endpoint }: GcsLocation): Storage {
  // Told Google's own, because the SDK takes a variable that is empty for an address.
  const apiEndpoint = endpoint ?? (namesEmulator() ? undefined : GOOGLE);
  return new Storage({
    ...(apiEndpoint === undefined ? {} : { apiEndpoint }),
    // No request of ours has one, and without it the SDK runs gcloud or asks other services for it.
    projectId: 'none',
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
}

function plainHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value = '']) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(lateCredentials()), { once: true });
  });
}

/** Without the parser's own words, which quote what it read. */
function parsed(text: string, failed: StoreFailed): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw strangeAnswer('is no JSON', failed);
  }
}

/** Of a body that does not say how long it is. */
async function readChunked(
  body: IncomingMessage,
  late: AbortSignal,
  failed: StoreFailed,
): Promise<Uint8Array> {
  const stop = (): void => void body.destroy();
  late.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limits.storeDocumentBytes) throw strangeAnswer('is too long', failed);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
