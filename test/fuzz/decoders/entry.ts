/** Catalog entries, as the catalog reads them: a name's uid, or none, or damage. */
import { utf8Encode } from '../../../core/base/bytes.js';
import { isUid } from '../../../core/base/ids.js';
import { Catalog } from '../../../core/engine/catalog.js';
import { DEFAULT_NAMESPACE_UID } from '../../../core/log/index.js';
import { portableDeflate } from '../../../core/segment/index.js';
import { systemSleep } from '../../../core/system-ports.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs, seedOf } from '../forge.js';
import { editedJson, littered, nestedText } from '../json-edits.js';
import { Chance } from '../../log/virtual-time.js';
import { holding } from '../one-object.js';

const seeds = ['entry.bin', 'entry-vacant.bin'].map((file) => seedOf(file, 'ENT'));
const ports = {
  clock: { wallMs: () => 0, monotonicMs: () => 0 },
  random: new Chance(1),
  sleep: systemSleep,
  digests,
  deflate: portableDeflate,
};

export const entry: Decoder = {
  name: 'entry',
  refusals: ['corrupt'],
  next: (chance) => {
    const { key, kind, body } = chance.pick(seeds);
    const document = JSON.parse(Buffer.from(body).toString()) as unknown;
    const edited = JSON.stringify(editedJson(chance, document)) ?? '';
    const text = chance.happens(0.02)
      ? nestedText(chance, 60_000)
      : chance.happens(0.2)
        ? littered(chance, edited)
        : edited;
    const bytes = utf8Encode(text);
    const name = Buffer.from(key.slice(key.lastIndexOf('/') + 1), 'hex').toString();
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: async () => {
        const store = holding(() => sealedAs(kind, key, bytes));
        const catalog = new Catalog({ store, ports, namespace: DEFAULT_NAMESPACE_UID });
        const uid = await catalog.find(name);
        mustHold(uid === undefined || isUid(uid), 'a name stands for a uid or none');
      },
    };
  },
};
