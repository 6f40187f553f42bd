/**
 * A fake of the JSON interface of Google Cloud Storage, as far as the adapter uses it, after Google's documents: there is no real
 * one to be had for tests. It is strict: what it does not know it refuses. It is no witness of what Google does where the
 * documents are silent.
 * https://cloud.google.com/storage/docs/json_api/v1
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { askedOf, generationOf, mustHaveNoBody, mustKnow } from './asked.js';
import type { Asked } from './asked.js';
import { insertMultipart } from './inserts.js';
import { FakeBucket } from './objects.js';
import type { Permission } from './objects.js';
import { getBucket, getObject, listObjects } from './reads.js';
import type { Answer } from './reads.js';
import { errorDocument, noSuchBucket, Refusal, strictly } from './refusal.js';
import { Sessions } from './sessions.js';
import { Tokens } from './tokens.js';

export interface GcsFake {
  readonly url: string;
  /** Where its tokens come from. */
  readonly tokenUrl: string;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  makeBucket(name: string, everyone: Iterable<Permission>): FakeBucket;
  close(): Promise<void>;
}

export async function startGcsFake(): Promise<GcsFake> {
  const state = new GcsState();
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    state.serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    tokenUrl: `${url}/token`,
    tokens: state.tokens,
    sessions: state.sessions,
    makeBucket: (name, everyone) => state.makeBucket(name, everyone),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class GcsState {
  readonly tokens: Tokens = new Tokens();
  readonly sessions: Sessions = new Sessions();
  readonly #buckets = new Map<string, FakeBucket>();
  #answers = 0;

  makeBucket(name: string, everyone: Iterable<Permission>): FakeBucket {
    const bucket = new FakeBucket(name, everyone);
    this.#buckets.set(name, bucket);
    return bucket;
  }

  async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (incoming.url === '/token') {
      await this.#handOut(incoming, outgoing);
      return;
    }
    const { status, headers = {}, body = Buffer.alloc(0), cutAt } = await this.#answerOf(incoming);
    outgoing.writeHead(status, {
      ...headers,
      'x-guploader-uploadid': `fake-${++this.#answers}`,
      ...(status === 204 || status === 304 ? {} : { 'content-length': String(body.length) }),
    });
    if (cutAt === undefined) outgoing.end(body);
    else outgoing.write(body.subarray(0, cutAt), () => incoming.socket.destroy());
  }

  async #handOut(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { status, document } = this.tokens.exchange(new URLSearchParams(Buffer.concat(chunks).toString()));
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(document));
  }

  /** A request for a body is refused in plain words, all others in JSON. */
  async #answerOf(incoming: IncomingMessage): Promise<Answer> {
    let media = false;
    try {
      const asked = await askedOf(incoming);
      media = asked.params.get('alt') === 'media';
      return this.#answer(asked);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, message } = error.refused;
      return media
        ? { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: Buffer.from(message) }
        : {
            status,
            headers: { 'content-type': 'application/json; charset=UTF-8' },
            body: errorDocument(error.refused),
          };
    }
  }

  #answer(asked: Asked): Answer {
    const { method, uploading, params } = asked;
    const [b, bucketName, o, name, ...rest] = asked.within;
    strictly(b === 'b' && (o === undefined || o === 'o') && rest.length === 0, 'no such resource');
    const bucket = this.#buckets.get(bucketName ?? '');
    if (bucket === undefined) throw noSuchBucket();
    if (bucket.requesterPays && params.get('userProject') === undefined)
      throw new Refusal(400, 'required', 'Bucket is a requester pays bucket but no user project provided.');
    const what = `${method} ${uploading ? 'upload ' : ''}${name === undefined ? (o ?? 'bucket') : 'object'}`;
    const allow = (permission: Permission): void => this.tokens.mustAllow(asked, bucket, permission);
    switch (what) {
      case 'GET bucket':
        allow('buckets.get');
        return getBucket(asked, bucket);
      case 'GET o':
        allow('objects.list');
        return listObjects(asked, bucket);
      case 'GET object':
        allow('objects.get');
        // Whether it is there is only for those who may list.
        if (bucket.find(name!) === undefined) allow('objects.list');
        return getObject(asked, bucket, name!);
      case 'DELETE object':
        allow('objects.delete');
        mustKnow(asked, ['ifGenerationMatch']);
        mustHaveNoBody(asked);
        bucket.delete(name!, { ifGenerationMatch: generationOf(asked, 'ifGenerationMatch') });
        return { status: 204 };
      case 'POST upload o':
        allow('objects.create');
        // To replace is to delete.
        if (bucket.find(params.get('name') ?? '') !== undefined && params.get('ifGenerationMatch') !== '0')
          allow('objects.delete');
        return this.#begin(asked, bucket);
      case 'PUT upload o':
        return this.sessions.continue(asked, bucket);
      case 'DELETE upload o':
        return this.sessions.cancel(asked);
      default:
        throw new Refusal(405, 'methodNotAllowed', `no ${what}`);
    }
  }

  #begin(asked: Asked, bucket: FakeBucket): Answer {
    const kind = asked.params.get('uploadType');
    if (kind === 'multipart') return insertMultipart(asked, bucket);
    strictly(kind === 'resumable', `Invalid upload type ${kind}`);
    return this.sessions.begin(asked, bucket);
  }
}
