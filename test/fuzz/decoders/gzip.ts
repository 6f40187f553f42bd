/** Bodies in gzip: cut, spliced, with more behind them, and such that become far more than they are. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { limits } from '../../../core/index.js';
import { readBody } from '../../../functions/http/body/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';

const BYTES_MAX = 262_144;
const texts = [
  '{"records":[{"id":"a","vector":[1,2]}]}',
  'x'.repeat(3_000),
  '',
  `{"t":"${'é'.repeat(900)}"}`,
];
const sound = texts.flatMap((text) => [1, 9].map((level) => new Uint8Array(gzipSync(text, { level }))));
const bomb = new Uint8Array(gzipSync(Buffer.alloc(4 * BYTES_MAX), { level: 9 }));
const admission = {
  takeBytes: (bytes: number): void => mustHold(bytes <= limits.bodyBytes, 'no piece is larger than a body'),
  takeBuffer: (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes),
  release: (): void => {},
};

function pieces(chance: Chance, bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  const step = chance.pick([1, 7, 100, bytes.length + 1]);
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += step)));
    },
  });
}

function mustBeWhatNodeReads(bytes: Uint8Array, body: Uint8Array | undefined): void {
  mustHold((body?.length ?? 0) <= BYTES_MAX, 'a body is within its limit');
  mustHold(Buffer.compare(body ?? new Uint8Array(0), gunzipSync(bytes)) === 0, 'it is what Node reads');
}

export const gzip: Decoder = {
  name: 'gzip',
  refusals: ['invalid'],
  next: (chance) => {
    const bytes = chance.happens(0.03) ? bomb : damaged(chance, chance.pick(sound));
    const body = pieces(chance, bytes);
    const headers = new Headers({ 'content-type': 'application/json', 'content-encoding': 'gzip' });
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: async () => {
        const request = { method: 'POST', url: 'http://localhost/', headers, body };
        const read = await readBody(request, {
          ...{ accept: ['json'], admission },
          platform: { name: 'a test', bodyBytes: BYTES_MAX },
        });
        mustBeWhatNodeReads(bytes, read?.bytes);
      },
    };
  },
};
