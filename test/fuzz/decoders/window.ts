/** Idempotency windows: order of sequences, keys that come once, and that the window they make can be stored again. */
import { isDeepStrictEqual } from 'node:util';
import { bytesToHex } from '../../../core/base/bytes.js';
import { CommitWindow } from '../../../core/log/commit-window.js';
import { openWindow, sealWindow } from '../../../core/log/window-codec.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs, seedOf } from '../forge.js';

const { key, kind, body } = seedOf('window.bin', 'WIN');

export const window: Decoder = {
  name: 'window',
  refusals: ['corrupt'],
  next: (chance) => {
    const bytes = damaged(chance, body);
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        const sealed = sealedAs(kind, key, bytes);
        const ref = { key, sha256: bytesToHex(digests.sha256(sealed)), bytes: sealed.length };
        const snapshot = openWindow(digests, ref, sealed);
        const again = mustWork('to be a window', () => CommitWindow.of(snapshot).snapshot(snapshot.seq));
        mustHold(isDeepStrictEqual(again, snapshot), 'the window that it makes is itself');
        const stored = mustWork('to be written', () => sealWindow(digests, key, again));
        const read = mustWork('to be read', () => openWindow(digests, stored.ref, stored.bytes));
        mustHold(isDeepStrictEqual(read, snapshot), 'it comes back');
      },
    };
  },
};
