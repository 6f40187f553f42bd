/** SHA-256 of Node against the standard's own vectors (FIPS 180-4 examples). */
import { expect, it } from 'vitest';
import { bytesToHex, utf8Encode } from '../../core/base/bytes.js';
import { nodeSha256 } from '../../core/store/adapters/node/index.js';

it.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('digests "%s"', (text, digest) => {
  expect(bytesToHex(nodeSha256(utf8Encode(text)))).toBe(digest);
  expect(
    bytesToHex(nodeSha256(utf8Encode(text.slice(0, 1)), new Uint8Array(0), utf8Encode(text.slice(1)))),
  ).toBe(digest);
});
