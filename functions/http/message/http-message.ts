/**
 * What the app takes and gives. A web `Request` is an `HttpRequest` as it stands, and `webResponse` makes a web
 * `Response`: hosts that speak the web's types need no more. A host that does not, as Node, spares the web's objects, which
 * cost more than a tenth of a warm query.
 */

export interface HttpRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** Null where the message has none. */
  readonly body: BodyStream | null;
}

export interface HttpHeaders {
  /** Names in lower case. Fields of one name are joined by `, `. */
  get(name: string): string | null;
}

export interface BodyStream {
  getReader(): BodyReader;
}

export interface BodyReader {
  /** The next piece; none at the end. */
  read(): Promise<{ readonly value?: Uint8Array<ArrayBuffer> | undefined }>;
  /** Gives the rest up. */
  cancel(reason: unknown): Promise<void>;
}

/** A whole answer: none of ours is so large that it must be streamed. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

export function webResponse({ status, headers, body }: HttpAnswer): Response {
  return new Response(body, { status, headers });
}
