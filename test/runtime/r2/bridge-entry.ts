/**
 * A Worker that does in its bucket what it is asked to by HTTP, so that tests in Node reach a real binding (bucket.ts). Not for
 * anything else: it believes whoever asks.
 */
import type { R2Binding, R2Body, R2Head } from '../../../core/store/adapters/r2/r2-binding.js';
import type { BridgeAnswer, BridgeCall } from './bridge-calls.js';
import { ANSWER, bytesOf, CALL } from './bridge-calls.js';

interface Environment {
  readonly BUCKET: R2Binding;
}

const json = (value: BridgeAnswer): string => encodeURIComponent(JSON.stringify(value));

function plain(object: R2Head | null): object | null {
  if (object === null) return null;
  const { key, size, etag, uploaded, customMetadata, range } = object as Partial<R2Body> & R2Head;
  return { key, size, etag, uploaded: uploaded.getTime(), customMetadata, range };
}

/** Base64 of what JSON cannot say. */
function plainOptions(options: BridgeCall['options']): object {
  const { ssecKey, sha256, ...rest } = options ?? {};
  return {
    ...rest,
    ...(ssecKey === undefined ? {} : { ssecKey: bytesOf(ssecKey) }),
    ...(sha256 === undefined ? {} : { sha256: bytesOf(sha256) }),
  };
}

async function answerOf(
  bucket: R2Binding,
  { method, key = '', id = '', number = 0, parts = [], keys = [], options }: BridgeCall,
  body: Uint8Array,
): Promise<{ readonly value: unknown; readonly body?: ReadableStream }> {
  const given = plainOptions(options);
  switch (method) {
    case 'head':
      return { value: plain(await bucket.head(key)) };
    case 'get': {
      const object = await bucket.get(key, given);
      const stream = (object as Partial<R2Body> | null)?.body as ReadableStream | undefined;
      return { value: plain(object), ...(stream === undefined ? {} : { body: stream }) };
    }
    case 'put':
      return { value: plain(await bucket.put(key, body, given)) };
    case 'list': {
      const { objects, truncated, cursor } = await bucket.list(given as never);
      return { value: { objects: objects.map(plain), truncated, cursor } };
    }
    case 'delete':
      return { value: await bucket.delete([...keys]) };
    case 'createMultipartUpload':
      return { value: (await bucket.createMultipartUpload(key, given)).uploadId };
    case 'uploadPart':
      return { value: await bucket.resumeMultipartUpload(key, id).uploadPart(number, body, given) };
    case 'complete':
      return { value: plain(await bucket.resumeMultipartUpload(key, id).complete([...parts])) };
    case 'abort':
      return { value: await bucket.resumeMultipartUpload(key, id).abort() };
    default:
      throw new Error(`the bridge has no ${String(method)}`);
  }
}

const worker = {
  async fetch(request: Request, { BUCKET }: Environment): Promise<Response> {
    const header = request.headers.get(CALL);
    const body = new Uint8Array(await request.arrayBuffer());
    const call = JSON.parse(
      header === null ? new TextDecoder().decode(body) : decodeURIComponent(header),
    ) as BridgeCall;
    try {
      const { value, body: stream } = await answerOf(BUCKET, call, body);
      if (stream === undefined) return Response.json({ value } satisfies BridgeAnswer);
      return new Response(stream, { headers: { [ANSWER]: json({ value }) } });
    } catch (error) {
      const { name, message } = error as Error;
      return Response.json({ thrown: { name, message } } satisfies BridgeAnswer);
    }
  },
};

export { worker as default };
