/** Vectors in base64: the kernel, its scalar twin and the host's own code take the same texts, and read the same of them. */
import { decodeBase64Scalar } from '../../../core/kernel/scalar/base64.js';
import { hostBytes } from '../../../functions/node/index.js';
import { kernel } from '../../index/fixture.js';
import type { Chance } from '../../log/virtual-time.js';
import { mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { littered } from '../json-edits.js';

/** The kernel takes so many characters at a time. */
const CHUNK = 65_536;

function textOf(chance: Chance): string {
  const bytes = chance.happens(0.02)
    ? (3 * CHUNK) / 4 + chance.below(16)
    : chance.pick([0, 4, 8, 12, 16, 48, 100, 1 + chance.below(60)]);
  const text = Buffer.from(chance.fill(new Uint8Array(bytes))).toString(
    chance.pick(['base64', 'base64', 'base64url']),
  );
  return chance.happens(0.3) ? text : littered(chance, text);
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

/** As a body reader has it: decoded to where its text was. Undefined: it is not that. */
function byHost(text: string): Uint8Array | undefined {
  const memory = new Uint8Array(Buffer.from(text, 'latin1'));
  const floats = hostBytes.decodeFloatsInPlace(memory, memory);
  return typeof floats === 'number' ? memory.subarray(0, 4 * floats) : undefined;
}

export const base64: Decoder = {
  name: 'base64',
  refusals: ['invalid'],
  next: (chance) => {
    const text = textOf(chance);
    return {
      size: text.length,
      show: () => JSON.stringify(text.slice(0, 2_000)),
      run: () => {
        const twin = decodeBase64Scalar(text);
        const whole = 'bytes' in twin && twin.bytes.length % 4 === 0 ? twin.bytes : undefined;
        // Only ASCII reaches the host's: the others are cut out of bytes that were no string of a body's.
        const host = /^[\u0020-\u007e]*$/.test(text) ? byHost(text) : undefined;
        mustHold(host === undefined || whole !== undefined, 'the host takes no more than its twin');
        if (host !== undefined) mustHold(Buffer.compare(host, whole!) === 0, 'the host reads the same');
        let floats: Float32Array;
        try {
          floats = kernel.decodeBase64F32(text, 'text');
        } catch (error) {
          mustHold(whole === undefined, 'the kernel takes what its twin does');
          throw error;
        }
        mustHold(whole !== undefined, 'the kernel takes no more than its twin');
        mustHold(Buffer.compare(bytesOf(floats), whole) === 0, 'the kernel reads the same');
      },
    };
  },
};
