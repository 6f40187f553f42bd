/** Records as lines: every line is a record, or the first that is none is named. */
import { decodeUtf8, mustBeParsable } from '../../../functions/http/body/index.js';
import { parseLines } from '../../../functions/http/routes/ndjson.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { editedJson, littered, nestedText } from '../json-edits.js';

const record = { id: 'a', vector: [1, 2], metadata: { t: 'é', n: 1 }, expires_at: '2030-01-01T00:00:00Z' };

function lineOf(chance: Chance): string {
  const kind = chance.below(24);
  if (kind === 0) return nestedText(chance, 3_000);
  if (kind === 1) return chance.pick(['', ' ', '\r', '\ufeff', '\u2028', 'null', '[]', '1']);
  if (kind < 12) return JSON.stringify(record);
  const text = JSON.stringify(editedJson(chance, record)) ?? '';
  return kind < 20 ? text : littered(chance, text);
}

export const ndjson: Decoder = {
  name: 'ndjson',
  refusals: ['invalid'],
  next: (chance) => {
    const lines = Array.from({ length: 1 + chance.below(4) }, () => lineOf(chance));
    const text = new Uint8Array(Buffer.from(lines.join(chance.pick(['\n', '\n', '\r\n', '\n\n']))));
    const bytes = chance.happens(0.2) ? damaged(chance, text) : text;
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        mustBeParsable(bytes);
        const parsed = parseLines(decodeUtf8(bytes));
        mustHold(
          parsed.every(({ number }, i) => number > (parsed[i - 1]?.number ?? 0)),
          'lines are counted from 1',
        );
        mustHold(
          parsed.every(({ record: one }) => typeof one === 'object'),
          'every line is a record',
        );
      },
    };
  },
};
