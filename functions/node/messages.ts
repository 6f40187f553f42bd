/**
 * Node's HTTP messages as the app's requests and answers. A body is streamed, with back-pressure, and never gathered
 * here; a request that breaks off errors it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid } from '../../core/base/errors.js';
import type { BodyReader, HttpAnswer, HttpRequest } from '../http/index.js';

/** Chunks of a body that wait to be read before the socket is paused: after each one would double a large body's time. */
const waitingChunks = 8;

/** Methods that no web request can have. */
const unsupported = ['TRACE', 'TRACK', 'CONNECT'];
const allow = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';

/**
 * Throws `invalid` where the target or the Host header makes no URL. `onFirstRead` is called when the body is first asked
 * for: a client that waits for `100 Continue` sends nothing before.
 */
export function requestOf(message: IncomingMessage, onFirstRead: () => void): HttpRequest {
  const { method = 'GET' } = message;
  if (unsupported.includes(method)) throw invalid('method_not_allowed', `${method} is not served`, { allow });
  const hasBody = method !== 'GET' && method !== 'HEAD' && isBodied(message);
  return {
    method,
    url: urlOf(message),
    headers: { get: (name) => headerOf(message, name) },
    body: hasBody ? { getReader: () => new MessageReader(message, onFirstRead) } : null,
  };
}

/** Hands the answer over. `beforeEnd` runs when it is written and the message is not ended yet. */
export async function sendAnswer(
  { status, headers, body }: HttpAnswer,
  to: ServerResponse,
  beforeEnd: () => Promise<void> | undefined,
): Promise<void> {
  to.writeHead(status, headers);
  // To Node a connection is idle once its answer is ended, and a server that closes cuts idle ones off, written or not.
  if (body !== null && !to.write(body)) await drained(to);
  const ready = beforeEnd();
  if (ready !== undefined) {
    to.flushHeaders();
    await ready;
  }
  to.end();
}

/**
 * Throws away what is left of a body. Resolves at its end, when the client is gone, or after `lingerMs`; undefined where
 * nothing is left.
 */
export function discardBody(message: IncomingMessage, lingerMs: number): Promise<void> | undefined {
  message.removeAllListeners('data');
  message.resume();
  if (message.complete || message.destroyed) return undefined;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    message.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    message.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function drained(to: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      to.off('drain', settle);
      to.off('close', settle);
      resolve();
    };
    to.on('drain', settle);
    to.on('close', settle);
  });
}

function isBodied({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function urlOf(message: IncomingMessage): string {
  const { url = '/' } = message;
  const host = headerOf(message, 'host') ?? 'localhost';
  // A whole URL as the target (a proxy's form) would let the target and the Host header disagree.
  const target = url.startsWith('/') ? url : undefined;
  const text = `http://${host}${target ?? '/'}`;
  if (target === undefined || !URL.canParse(text) || /[/?#@\\]/.test(host)) {
    throw invalid('invalid_target', 'the request target or the Host header makes no URL');
  }
  return text;
}

/** From the raw pairs: of some fields that are given twice, Node's own record keeps the first and is silent about it. */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | null {
  let value: string | null = null;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const field = rawHeaders[at]!;
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    const given = rawHeaders[at + 1]!;
    value = value === null ? given : `${value}, ${given}`;
  }
  return value;
}

/** Nothing is read ahead of the first `read`, so that a refusal comes before the body does. One `read` at a time. */
class MessageReader implements BodyReader {
  readonly #message: IncomingMessage;
  readonly #onFirstRead: () => void;
  readonly #chunks: Buffer<ArrayBuffer>[] = [];
  #state: 'unasked' | 'open' | 'ended' | 'broken' = 'unasked';
  /** Of the read that waits. */
  #wake: (() => void) | undefined;

  constructor(message: IncomingMessage, onFirstRead: () => void) {
    this.#message = message;
    this.#onFirstRead = onFirstRead;
  }

  async read(): Promise<{ value?: Uint8Array<ArrayBuffer> }> {
    if (this.#state === 'unasked') this.#open();
    if (this.#chunks.length === 0 && this.#state === 'open') {
      this.#message.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#chunks.shift();
    if (value !== undefined) return { value };
    if (this.#state === 'broken') throw invalid('body_cut_short', 'the request broke off inside its body');
    return {};
  }

  cancel(): Promise<void> {
    this.#end('ended');
    this.#chunks.length = 0;
    return Promise.resolve();
  }

  #open(): void {
    this.#state = 'open';
    this.#onFirstRead();
    const message = this.#message;
    message.on('data', (chunk: Buffer<ArrayBuffer>) => {
      if (this.#state !== 'open') return;
      this.#chunks.push(chunk);
      if (this.#chunks.length > waitingChunks) message.pause();
      this.#wake?.();
    });
    message.on('end', () => this.#end('ended'));
    message.on('close', () => this.#end('broken'));
    if (message.destroyed) this.#end('broken');
  }

  #end(state: 'ended' | 'broken'): void {
    if (this.#state === 'unasked' || this.#state === 'open') this.#state = state;
    this.#wake?.();
  }
}
