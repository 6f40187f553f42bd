/** Cursors of scans, lists and scans in an order: what a client sends back may be anything. */
import {
  parseCursor,
  parseOrderedCursor,
  toCursor,
  toOrderedCursor,
} from '../../../core/engine/input/cursor.js';
import { orderKey } from '../../../core/filter/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { editedJson, littered } from '../json-edits.js';

const order = [
  { field: 'year', descending: true },
  { field: 'a.b', descending: false },
];
const values = [1, -0.5, 'x', '2024-05-01', 'é'.repeat(600), true, null];

function sound(chance: Chance, ordered: boolean): string {
  const id = chance.pick(['a', 'é', 'x'.repeat(512), '😀']);
  if (!ordered) return toCursor(id);
  const key = (): ReturnType<typeof orderKey> | undefined =>
    chance.happens(0.2) ? undefined : orderKey(chance.pick(values));
  return toOrderedCursor(order, { keys: [key(), key()], id });
}

/** Its JSON changed, and packed as it was. */
function repacked(chance: Chance, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const inner = text.startsWith('2')
    ? `2${JSON.stringify(editedJson(chance, JSON.parse(text.slice(1))))}`
    : text;
  const changed = chance.happens(0.5) ? inner : littered(chance, inner);
  return Buffer.from(changed).toString('base64url');
}

function inputOf(chance: Chance, ordered: boolean): unknown {
  if (chance.happens(0.02)) return chance.pick([null, 7, {}, [], true, '', 'x'.repeat(100_000)]);
  const cursor = sound(chance, ordered);
  return chance.happens(0.6) ? repacked(chance, cursor) : littered(chance, cursor);
}

export const cursors: Decoder = {
  name: 'cursors',
  refusals: ['invalid'],
  next: (chance) => {
    const ordered = chance.happens(0.6);
    const input = inputOf(chance, ordered);
    return {
      size: String(input).length,
      show: () => JSON.stringify(input),
      run: () => {
        if (!ordered) {
          mustHold(typeof parseCursor(input) === 'string', 'a cursor is a name');
          return;
        }
        const position = parseOrderedCursor(input, order)!;
        const again = mustWork('to be written and read', () =>
          parseOrderedCursor(toOrderedCursor(order, position), order),
        );
        // 0 and -0 are one place.
        mustHold(JSON.stringify(again) === JSON.stringify(position), 'the position comes back');
      },
    };
  },
};
