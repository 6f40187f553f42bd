/** Deletions of a segment: bitmaps, and lists that follow them. */
import { isDeepStrictEqual } from 'node:util';
import { encodeDeletions, openDeletions } from '../../../core/segment/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs } from '../forge.js';
import { openSealed } from '../../../core/base/sealed-object.js';

const KEY = 'c/x/seg/1.del';

function soundBody(chance: Chance, rows: number): Uint8Array {
  const bits = Math.ceil(rows / 8);
  const [dead, hidden] = [new Uint8Array(bits), new Uint8Array(bits)];
  const hiddenRows: number[] = [];
  for (let row = 0; row < rows; row++) {
    const fate = chance.below(4);
    if (fate === 0) dead[row >> 3]! |= 1 << (row & 7);
    if (fate !== 1) continue;
    hidden[row >> 3]! |= 1 << (row & 7);
    hiddenRows.push(row);
  }
  const sealed = encodeDeletions(digests, KEY, {
    rows,
    dead,
    hidden,
    hiddenRows: Uint32Array.from(hiddenRows),
    hiddenSeqs: Float64Array.from(hiddenRows, (row) => row + 1),
    hiddenMs: Float64Array.from(hiddenRows, (row) => 1_767_225_600_000 + row),
  });
  return openSealed(digests, { kind: 'DEL', key: KEY }, sealed);
}

export const deletions: Decoder = {
  name: 'deletions',
  refusals: ['corrupt'],
  next: (chance) => {
    const rows = 1 + chance.below(40);
    const bytes = damaged(chance, soundBody(chance, rows));
    return {
      size: bytes.length,
      show: () => `${rows} rows, ${hexOf(bytes)}`,
      run: () => {
        const opened = openDeletions(digests, KEY, sealedAs('DEL', KEY, bytes), rows);
        const again = mustWork('to be written and read', () =>
          openDeletions(digests, KEY, encodeDeletions(digests, KEY, opened), rows),
        );
        mustHold(isDeepStrictEqual(again, opened), 'what was read can be written and read again');
      },
    };
  },
};
