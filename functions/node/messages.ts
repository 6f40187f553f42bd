/**
 * Node's HTTP messages as the web's Request and Response. Bodies are streamed both ways, with back-pressure, and never
 * gathered here; a request that breaks off errors its body and aborts its signal.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid } from '../../core/base/errors.js';

/** Chunks of a body that wait to be read before the socket is paused. */
const waitingChunks = 8;

/** Methods that a Request cannot have. */
const unsupported = ['TRACE', 'TRACK', 'CONNECT'];
const allow = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';

export interface RequestOptions {
  /** Called when the body is first asked for: a client that waits for `100 Continue` sends nothing before. */
  readonly onFirstRead: () => void;
  readonly signal: AbortSignal;
}

/** Throws `invalid` where the target or the Host header makes no URL. */
export function requestOf(message: IncomingMessage, { onFirstRead, signal }: RequestOptions): Request {
  const { method = 'GET' } = message;
  if (unsupported.includes(method)) throw invalid('method_not_allowed', `${method} is not served`, { allow });
  const hasBody = method !== 'GET' && method !== 'HEAD' && isBodied(message);
  return new Request(urlOf(message), {
    method,
    headers: headersOf(message),
    signal,
    ...(hasBody ? { body: bodyOf(message, onFirstRead), duplex: 'half' as const } : {}),
  });
}

/**
 * Hands the answer over. `beforeEnd` runs when all of its bytes are written and the message is not ended yet. Resolves
 * early where the client is gone.
 */
export async function sendResponse(
  response: Response,
  to: ServerResponse,
  beforeEnd: () => Promise<void>,
): Promise<void> {
  to.writeHead(response.status, Object.fromEntries(response.headers));
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) break;
    if (to.destroyed) {
      await reader?.cancel();
      return;
    }
    if (!to.write(value)) await drained(to);
  }
  to.flushHeaders();
  await beforeEnd();
  to.end();
}

/** Throws away what is left of a body. Resolves at its end, when the client is gone, or after `lingerMs`. */
export function discardBody(message: IncomingMessage, lingerMs: number): Promise<void> {
  message.removeAllListeners('data');
  message.resume();
  if (message.complete || message.destroyed) return Promise.resolve();
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

function urlOf({ url = '/', headers }: IncomingMessage): string {
  const host = headers.host ?? 'localhost';
  // A whole URL as the target (a proxy's form) would let the target and the Host header disagree.
  const target = url.startsWith('/') ? url : undefined;
  const text = `http://${host}${target ?? '/'}`;
  if (target === undefined || !URL.canParse(text) || /[/?#@\\]/.test(host)) {
    throw invalid('invalid_target', 'the request target or the Host header makes no URL');
  }
  return text;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}

/**
 * Nothing is read ahead of the first pull, so that a refusal comes before the body does. From then on a few chunks may
 * wait: pausing the socket after each one would double the time of a large body.
 */
function bodyOf(message: IncomingMessage, onFirstRead: () => void): ReadableStream<Uint8Array> {
  let over = false;
  let asked = false;
  const finish = (act: () => void): void => {
    if (over) return;
    over = true;
    act();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        message.on('data', (chunk: Buffer) => {
          if (over) return;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= -waitingChunks) message.pause();
        });
        const broken = (): void =>
          finish(() => controller.error(invalid('body_cut_short', 'the request broke off inside its body')));
        message.on('end', () => finish(() => controller.close()));
        message.on('close', broken);
        message.pause();
      },
      pull: () => {
        if (!asked) onFirstRead();
        asked = true;
        message.resume();
      },
      cancel: () => {
        over = true;
      },
    },
    { highWaterMark: 0 },
  );
}
