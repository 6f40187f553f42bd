/** Heads: JSON of which every field may be anything, and text that is no JSON. */
import { isDeepStrictEqual } from 'node:util';
import { utf8Encode } from '../../../core/base/bytes.js';
import { openHead, sealHead } from '../../../core/log/head-codec.js';
import { nextHead } from '../../../core/log/head.js';
import type { Chance } from '../../log/virtual-time.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs, seedOf, uid } from '../forge.js';
import { editedJson, littered, nestedText } from '../json-edits.js';

const seeds = [
  'head.bin',
  'head-dropped.bin',
  'head-folded.bin',
  'head-folded.bin',
  'head-past.bin',
  'head-past.bin',
].map((file) => seedOf(file, 'HED'));
const documents = seeds.map(({ body }) => JSON.parse(Buffer.from(body).toString()) as unknown);

function textOf(chance: Chance): string {
  const document = chance.pick(documents);
  if (chance.happens(0.02)) return nestedText(chance, 100_000);
  if (chance.happens(0.1)) return littered(chance, JSON.stringify(document));
  // Undefined where all of it was dropped.
  return JSON.stringify(editedJson(chance, document)) ?? '';
}

export const head: Decoder = {
  name: 'head',
  refusals: ['corrupt'],
  next: (chance) => {
    const bytes = utf8Encode(textOf(chance));
    const [{ key, kind }] = seeds as [(typeof seeds)[number]];
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        const opened = openHead(digests, uid, sealedAs(kind, key, bytes));
        const again = mustWork('to be written and read', () =>
          openHead(digests, uid, sealHead(digests, opened)),
        );
        mustHold(isDeepStrictEqual(again, opened), 'it comes back');
        // Who swaps it must not break over what a reader took. There is no version after the last one.
        if (opened.version < Number.MAX_SAFE_INTEGER)
          mustWork('to be followed by another', () =>
            openHead(digests, uid, sealHead(digests, nextHead(opened, 'f'.repeat(32), {}))),
          );
      },
    };
  },
};
