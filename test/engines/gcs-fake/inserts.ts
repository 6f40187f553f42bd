/**
 * Writes of the fake that are one request: metadata and body in one multipart message.
 * https://cloud.google.com/storage/docs/json_api/v1/objects/insert
 * https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object
 */
import { generationOf, mustBeName, mustKnow, selected } from './asked.js';
import type { Asked } from './asked.js';
import { keyOf } from './keys.js';
import type { Demands, FakeBucket, FakeObject, NewObject } from './objects.js';
import { json, resourceOf } from './reads.js';
import type { Answer } from './reads.js';
import { strictly } from './refusal.js';

export interface Metadata {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
  readonly metadata?: Record<string, string>;
}

const KNOWN = ['contentType', 'cacheControl', 'crc32c', 'md5Hash', 'metadata'];
const JSON_TYPE = 'application/json; charset=UTF-8';
const KMS_KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;

export const insertParams = [
  'uploadType',
  'name',
  'ifGenerationMatch',
  'ifGenerationNotMatch',
  'kmsKeyName',
  'fields',
];

export function insertMultipart(asked: Asked, bucket: FakeBucket): Answer {
  mustKnow(asked, insertParams);
  const { metadata, media } = partsOf(asked);
  const made = bucket.insert(newObject(asked, metadata, media), demandsOf(asked, metadata));
  return madeAnswer(bucket, made, asked.params.get('fields'));
}

export function madeAnswer(bucket: FakeBucket, made: FakeObject, fields: string | undefined): Answer {
  return json(selected(resourceOf(bucket, made), fields));
}

export function newObject(asked: Asked, metadata: Metadata, bytes: Buffer): NewObject {
  const kmsKeyName = asked.params.get('kmsKeyName');
  strictly(kmsKeyName === undefined || KMS_KEY.test(kmsKeyName), 'Invalid kmsKeyName');
  const keySha256 = keyOf(asked);
  strictly(kmsKeyName === undefined || keySha256 === undefined, 'two ways to encrypt');
  return {
    name: mustBeName(asked.params.get('name')),
    bytes,
    contentType: metadata.contentType ?? 'application/octet-stream',
    cacheControl: metadata.cacheControl,
    metadata: metadata.metadata,
    kmsKeyName,
    keySha256,
  };
}

export function demandsOf(asked: Asked, { crc32c, md5Hash }: Metadata): Demands {
  return {
    ifGenerationMatch: generationOf(asked, 'ifGenerationMatch'),
    ifGenerationNotMatch: generationOf(asked, 'ifGenerationNotMatch'),
    crc32c,
    md5Hash,
  };
}

export function metadataOf(type: string | undefined, text: string): Metadata {
  strictly(type === JSON_TYPE, `metadata is of type ${type}`);
  const metadata = JSON.parse(text) as Metadata;
  for (const name of Object.keys(metadata)) strictly(KNOWN.includes(name), `no such field: ${name}`);
  for (const value of Object.values(metadata.metadata ?? {}))
    strictly(typeof value === 'string', 'metadata is texts');
  return metadata;
}

/** RFC 2387, without what this interface does not need of it. */
function partsOf({ headers, body }: Asked): { readonly metadata: Metadata; readonly media: Buffer } {
  const boundary = /^multipart\/related; boundary=([A-Za-z0-9'()+_,./:=?-]{1,70})$/.exec(
    headers['content-type'] ?? '',
  )?.[1];
  strictly(boundary !== undefined, `no message of two parts: ${headers['content-type']}`);
  const line = Buffer.from(`--${boundary}\r\n`);
  strictly(body.subarray(0, line.length).equals(line), 'the first line is not the boundary');
  const middle = body.indexOf(`\r\n--${boundary}\r\n`, line.length);
  strictly(middle > 0, 'there is no second part');
  const second = middle + line.length + 2;
  const end = body.indexOf(`\r\n--${boundary}`, second);
  strictly(
    body.subarray(end).toString('latin1') === `\r\n--${boundary}--\r\n`,
    'there are more than two parts',
  );
  const [first, media] = [partOf(body.subarray(line.length, middle)), partOf(body.subarray(second, end))];
  const metadata = metadataOf(first.type, first.content.toString());
  strictly(media.type === metadata.contentType, 'the types of body and metadata differ');
  return { metadata, media: media.content };
}

function partOf(part: Buffer): { readonly type: string; readonly content: Buffer } {
  const head = part.indexOf('\r\n\r\n');
  const type = /^content-type: ([^\r\n]+)$/i.exec(part.subarray(0, head).toString())?.[1];
  strictly(head > 0 && type !== undefined, 'a part says no type');
  return { type, content: part.subarray(head + 4) };
}
