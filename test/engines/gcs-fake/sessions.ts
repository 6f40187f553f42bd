/**
 * Resumable uploads of the fake: a session, parts in order, each a multiple of 256 KiB but the last, and a question how far it
 * is. What is kept of a part may be less than what was sent.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
import { randomUUID } from 'node:crypto';
import { mustHaveNoBody, mustKnow } from './asked.js';
import type { Asked } from './asked.js';
import { demandsOf, insertParams, madeAnswer, metadataOf, newObject } from './inserts.js';
import type { Metadata } from './inserts.js';
import { crc32cOf } from './objects.js';
import type { FakeBucket, FakeObject } from './objects.js';
import type { Answer } from './reads.js';
import { Refusal, strictly } from './refusal.js';

interface Session {
  readonly begun: Asked;
  readonly metadata: Metadata;
  chunks: Buffer[];
  size: number;
  made?: FakeObject;
}

const QUANTUM = 256 * 1024;

export class Sessions {
  readonly #open = new Map<string, Session>();

  /** Sessions that nobody ended. */
  get unfinished(): number {
    return [...this.#open.values()].filter(({ made }) => made === undefined).length;
  }

  /** As after a week. */
  forget(): void {
    this.#open.clear();
  }

  begin(asked: Asked, bucket: FakeBucket): Answer {
    mustKnow(asked, insertParams);
    const { headers, body } = asked;
    strictly(headers['x-upload-content-type'] !== undefined, 'the upload says no type');
    const metadata = metadataOf(headers['content-type'], body.toString());
    // Whatever is wrong is told now.
    newObject(asked, metadata, Buffer.alloc(0));
    demandsOf(asked, metadata);
    const id = randomUUID();
    this.#open.set(id, { begun: asked, metadata, chunks: [], size: 0 });
    const query = new URLSearchParams([...asked.params, ['upload_id', id]]);
    const location = `${asked.origin}/upload/storage/v1/b/${bucket.name}/o?${query.toString()}`;
    return { status: 200, headers: { location } };
  }

  cancel(asked: Asked): Answer {
    mustHaveNoBody(asked);
    this.#mustFind(asked);
    this.#open.delete(asked.params.get('upload_id')!);
    return { status: 499 };
  }

  continue(asked: Asked, bucket: FakeBucket): Answer {
    mustKnow(asked, [...insertParams, 'upload_id']);
    const session = this.#mustFind(asked);
    const { body } = asked;
    if (session.made !== undefined) return this.#answer(session, bucket);
    const range = /^bytes (?:\*|(\d+)-(\d+))\/(\*|\d+)$/.exec(asked.headers['content-range'] ?? '');
    strictly(range !== null, 'Failed to parse Content-Range header.');
    const [first, last] = [range[1], range[2]].map((text) => (text === undefined ? undefined : Number(text)));
    const total = range[3] === '*' ? undefined : Number(range[3]);
    const hash = asked.headers['x-goog-hash'];
    strictly(hash === undefined || total !== undefined, 'a checksum before the last part');
    if (first === undefined) mustHaveNoBody(asked);
    else {
      strictly(last! - first + 1 === body.length && first === session.size, 'Invalid request. Wrong range.');
      strictly(total === undefined || total === last! + 1, 'Invalid request. Wrong total size.');
      strictly(
        total !== undefined || body.length % QUANTUM === 0,
        'Invalid request. The number of bytes uploaded is required to be equal or greater than 262144, except for the final request.',
      );
      const kept = body.subarray(0, bucket.keeps(body.length));
      session.chunks.push(kept);
      session.size += kept.length;
    }
    if (total !== undefined && total === session.size) complete(session, bucket, String(hash ?? ''));
    return this.#answer(session, bucket);
  }

  #answer({ made, size, begun }: Session, bucket: FakeBucket): Answer {
    if (made !== undefined) return madeAnswer(bucket, made, begun.params.get('fields'));
    return { status: 308, headers: size === 0 ? {} : { range: `bytes=0-${size - 1}` } };
  }

  #mustFind({ params }: Asked): Session {
    const session = this.#open.get(params.get('upload_id') ?? '');
    if (session === undefined) throw new Refusal(404, 'notFound', 'Not Found');
    return session;
  }
}

function complete(session: Session, bucket: FakeBucket, hash: string): void {
  const { begun, metadata, chunks } = session;
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  const crc32c = /^crc32c=(.+)$/.exec(hash)?.[1];
  strictly(hash === '' || crc32c !== undefined, `no checksum: ${hash}`);
  strictly(
    crc32c === undefined || crc32c === crc32cOf(bytes),
    `Provided CRC32C "${crc32c}" doesn't match calculated CRC32C.`,
  );
  session.made = bucket.insert(newObject(begun, metadata, bytes), demandsOf(begun, metadata));
  session.chunks = [];
}
