/**
 * Reads of the fake: objects, their metadata, lists, the bucket itself.
 * https://cloud.google.com/storage/docs/json_api/v1/objects/get and …/list
 */
import { generationOf, mustHaveNoBody, mustKnow, selected } from './asked.js';
import type { Asked } from './asked.js';
import { mustFit } from './keys.js';
import type { FakeBucket, FakeObject } from './objects.js';
import { noSuchObject, Refusal, strictly } from './refusal.js';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly cutAt?: number | undefined;
}

export function json(document: object): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: Buffer.from(JSON.stringify(document)),
  };
}

/** As Google shows it. Without the key that it is encrypted with the hashes of its bytes are left out. */
export function resourceOf(
  bucket: FakeBucket,
  object: FakeObject,
  withHashes = true,
): Record<string, unknown> {
  const { name, generation, bytes, contentType, metadata, kmsKeyName } = object;
  const updated = new Date(object.updatedMs).toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket.name}/${name}/${generation}`,
    name,
    bucket: bucket.name,
    generation,
    metageneration: '1',
    contentType,
    cacheControl: object.cacheControl,
    size: String(bytes.length),
    crc32c: withHashes ? object.crc32c : undefined,
    md5Hash: withHashes ? object.md5Hash : undefined,
    timeCreated: updated,
    updated,
    metadata,
    kmsKeyName,
  };
}

export function getBucket(asked: Asked, bucket: FakeBucket): Answer {
  mustKnow(asked, ['fields']);
  mustHaveNoBody(asked);
  const { name, lifecycle, storageClass, autoclass } = bucket;
  const document = { kind: 'storage#bucket', name, lifecycle, storageClass, autoclass };
  return json(selected(document, asked.params.get('fields')));
}

export function getObject(asked: Asked, bucket: FakeBucket, name: string): Answer {
  mustKnow(asked, ['alt', 'fields', 'ifGenerationMatch', 'ifGenerationNotMatch']);
  mustHaveNoBody(asked);
  const object = bucket.find(name);
  if (object === undefined) throw noSuchObject(bucket.name, name);
  const [match, unless] = ['ifGenerationMatch', 'ifGenerationNotMatch'].map((each) =>
    generationOf(asked, each),
  );
  if (match !== undefined && match !== object.generation)
    throw new Refusal(412, 'conditionNotMet', 'Precondition Failed');
  if (unless === object.generation) return { status: 304 };
  const alt = asked.params.get('alt');
  if (alt === undefined) {
    const withHashes = object.keySha256 === undefined || asked.headers['x-goog-encryption-key'] !== undefined;
    return json(selected(resourceOf(bucket, object, withHashes), asked.params.get('fields')));
  }
  strictly(alt === 'media', `Invalid value for alt: ${alt}`);
  mustFit(asked, object);
  return { ...media(object, asked.headers['range']), cutAt: bucket.cutAt };
}

/** https://cloud.google.com/storage/docs/xml-api/reference-headers: the JSON interface sends the same with a body. */
function media(object: FakeObject, range: string | undefined): Answer {
  const { bytes, generation, crc32c, md5Hash, contentType, updatedMs } = object;
  const headers = {
    'content-type': contentType,
    'last-modified': new Date(updatedMs).toUTCString(),
    'x-goog-generation': generation,
    'x-goog-metageneration': '1',
    'x-goog-hash': `crc32c=${crc32c},md5=${md5Hash}`,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(bytes.length),
    'accept-ranges': 'bytes',
  };
  if (range === undefined) return { status: 200, headers, body: bytes };
  const found = /^bytes=(\d+)-(\d+)$/.exec(range);
  strictly(found !== null, `no range: ${range}`);
  const [first, last] = [Number(found[1]), Math.min(Number(found[2]), bytes.length - 1)];
  if (first >= bytes.length)
    throw new Refusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable');
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${bytes.length}` },
    body: bytes.subarray(first, last + 1),
  };
}

interface Token {
  /** Whatever was deleted meanwhile, the next page begins behind it. */
  readonly after: string;
  readonly prefix: string | undefined;
  readonly start: string | undefined;
  /** No token comes twice, also where a page was empty. */
  readonly turn: number;
}

let turns = 0;

/**
 * `startOffset` itself is answered, where it is there. A page may be short or empty and still have a successor:
 * https://cloud.google.com/storage/docs/paginate-results
 */
export function listObjects(asked: Asked, bucket: FakeBucket): Answer {
  mustKnow(asked, ['prefix', 'startOffset', 'maxResults', 'pageToken', 'fields']);
  mustHaveNoBody(asked);
  const { params } = asked;
  const [prefix, start] = [params.get('prefix'), params.get('startOffset')];
  const most = Number(params.get('maxResults') ?? '1000');
  strictly(Number.isInteger(most) && most >= 1 && most <= 1_000, 'Invalid value for maxResults');
  const after = afterOf(params.get('pageToken'), prefix, start);
  const rest = bucket.sorted().filter(({ name }) => {
    if (!name.startsWith(prefix ?? '') || compare(name, start ?? '') < 0) return false;
    return after === undefined || compare(name, after) > 0;
  });
  const size = bucket.raggedPages ? [most, Math.ceil(most / 2), 0][turns % 3]! : most;
  // The last page may be followed by an empty one.
  const more = size < rest.length || size === 0;
  const page = rest.slice(0, size);
  const token: Token = { after: page.at(-1)?.name ?? after ?? '', prefix, start, turn: ++turns };
  const items = page.map((object) => resourceOf(bucket, object));
  const document = {
    kind: 'storage#objects',
    nextPageToken: more ? Buffer.from(JSON.stringify(token)).toString('base64') : undefined,
    items: items.length === 0 ? undefined : items,
  };
  return json(selected(document, params.get('fields')));
}

/** A token is one of its own list only. */
function afterOf(
  text: string | undefined,
  prefix: string | undefined,
  start: string | undefined,
): string | undefined {
  if (text === undefined) return undefined;
  const token = JSON.parse(Buffer.from(text, 'base64').toString()) as Token;
  strictly(token.prefix === prefix && token.start === start, 'Invalid Value for pageToken');
  return token.after;
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
