/** The fake of Google Cloud Storage itself: it refuses what Google refuses, and what nobody should send. */
import { afterAll, describe, expect, it } from 'vitest';
import { gcsUrl, makeBucket, openStore } from '../engines/gcs-fake/bucket.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';

interface Sent {
  readonly status: number;
  readonly reason: string | undefined;
  readonly headers: Headers;
}

describe('the fake of Google Cloud Storage', async () => {
  const fake = await startGcsFake();
  const bucket = makeBucket(fake);
  const upload = `upload/storage/v1/b/${bucket.name}/o`;
  const read = `storage/v1/b/${bucket.name}/o`;

  afterAll(() => fake.close());

  async function send(path: string, init: RequestInit = {}): Promise<Sent> {
    const answer = await fetch(`${fake.url}/${path}`, init);
    const text = await answer.text();
    const document = (text.startsWith('{') ? JSON.parse(text) : {}) as {
      error?: { errors: { reason: string }[] };
    };
    return { status: answer.status, reason: document.error?.errors[0]?.reason, headers: answer.headers };
  }

  function insert(
    name: string,
    parameters: string = '',
    metadata: object = {},
    text: string = 'data',
  ): Promise<Sent> {
    const json = JSON.stringify({ contentType: 'text/plain', ...metadata });
    const body = `--x\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${json}\r\n--x\r\ncontent-type: text/plain\r\n\r\n${text}\r\n--x--\r\n`;
    const headers = { 'content-type': 'multipart/related; boundary=x' };
    return send(`${upload}?uploadType=multipart&name=${name}${parameters}`, {
      method: 'POST',
      headers,
      body,
    });
  }

  it('holds a creation to its condition, with one winner of many', async () => {
    const ends = await Promise.all(Array.from({ length: 32 }, () => insert('raced', '&ifGenerationMatch=0')));
    expect(ends.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(ends.filter(({ status, reason }) => status === 412 && reason === 'conditionNotMet')).toHaveLength(
      31,
    );
    expect((await insert('raced', '&ifGenerationMatch=7')).status).toBe(412);
    expect((await insert('none', '&ifGenerationMatch=7')).status).toBe(412);
  });

  it('gives no generation twice', async () => {
    const seen: number[] = [];
    for (let life = 0; life < 5; life++) {
      await insert('phoenix');
      seen.push(Number(bucket.find('phoenix')!.generation));
      expect((await send(`${read}/phoenix`, { method: 'DELETE' })).status).toBe(204);
      expect((await send(`${read}/phoenix`, { method: 'DELETE' })).reason).toBe('notFound');
    }
    expect(seen.every((generation, at) => at === 0 || generation > seen[at - 1]!)).toBe(true);
  });

  it('checks checksums', async () => {
    expect(
      (await insert('sum', '', { crc32c: 'rth90Q==', md5Hash: 'jXd/OF09/siBXSD3SWAm3A==' })).status,
    ).toBe(200);
    expect((await insert('sum', '', { crc32c: 'AAAAAA==' })).status).toBe(400);
    expect((await insert('sum', '', { md5Hash: 'AAAAAAAAAAAAAAAAAAAAAA==' })).status).toBe(400);
  });

  it('refuses parameters, fields and types that it does not know', async () => {
    expect((await insert('a', '&ifGenerationmatch=0')).status).toBe(400);
    expect((await insert('a', '&name=b')).status).toBe(400);
    expect((await insert('a', '', { nonce: 'x' })).status).toBe(400);
    expect((await insert('a%0Ab')).status).toBe(400);
    expect((await insert('a', '&ifGenerationMatch=soon')).status).toBe(400);
    expect(
      (await send(`${upload}?uploadType=multipart&name=a`, { method: 'POST', body: 'data' })).status,
    ).toBe(400);
    expect((await send(`${read}?startAfter=a`)).status).toBe(400);
    expect((await send(`${read}?fields=names`)).status).toBe(400);
    expect((await send(`${read}?pageToken=${btoa('{"prefix":"a","after":"a"}')}`)).status).toBe(400);
    expect((await send(read, { method: 'PATCH' })).status).toBe(405);
    expect(bucket.find('a')).toBeUndefined();
  });

  it('answers a body in plain words where there is none, and ranges with 206 and 416', async () => {
    await insert('body');
    const none = await send(`${read}/none?alt=media`);
    expect(none).toMatchObject({ status: 404, reason: undefined });
    expect((await send(`${read}/none`)).reason).toBe('notFound');
    const part = await send(`${read}/body?alt=media`, { headers: { range: 'bytes=1-9' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1-3/4']);
    expect((await send(`${read}/body?alt=media`, { headers: { range: 'bytes=4-9' } })).status).toBe(416);
    const { generation } = bucket.find('body')!;
    expect((await send(`${read}/body?alt=media&ifGenerationNotMatch=${generation}`)).status).toBe(304);
  });

  it('takes parts of an upload in order, in multiples of 256 KiB', async () => {
    const begun = await send(`${upload}?uploadType=resumable&name=large`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=UTF-8', 'x-upload-content-type': 'text/plain' },
      body: '{"contentType":"text/plain"}',
    });
    const session = begun.headers.get('location')!.slice(fake.url.length + 1);
    const put = (
      range: string,
      body: string | Uint8Array<ArrayBuffer> | null = null,
      headers = {},
    ): Promise<Sent> =>
      send(session, { method: 'PUT', headers: { ...headers, 'content-range': range }, body });
    expect((await put('bytes */*')).headers.get('range')).toBeNull();
    expect((await put('bytes 0-2/*', 'abc')).status).toBe(400);
    expect((await put('bytes 5-7/8', 'abc')).status).toBe(400);
    const first = await put('bytes 0-262143/*', new Uint8Array(262_144));
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-262143']);
    expect(
      (await put('bytes 262144-262146/262147', 'abc', { 'x-goog-hash': 'crc32c=AAAAAA==' })).status,
    ).toBe(400);
    expect(bucket.find('large')).toBeUndefined();
  });

  it('takes one write per second and name where it is told to, and counts those that failed', async () => {
    bucket.slowWrites = true;
    expect((await insert('slow', '&ifGenerationMatch=7')).status).toBe(412);
    expect((await insert('slow')).reason).toBe('rateLimitExceeded');
    expect((await insert('other')).status).toBe(200);
    bucket.slowWrites = false;
  });

  it('turns away whoever has no token, or another', async () => {
    const closed = makeBucket(fake, []);
    await expect(openStore(gcsUrl(closed, fake.url))).rejects.toMatchObject({
      code: 'store_unauthenticated',
    });
    const headers = { authorization: 'Bearer none' };
    expect((await send(`storage/v1/b/${closed.name}/o`, { headers })).reason).toBe('authError');
  });
});
