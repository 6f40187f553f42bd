/** The CRC-32C of the Google Cloud Storage adapter against the kernel's, and in the spelling of Google's documents. */
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { compileEmbeddedKernel, Kernel } from '../../core/kernel/index.js';
import { crc32c, crc32cIn, crc32cText } from '../../core/store/adapters/gcs/crc32c.js';

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 16 * 1024 * 1024 });

describe('CRC-32C', () => {
  it('is that of the kernel, at any length and offset', () => {
    const bytes = new Uint8Array(1_100).map((_, at) => (at * 7_919) % 251);
    for (let offset = 0; offset < 9; offset++) {
      for (let length = 0; length <= 70; length++) {
        const part = bytes.subarray(offset, offset + length);
        expect(crc32c(part) >>> 0).toBe(kernel.crc32c(part));
      }
    }
    expect(crc32c(bytes) >>> 0).toBe(kernel.crc32c(bytes));
  });

  it('goes on where it ended', () => {
    const bytes = new Uint8Array(1_000).map((_, at) => (at * 31) % 256);
    for (const at of [0, 1, 8, 333, 1_000])
      expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(crc32c(bytes));
  });

  it('is written as base64, the highest byte first', () => {
    expect(crc32cText(crc32c(utf8Encode('data')))).toBe('rth90Q==');
    expect(crc32cText(crc32c(utf8Encode('some text\n')))).toBe('DkjKuA==');
    expect(crc32cText(0)).toBe('AAAAAA==');
  });

  it('is found among other hashes', () => {
    expect(crc32cIn('crc32c=rth90Q==,md5=jXd/OF09/siBXSD3SWAm3A==')).toBe('rth90Q==');
    expect(crc32cIn('md5=jXd/OF09/siBXSD3SWAm3A==, crc32c=rth90Q==')).toBe('rth90Q==');
    expect(crc32cIn('md5=jXd/OF09/siBXSD3SWAm3A==')).toBeUndefined();
    expect(crc32cIn(undefined)).toBeUndefined();
  });
});
