/** Bodies on the wire: types, encodings, lengths. */
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Client, SendOptions } from './client.js';
import { mustRefuse } from './refusals.js';
import type { ServerUnderTest } from './server-under-test.js';
import { freshCollection } from './writes.js';

const bodyBytesMax = 67_108_864;
const tooLong = bodyBytesMax + 1;
const query = JSON.stringify({ vector: [1, 0] });

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(at, at + size);
  }
}

export function describeBodies(client: () => Client, server: () => ServerUnderTest): void {
  describe('a body', () => {
    let path: string;
    const limit = (): number => server().bodyBytesMax ?? bodyBytesMax;
    const parsed = (): boolean => server().readsBodies === 'parsed';
    const whole = (): boolean => server().readsBodies !== undefined;
    const mustRefuseQuery = (options: SendOptions, unseen: boolean, expected: object): Promise<void> =>
      mustRefuse(client(), `${path}/query`, options, !unseen, expected);
    beforeAll(async () => {
      path = await freshCollection(client());
    });

    test.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
      'of type %s is read',
      async (type) => {
        const answer = await client().send('POST', `${path}/query`, {
          body: query,
          headers: { 'content-type': type },
        });
        expect(answer.status).toBe(200);
      },
    );

    test.each([
      ['text/plain', 'query'],
      ['application/json; charset=latin1', 'query'],
      ['application/x-ndjson', 'query'],
      ['multipart/form-data; boundary=x', 'upsert'],
      ['', 'query'],
    ])('of type %j is 415 for %s', async (type, call) => {
      const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
      // Of a type that it knows, such a runtime reads all charsets but some; without a type it reads nothing.
      const seen = !parsed() || (type !== '' && !type.includes('charset'));
      const expected = { status: 415, code: 'unsupported_media_type' };
      await mustRefuse(client(), `${path}/${call}`, { body: query, headers }, seen, expected);
    });

    test('may be gzipped', async () => {
      const body = gzipSync(JSON.stringify({ ids: ['z'], vectors: [[1, 2]] }));
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      expect((await client().send('POST', `${path}/upsert`, { body, headers })).json).toMatchObject({
        upserted: 1,
      });
      const ndjson = gzipSync('{"id":"y","vector":[1,2]}\n');
      const types = { 'content-type': 'application/x-ndjson', 'content-encoding': 'GZIP' };
      expect(
        (await client().send('POST', `${path}/upsert`, { body: ndjson, headers: types })).json,
      ).toMatchObject({ upserted: 1 });
    });

    test('that is no gzip, cut short or damaged is 400', async () => {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const zipped = gzipSync(query);
      const damaged = Buffer.from(zipped);
      damaged[damaged.length - 6]! ^= 1;
      for (const body of [Buffer.from(query), zipped.subarray(0, -4), damaged])
        await mustRefuseQuery({ body, headers }, parsed(), { status: 400, code: 'malformed_gzip' });
    });

    test.each(['br', 'deflate', 'gzip, gzip'])('encoded as %s is 415', async (encoding) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      const expected = { status: 415, code: 'unsupported_content_encoding' };
      await mustRefuseQuery({ body: query, headers }, parsed(), expected);
      if (parsed()) return;
      const answer = await client().send('POST', `${path}/query`, { body: query, headers });
      expect(answer.headers['accept-encoding']).toBe('gzip');
    });

    test('that inflates past the limit is cut off', async () => {
      const bomb = gzipSync(Buffer.alloc(tooLong, ' '), { level: 9 });
      expect(bomb.length).toBeLessThan(100_000);
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      await mustRefuseQuery({ body: bomb, headers }, parsed(), {
        status: 413,
        code: 'body_too_large',
        details: { limit: 'bodyBytes', maximum: limit() },
      });
    });

    test('that grows without ever inflating is cut off too', async () => {
      const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
      const emptyBlocks = Buffer.alloc(tooLong, Buffer.from([0, 0, 0, 0xff, 0xff]));
      const body = Buffer.concat([gzipHeader, emptyBlocks]);
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      await mustRefuseQuery({ chunks: inChunks(body, 1_048_576), headers }, whole(), {
        status: 413,
        code: 'body_too_large',
        details: { limit: 'bodyBytes' },
      });
    });

    test('that declares more than the limit is 413 before it is sent', async () => {
      const headers = {
        'content-type': 'application/json',
        'content-length': String(tooLong),
        expect: '100-continue',
      };
      // A runtime that reads it to its end would wait for one.
      const sent = Buffer.alloc(whole() ? tooLong : 0, ' ');
      await mustRefuseQuery({ chunks: inChunks(sent, 1_048_576), headers }, whole(), {
        status: 413,
        details: { limit: 'bodyBytes', value: tooLong, maximum: limit() },
      });
    });

    test('without a length is counted as it comes', async () => {
      const headers = { 'content-type': 'application/json' };
      const small = await client().send('POST', `${path}/query`, {
        chunks: inChunks(Buffer.from(query), 3),
        headers,
      });
      expect(small.status).toBe(200);
      const large = Buffer.alloc(tooLong, ' ');
      const expected = { status: 413, code: 'body_too_large' };
      await mustRefuseQuery({ chunks: inChunks(large, 1_048_576), headers }, whole(), expected);
    });

    test('is UTF-8', async () => {
      const headers = { 'content-type': 'application/json' };
      const body = Buffer.from([0x22, 0xff, 0x22]);
      await mustRefuseQuery({ body, headers }, whole(), { status: 400, code: 'malformed_utf8' });
      const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(query)]);
      expect((await client().send('POST', `${path}/query`, { body: marked, headers })).status).toBe(200);
    });

    test('of a GET or DELETE is ignored', async () => {
      expect((await client().send('GET', path, { body: 'x' })).status).toBe(200);
    });
  });
}
