/** Footers of segments: directory, checksums, text; and the layout that a directory is held against. */
import { openSealed } from '../../../core/base/sealed-object.js';
import { portableDeflate } from '../../../core/segment/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { sealedAs } from '../forge.js';
import { digests, joined, KEY, openForged, soundContent, soundEnd } from '../forged-segment.js';
import { editedJson, littered } from '../json-edits.js';
import { readIds, readRest } from './segment-reads.js';

const END_BYTES = 16;
const HEADER_BYTES = 32;
const SECTION_BYTES = 48;
const identity = { kind: 'SEG', key: KEY, at: soundContent.length } as const;
const body = openSealed(digests, identity, soundEnd.subarray(0, soundEnd.length - END_BYTES));
const [sections = 0, , textBytes = 0] = [4, 8, 12].map((at) =>
  new DataView(body.buffer, body.byteOffset).getUint32(at, true),
);
const text = Buffer.from(body.subarray(body.length - textBytes)).toString();

/** With another text of its own length: all else stays where it is. */
function withText(chance: Chance): Uint8Array<ArrayBuffer> {
  const changed = chance.happens(0.5)
    ? (JSON.stringify(editedJson(chance, JSON.parse(text))) ?? '')
    : littered(chance, text);
  const bytes = Buffer.from(changed);
  const out = new Uint8Array(body.length - textBytes + bytes.length);
  out.set(body.subarray(0, body.length - textBytes));
  out.set(bytes, body.length - textBytes);
  new DataView(out.buffer).setUint32(12, bytes.length, true);
  return out;
}

export const footer: Decoder = {
  name: 'footer',
  refusals: ['corrupt'],
  next: (chance) => {
    const directory = { offset: HEADER_BYTES, length: SECTION_BYTES * sections };
    const spans = [{ offset: 0, length: HEADER_BYTES }, directory, directory];
    const changed = chance.happens(0.3) ? withText(chance) : damaged(chance, body, spans);
    return {
      size: changed.length,
      show: () => hexOf(changed),
      run: async () => {
        const end = new Uint8Array(sealedAs('SEG', KEY, changed).length + END_BYTES);
        end.set(sealedAs('SEG', KEY, changed));
        end.set(soundEnd.subarray(soundEnd.length - END_BYTES), end.length - END_BYTES);
        const reader = await openForged(joined(soundContent, end), portableDeflate);
        await readIds(reader);
        await readRest(reader);
        reader.close();
      },
    };
  },
};
