/**
 * Request bodies: content type, gzip, and size bounds that hold before anything is allocated. A body is read into one
 * buffer.
 */
import { concatBytes } from '../../../core/base/bytes.js';
import { invalid, isCairnError } from '../../../core/base/errors.js';
import type { CairnError } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import type { Admission } from '../access/index.js';
import type { BodyReader, BodyStream, HttpRequest, PlatformLimits } from '../message/index.js';

export type BodyKind = 'json' | 'ndjson';

const kindOfType: Readonly<Record<string, BodyKind>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};

export interface BodyRules {
  readonly accept: readonly BodyKind[];
  readonly admission: Admission;
  readonly platform?: PlatformLimits | undefined;
}

interface ByteLimit {
  readonly maximum: number;
  /** Whose limit it is. Absent: the app's own. */
  readonly platform?: string;
}

export interface Body {
  readonly kind: BodyKind;
  readonly bytes: Uint8Array;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Returns undefined for an empty body. */
export async function readBody(request: HttpRequest, rules: BodyRules): Promise<Body | undefined> {
  const declared = declaredLength(request);
  if (request.body === null || declared === 0) return undefined;
  const type = request.headers.get('content-type');
  const encoding = contentEncoding(request);
  // A type that is wrong or absent is only a fault where there is something to read.
  const kind = bodyKind(type, rules.accept);
  const sent = sentLimit(rules);
  if (declared !== undefined && declared > sent.maximum) throw tooLarge(declared, sent, 'body');
  const bytes =
    encoding === 'gzip'
      ? await readGzip(request.body, rules)
      : await readPlain(saidWhenCut(request.body), declared, rules);
  if (bytes.length === 0) return undefined;
  if (kind === undefined) throw wrongType(type, rules.accept);
  return { kind, bytes };
}

function declaredLength(request: HttpRequest): number | undefined {
  const header = request.headers.get('content-length');
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

function contentEncoding(request: HttpRequest): 'identity' | 'gzip' {
  const header = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (header === 'identity' || header === '') return 'identity';
  if (header === 'gzip' || header === 'x-gzip') return 'gzip';
  throw invalid(
    'unsupported_content_encoding',
    `content-encoding ${JSON.stringify(header.slice(0, 60))} is not understood: send gzip or none`,
  );
}

function bodyKind(type: string | null, accept: readonly BodyKind[]): BodyKind | undefined {
  if (type === null) return undefined;
  const [essence = '', ...parameters] = type.toLowerCase().split(';');
  const kind = kindOfType[essence.trim()];
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith('charset='));
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (kind === undefined || !accept.includes(kind) || !utf8) throw wrongType(type, accept);
  return kind;
}

function wrongType(type: string | null, accept: readonly BodyKind[]): CairnError {
  const wanted = accept.map((kind) => (kind === 'json' ? 'application/json' : 'application/x-ndjson'));
  const got =
    type === null ? 'the body has no content-type' : `content-type ${JSON.stringify(type.slice(0, 100))}`;
  return invalid('unsupported_media_type', `${got}: send ${wanted.join(' or ')} in UTF-8`, {
    supported: wanted,
  });
}

function tooLarge(value: number, { maximum, platform }: ByteLimit, what: string): CairnError {
  const whose = platform === undefined ? '' : ` of ${platform}`;
  const message = `${what} has ${value} bytes or more, the maximum is ${maximum} (bodyBytes${whose})`;
  return invalid('body_too_large', message, {
    ...{ limit: 'bodyBytes', value, maximum },
    ...(platform === undefined ? {} : { platform }),
  });
}

/** Of a body that is not compressed, and of one that is inflated. */
function bodyLimit({ platform }: BodyRules): ByteLimit {
  return lesser({ maximum: limits.bodyBytes }, platform, platform?.bodyBytes);
}

/** Of a body as it comes. */
function sentLimit(rules: BodyRules): ByteLimit {
  return lesser(bodyLimit(rules), rules.platform, rules.platform?.sentBytes);
}

function lesser(limit: ByteLimit, platform: PlatformLimits | undefined, bytes = Infinity): ByteLimit {
  return bytes < limit.maximum ? { maximum: bytes, platform: platform!.name } : limit;
}

/** Cost: one buffer of the declared length, which the admission has granted before it is allocated. */
async function readPlain(stream: BodyStream, declared: number | undefined, rules: BodyRules): Promise<Bytes> {
  if (declared === undefined)
    return concatBytes(await readChunks(stream, rules.admission, sentLimit(rules), 'body'));
  const bytes = rules.admission.takeBuffer(declared);
  let at = 0;
  await eachChunk(stream, (chunk) => {
    if (at + chunk.length > declared) throw tooLarge(at + chunk.length, { maximum: declared }, 'body');
    bytes.set(chunk, at);
    at += chunk.length;
  });
  if (at < declared) throw cutShort(at, declared);
  return bytes;
}

/** Hosts have errors of their own for a caller that leaves within the body. It is none of the server's. */
function saidWhenCut(stream: BodyStream): BodyStream {
  return {
    getReader: () => {
      const reader = stream.getReader();
      return {
        read: async () => {
          try {
            return await reader.read();
          } catch (error) {
            if (isCairnError(error)) throw error;
            throw invalid('body_cut_short', 'the request broke off inside its body');
          }
        },
        cancel: (reason) => reader.cancel(reason),
      };
    },
  };
}

function cutShort(value: number, declared: number): CairnError {
  return invalid('body_cut_short', `body ends after ${value} of ${declared} bytes`, { value, declared });
}

/** Both sides of the inflater are bounded: a bomb inflates without end, and a stream of empty blocks never inflates. */
async function readGzip(stream: BodyStream, rules: BodyRules): Promise<Bytes> {
  const limit = sentLimit(rules);
  let sent = 0;
  let refused: unknown;
  const count = (chunk: Bytes): void => {
    sent += chunk.length;
    if (sent <= limit.maximum) return;
    refused = tooLarge(sent, limit, 'compressed body');
    throw refused;
  };
  try {
    const inflated = countedStream(stream.getReader(), count).pipeThrough(new DecompressionStream('gzip'));
    return concatBytes(await readChunks(inflated, rules.admission, bodyLimit(rules), 'inflated body'));
  } catch (error) {
    if (refused !== undefined) throw refused;
    if (isCairnError(error)) throw error;
    throw invalid('malformed_gzip', `body is not a whole gzip stream (${sent} bytes received)`);
  }
}

/** Where `count` throws, the source is cancelled and the stream errs. */
function countedStream(source: BodyReader, count: (chunk: Bytes) => void): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>({
    pull: async (controller) => {
      const { value } = await source.read();
      if (value === undefined) return controller.close();
      try {
        count(value);
      } catch (error) {
        source.cancel(error).catch(() => undefined);
        throw error;
      }
      controller.enqueue(value);
    },
    cancel: (reason) => source.cancel(reason),
  });
}

async function readChunks(
  stream: BodyStream,
  admission: Admission,
  limit: ByteLimit,
  what: string,
): Promise<Bytes[]> {
  const chunks: Bytes[] = [];
  let length = 0;
  await eachChunk(stream, (chunk) => {
    length += chunk.length;
    if (length > limit.maximum) throw tooLarge(length, limit, what);
    admission.takeBytes(chunk.length);
    chunks.push(chunk);
  });
  return chunks;
}

/** Where `take` throws, the rest of the stream is cancelled. */
async function eachChunk(stream: BodyStream, take: (chunk: Bytes) => void): Promise<void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) return;
      take(value);
    }
  } catch (error) {
    // Not awaited: a source that does not answer must not hold the refusal back.
    reader.cancel(error).catch(() => undefined);
    throw error;
  }
}
