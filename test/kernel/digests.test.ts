/** The Digests port: SHA-256 in plain JavaScript agrees with the host's, over any split into parts. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDigests } from '../../core/kernel/index.js';
import { crc32cScalar } from '../../core/kernel/scalar/crc32c.js';
import { newKernel } from './fixture.js';

const kernel = newKernel();

function hostSha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

test('both SHA-256 agree', () => {
  const portable = createDigests(kernel);
  const host = createDigests(kernel, hostSha256);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (parts) => {
      const wanted = host.sha256(...parts);
      expect(wanted).toHaveLength(32);
      expect(portable.sha256(...parts)).toEqual(wanted);
    }),
  );
});

test("the checksums are the kernel's", () => {
  const digests = createDigests(kernel);
  const bytes = new TextEncoder().encode('123456789');
  expect(digests.crc32c(bytes)).toBe(0xe3069283);
  expect([...digests.crc32cPages(bytes, 4)]).toEqual(
    ['1234', '5678', '9'].map((page) => crc32cScalar(new TextEncoder().encode(page))),
  );
});
