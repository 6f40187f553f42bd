/** Requests of platforms that hand over a whole message: its body is one piece. */
import type { BodyStream, HttpRequest } from '../http/index.js';

export interface BufferedMessage {
  readonly method: string;
  /** With or without a port, as the caller or the platform says it. */
  readonly host: string | undefined;
  /** With its leading slash. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Names in any case. */
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

export function bufferedRequest({ method, host, path, query, headers, body }: BufferedMessage): HttpRequest {
  const fields = new Map<string, string>();
  for (const [name, value] of headers) {
    const field = name.toLowerCase();
    const before = fields.get(field);
    fields.set(field, before === undefined ? value : `${before}, ${value}`);
  }
  // Of what lies here: a proxy on the way may have unpacked what the caller measured.
  if (body !== undefined) fields.set('content-length', String(body.length));
  return {
    method: method.toUpperCase(),
    url: urlOf(host ?? 'localhost', escaped(path), query),
    headers: { get: (name) => fields.get(name) ?? null },
    body: body === undefined || body.length === 0 ? null : streamOf(body),
  };
}

/** A host that makes no URL is the platform's affair: nothing here goes by it. */
function urlOf(host: string, path: string, query: string): string {
  const rest = `${path}${query === '' ? '' : `?${query}`}`;
  const url = `https://${host}${rest}`;
  return !/[/?#@\\]/.test(host) && URL.canParse(url) ? url : `https://localhost${rest}`;
}

/** Some platforms decode a path. What could not stand in one is escaped again; escapes that are left stay. */
function escaped(path: string): string {
  return path
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[^\x21-\x7e]+|[?#\\]/g, (part) => encodeURIComponent(part));
}

function streamOf(body: Uint8Array<ArrayBuffer>): BodyStream {
  let rest: Uint8Array<ArrayBuffer> | undefined = body;
  return {
    getReader: () => ({
      read: () => {
        const value = rest;
        rest = undefined;
        return Promise.resolve({ value });
      },
      cancel: () => {
        rest = undefined;
        return Promise.resolve();
      },
    }),
  };
}
