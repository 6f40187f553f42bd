/** Two ways to deflate, Node's and the portable one: each reads what the other wrote, and neither reads anything else. */
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { portableDeflate } from '../../core/segment/index.js';
import { nodeDeflate } from '../../core/store/adapters/node/index.js';
import { seededRandom } from '../engine/fixture.js';

const text = utf8Encode(
  JSON.stringify(Array.from({ length: 2_000 }, (_, i) => ({ page: i, title: `t${i % 7}` }))),
);
const noise = seededRandom(5).fill(new Uint8Array(20_000));
const ways = { node: nodeDeflate, portable: portableDeflate };

describe.each([
  ['node', 'portable'],
  ['portable', 'node'],
  ['node', 'node'],
  ['portable', 'portable'],
] as const)('written by %s, read by %s', (writer, reader) => {
  const deflate = (bytes: Uint8Array): Uint8Array => ways[writer].deflate(bytes);
  const tryInflate = (bytes: Uint8Array, length: number): Uint8Array | undefined =>
    ways[reader].tryInflate(bytes, length);

  it.each([
    ['a byte', Uint8Array.of(7)],
    ['text', text],
    ['noise', noise],
  ])('%s comes back', (_, bytes) => {
    const deflated = deflate(bytes);
    expect(deflated.length).toBeLessThan(bytes.length + 100);
    const inflated = tryInflate(deflated, bytes.length);
    expect(inflated?.length).toBe(bytes.length);
    expect(Buffer.compare(inflated!, bytes)).toBe(0);
    // What looks at words of it needs them aligned.
    expect(inflated!.byteOffset % 4).toBe(0);
  });

  it('is nothing at any other length', () => {
    for (const length of [0, 1, text.length - 1, text.length + 1, 10 * text.length])
      expect(tryInflate(deflate(text), length)).toBeUndefined();
  });

  it('is nothing where it is cut or changed', () => {
    const deflated = deflate(text);
    expect(tryInflate(deflated.subarray(0, deflated.length - 20), text.length)).toBeUndefined();
    expect(tryInflate(noise, text.length)).toBeUndefined();
    expect(tryInflate(new Uint8Array(0), text.length)).toBeUndefined();
  });
});
