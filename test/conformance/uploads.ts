/**
 * The part of the conformance suite that is about uploads: an object that is written piece by piece appears whole at its
 * end or not at all, to every client of the bucket.
 */
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import type { ObjectStore, Upload } from '../../core/store/index.js';

export interface UploadBench {
  /** Clients of one bucket. */
  readonly clients: () => readonly ObjectStore[];
  /** A prefix of keys that nobody else has. */
  readonly fresh: () => string;
}

const LARGE_BYTES = 40 * 1024 * 1024;
const SLOW_MS = 600_000;

export function describeUploads({ clients, fresh }: UploadBench): void {
  describe('uploads', () => {
    it('makes an object of no bytes, with and without a write', async () => {
      for (const writes of [0, 2]) {
        const key = `${fresh()}empty`;
        const upload = await clients()[0]!.upload(key);
        for (let at = 0; at < writes; at++) await upload.write(new Uint8Array(0));
        await upload.finish();
        await expectEverywhere(key, new Uint8Array(0));
      }
    });

    it('joins many writes of odd sizes, out of memory that is used again', async () => {
      const key = `${fresh()}odd`;
      const body = pattern(2_000_003);
      const upload = await clients()[0]!.upload(key);
      const buffer = new Uint8Array(70_100);
      let at = 0;
      for (let turn = 0; at < body.length; turn++) {
        const part = body.subarray(at, at + [1, 7, 16_384, 16_385, 69_999, 0, 333][turn % 7]!);
        buffer.set(part, 3);
        await upload.write(buffer.subarray(3, 3 + part.length));
        buffer.fill(0xee);
        at += part.length;
      }
      await upload.finish();
      await expectEverywhere(key, body);
    });

    it('takes 40 MiB in parts of 5 MiB, and answers ranges of it', { timeout: SLOW_MS }, async () => {
      const key = `${fresh()}large`;
      const body = pattern(LARGE_BYTES);
      await written(key, body, 5 * 1024 * 1024, (upload) => upload.finish());
      await expectEverywhere(key, body);
      const range = { offset: LARGE_BYTES - 16_384, length: 16_384 };
      const found = await clients()[0]!.get(key, { range });
      expect(found).toMatchObject({ status: 'found', size: LARGE_BYTES });
      if (found.status === 'found') expect(Buffer.compare(found.bytes, body.subarray(range.offset))).toBe(0);
      await clients()[0]!.delete([key]);
    });

    it('shows nothing of an object before its end, nor of one that is given up', async () => {
      const prefix = fresh();
      const key = `${prefix}unfinished`;
      const upload = await written(key, pattern(100_000), 30_000);
      await expectAbsent(prefix, key);
      await upload.abort();
      await expectAbsent(prefix, key);
      await upload.abort();
      for (const late of [() => upload.write(new Uint8Array(1)), () => upload.finish()]) {
        await expect(late()).rejects.toMatchObject({ kind: 'invalid', code: 'upload_ended' });
      }
      await expectAbsent(prefix, key);
      await written(key, utf8Encode('again'), 2, (second) => second.finish());
      await expectEverywhere(key, utf8Encode('again'));
    });

    it('ends once, and an abort after that changes nothing', async () => {
      const key = `${fresh()}ended`;
      const upload = await written(key, utf8Encode('body'), 4, (open) => open.finish());
      await upload.abort();
      await expect(upload.finish()).rejects.toMatchObject({ code: 'upload_ended' });
      await expectEverywhere(key, utf8Encode('body'));
    });

    it('writes over what has the name, plain or swapped, at its end and not before', async () => {
      const key = `${fresh()}taken`;
      const [store] = clients();
      const first = await store!.put(key, utf8Encode('first'), { if: 'absent' });
      if (first.status !== 'applied') throw new Error(first.status);
      const upload = await written(key, utf8Encode('second'), 3);
      await expectEverywhere(key, utf8Encode('first'));
      await upload.finish();
      await expectEverywhere(key, utf8Encode('second'));
      const { version } = first;
      expect(await store!.put(key, utf8Encode('x'), { if: { version } })).toEqual({ status: 'refused' });
      expect(await store!.put(key, utf8Encode('x'), { if: 'absent' })).toEqual({ status: 'refused' });
      await written(key, utf8Encode('third, longer'), 5, (open) => open.finish());
      await expectEverywhere(key, utf8Encode('third, longer'));
      await store!.delete([key]);
      expect(await store!.get(key)).toEqual({ status: 'absent' });
      await written(key, utf8Encode('fourth'), 5, (open) => open.finish());
      await expectEverywhere(key, utf8Encode('fourth'));
    });

    it('keeps uploads that run side by side apart', async () => {
      const prefix = fresh();
      await Promise.all(
        Array.from({ length: 8 }, async (_, at) => {
          const store = clients()[at % clients().length]!;
          const upload = await store.upload(`${prefix}${at}`);
          for (let part = 0; part < 5; part++) await upload.write(new Uint8Array(1_000 + at).fill(at));
          await upload.finish();
        }),
      );
      for (let at = 0; at < 8; at++)
        await expectEverywhere(`${prefix}${at}`, new Uint8Array(5 * (1_000 + at)).fill(at));
    });

    it('refuses what is no key', async () => {
      for (const key of ['', 'a\ud800b', 'x'.repeat(2_000)])
        await expect(clients()[0]!.upload(key)).rejects.toMatchObject({ kind: 'invalid' });
    });
  });

  async function written(
    key: string,
    body: Uint8Array,
    partBytes: number,
    end: (upload: Upload) => Promise<void> = async () => {},
  ): Promise<Upload> {
    const upload = await clients()[0]!.upload(key);
    for (let at = 0; at < body.length; at += partBytes) await upload.write(body.subarray(at, at + partBytes));
    await end(upload);
    return upload;
  }

  async function expectEverywhere(key: string, body: Uint8Array): Promise<void> {
    for (const store of clients()) {
      const found = await store.get(key);
      if (found.status !== 'found') throw new Error(`${key} is ${found.status}`);
      expect(found.size).toBe(body.length);
      expect(Buffer.compare(found.bytes, body)).toBe(0);
      expect(await store.list(key)).toEqual([{ key, size: body.length }]);
    }
  }

  async function expectAbsent(prefix: string, key: string): Promise<void> {
    for (const store of clients()) {
      expect(await store.get(key)).toEqual({ status: 'absent' });
      expect(await store.list(prefix)).toEqual([]);
    }
  }
}

function pattern(bytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, bytes);
}
