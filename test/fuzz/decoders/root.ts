/** Roots: lengths of keys and copies, which follow each other. What is in a copy is for whoever uses it. */
import { isDeepStrictEqual } from 'node:util';
import { openRoot, sealRoot } from '../../../core/log/root-codec.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs, seedOf, uid } from '../forge.js';

const { key, kind, body } = seedOf('root.bin', 'ROT');

export const root: Decoder = {
  name: 'root',
  refusals: ['corrupt'],
  next: (chance) => {
    const bytes = damaged(chance, body);
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        const copies = openRoot(digests, uid, sealedAs(kind, key, bytes));
        for (const [name, copy] of copies) mustHold(copy.key === name, 'a copy is found by its key');
        const again = mustWork('to be written and read', () =>
          openRoot(digests, uid, sealRoot(digests, uid, [...copies.values()])),
        );
        mustHold(isDeepStrictEqual(again, copies), 'what was read can be written and read again');
      },
    };
  },
};
