/**
 * Files that lie about their sizes. Strategy: few bytes that ask for much memory, each refused by a typed error that names the
 * limit; and every truncation and many flipped bytes of a Parquet file, which end in a typed error or in its own rows.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { readNdjson } from '../../cli/backup/ndjson-reader.js';
import { PART_SCHEMA } from '../../cli/backup/parquet-columns.js';
import { readParquet } from '../../cli/backup/parquet-reader.js';
import type { PartRow, PartRows } from '../../cli/backup/part.js';
import { CairnError, limits } from '../../core/index.js';
import { failure } from '../engine/fixture.js';
import { scratch } from './fixture.js';

async function rows(from: PartRows): Promise<PartRow[]> {
  const all: PartRow[] = [];
  for await (const row of from) all.push(row);
  return all;
}

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(scratch(), name);
  await writeFile(path, bytes);
  return path;
}

describe('lines', () => {
  it('that never end are refused at the limit, however small they are compressed', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * limits.importLineBytes, 0x20));
    expect(bomb.length).toBeLessThan(limits.importLineBytes / 8);
    const path = await file('bomb.ndjson.gz', bomb);
    const error = await failure(() => rows(readNdjson(path)), {
      kind: 'invalid',
      code: 'limit_exceeded',
      message: /line 1: importLineBytes is above the maximum of 2097152$/,
    });
    expect(error.details).toMatchObject({ file: path, limit: 'importLineBytes', where: 'line 1' });
  });

  it('that are cut off, or no text, are told', async () => {
    const whole = gzipSync('{"id":"a","vector":[1]}\n'.repeat(1_000));
    const cut = await file('cut.ndjson.gz', whole.subarray(0, -9));
    const error = await failure(() => rows(readNdjson(cut)), { kind: 'invalid', code: 'unreadable_file' });
    expect(error.details).toMatchObject({ file: cut });
    const binary = await file('binary.ndjson', Buffer.from('{"id":"\xff"}\n', 'latin1'));
    await failure(() => rows(readNdjson(binary)), {
      kind: 'invalid',
      code: 'malformed_json',
      message: /line 1: is not UTF-8$/,
    });
  });
});

/** Rows as a part has them, written without the product's own writer. */
function parquet(count: number): Buffer {
  const writer = new ByteWriter();
  const made = new ParquetWriter({ writer, schema: [...PART_SCHEMA] });
  const numbers = Array.from({ length: count }, (_, i) => i);
  void made.write({
    columnData: [
      { name: 'id', data: numbers.map((i) => `id-${i}`) },
      { name: 'vector', data: numbers.map((i) => [i, 1]), encoding: 'PLAIN', codec: 'UNCOMPRESSED' },
      { name: 'metadata', data: numbers.map((i) => JSON.stringify({ i })) },
      { name: 'expires_at', data: numbers.map(() => null) },
      { name: 'deleted', data: numbers.map(() => false) },
    ],
  });
  void made.finish();
  return Buffer.from(writer.getBytes());
}

describe('Parquet', () => {
  it('that is whole is read', async () => {
    const path = await file('whole.parquet', parquet(3));
    expect(await rows(readParquet(path))).toEqual(
      [0, 1, 2].map((i) => ({
        record: { id: `id-${i}`, vector: Float32Array.of(i, 1), metadata: { i } },
        deleted: false,
        bytes: expect.any(Number) as number,
        place: `row ${i + 1}`,
      })),
    );
  });

  it('with a footer beyond the file is refused', async () => {
    const bytes = parquet(3);
    bytes.writeUInt32LE(0x7fffffff, bytes.length - 8);
    const path = await file('footer.parquet', bytes);
    const error = await failure(() => rows(readParquet(path)), {
      kind: 'corrupt',
      code: 'file_damaged',
      message: /a footer within/,
    });
    expect(error.details).toMatchObject({ file: path, found: '2147483647' });
  });

  it('of any length ends in an error, and never in rows that are not its own', async () => {
    const whole = parquet(5);
    const expected = JSON.stringify(await rows(readParquet(await file('whole.parquet', whole))));
    for (let length = 0; length < whole.length; length += 3) {
      const path = await file('cut.parquet', whole.subarray(0, length));
      await expect(rows(readParquet(path)), `${length} bytes`).rejects.toBeInstanceOf(CairnError);
    }
    expect(expected).toContain('id-4');
  });

  it('with any byte changed ends in a typed error or in as many rows', async () => {
    const whole = parquet(5);
    const path = join(scratch(), 'flipped.parquet');
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= flip;
        await writeFile(path, bytes);
        const found: unknown = await rows(readParquet(path)).catch((error: unknown) => error);
        if (Array.isArray(found)) continue;
        expect(found, `byte ${at} ^ ${flip}`).toBeInstanceOf(CairnError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(whole.length / 4);
  });
});
