/**
 * A collection of which one object that its head names was edited: a segment, its deletions, or the window. The head says
 * of it what is so, checksums and all. A whole process reads it, writes over it and compacts it. Or its root was edited: then all
 * of that has to work as if nothing were.
 */
import { bytesToHex } from '../../../core/base/bytes.js';
import { newObject, openSealed, seal } from '../../../core/base/sealed-object.js';
import { limits } from '../../../core/base/limits.js';
import { openHead, sealHead } from '../../../core/log/head-codec.js';
import type { Head } from '../../../core/log/head.js';
import { headKey, openRoot, rootKey, sealRoot } from '../../../core/log/index.js';
import { decodeFooter, encodeFooter, footerOffset } from '../../../core/segment/footer.js';
import { makeBucket, NOW_MS } from '../../corruption/bucket.js';
import { steps, textOf } from '../../corruption/calls.js';
import { digests, FreshProcess } from '../../corruption/fresh-process.js';
import { rightChecksums } from '../../segment/right-checksums.js';
import { copyOf } from '../../corruption/image.js';
import type { Chance } from '../../log/virtual-time.js';
import { edited } from '../byte-edits.js';
import { differencesOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';

const NAME = 'papers';
const { image, uids } = await makeBucket();
const uid = uids[NAME];
const head = openHead(digests, uid, image.get(headKey(uid))!);

interface Forged {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly head: Head;
}

/** All bits of one part after another: what is large would be all that is ever edited. */
function forgedSegment(chance: Chance): Forged {
  const entry = chance.pick(head.segments);
  const sound = image.get(entry.key)!;
  const place = { key: entry.key, offset: footerOffset(entry.key, sound, 0) };
  const footer = decodeFooter(digests, place, sound.subarray(place.offset));
  const content = edited(chance, sound.subarray(0, place.offset), footer.sections);
  const pageChecksums = rightChecksums(content, footer.sections);
  const numbers = chance.happens(0.1) ? editedNumbers(chance, footer.text.numbers) : footer.text.numbers;
  const end = encodeFooter(digests, place, { ...footer, pageChecksums, text: { ...footer.text, numbers } });
  const bytes = new Uint8Array(content.length + end.length);
  bytes.set(content);
  bytes.set(end, content.length);
  const grown = end.length - (sound.length - place.offset);
  const changed = {
    ...{ bytes: bytes.length, tailBytes: entry.tailBytes + grown },
    footerSha256: bytesToHex(digests.sha256(end)),
  };
  const segments = head.segments.map((one) => (one === entry ? { ...one, ...changed } : one));
  return { key: entry.key, bytes, head: { ...head, segments } };
}

function editedNumbers(
  chance: Chance,
  numbers: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const name = chance.pick(Object.keys(numbers));
  return {
    ...numbers,
    [name]: chance.pick([0, 1, -1, 0.5, 2 ** 31, 2 ** 40, 2 ** 53 - 1, numbers[name]! + 1]),
  };
}

function resealed(chance: Chance, kind: 'DEL' | 'WIN' | 'ROT', key: string): Uint8Array {
  const body = openSealed(digests, { kind, key }, image.get(key)!);
  const object = newObject(body.length);
  object.body.set(edited(chance, body, [{ offset: 0, length: body.length }]));
  return seal(digests, { kind, key }, object);
}

function forgedDeletions(chance: Chance): Forged {
  const entry = head.segments.find(({ deletions }) => deletions !== undefined)!;
  const deletions = entry.deletions!;
  const bytes = resealed(chance, 'DEL', deletions.key);
  const changed = { ...entry, deletions: { ...deletions, sha256: bytesToHex(digests.sha256(bytes)) } };
  const segments = head.segments.map((one) => (one === entry ? changed : one));
  return { key: deletions.key, bytes, head: { ...head, segments } };
}

function forgedWindow(chance: Chance): Forged {
  const window = head.window!;
  const bytes = resealed(chance, 'WIN', window.key);
  return {
    key: window.key,
    bytes,
    head: { ...head, window: { ...window, sha256: bytesToHex(digests.sha256(bytes)) } },
  };
}

function forgedRoot(chance: Chance): Forged {
  const key = rootKey(uid);
  if (chance.happens(0.3)) return { key, bytes: resealed(chance, 'ROT', key), head };
  const copies = [...openRoot(digests, uid, image.get(key)!).values()];
  const one = chance.pick(copies);
  const bytes = edited(chance, one.bytes, [{ offset: 0, length: one.bytes.length }]);
  const forged = copies.map((copy) => (copy === one ? { ...copy, bytes } : copy));
  return { key, bytes: sealRoot(digests, uid, forged), head };
}

async function use({ key, bytes, head: forgedHead }: Forged): Promise<void> {
  const store = await copyOf(image, NOW_MS);
  await store.put(key, bytes, { if: 'any' });
  await store.put(headKey(uid), sealHead(digests, forgedHead), { if: 'any' });
  const process = new FreshProcess(store, { nowMs: NOW_MS, seed: 5 });
  const refused: unknown[] = [];
  for (const { call } of steps) {
    try {
      const answer = await process.run(() => call(process.database.collection(NAME), NAME));
      mustHold(typeof textOf(answer) === 'string', 'an answer has a JSON form');
    } catch (error) {
      refused.push(error);
    }
  }
  await process.end();
  mustHold(key !== rootKey(uid) || refused.length === 0, 'nothing depends on the root');
  const worst = refused.find((error) => (error as { kind?: unknown }).kind !== 'corrupt') ?? refused[0];
  if (worst !== undefined) throw worst;
}

const forges = [forgedSegment, forgedSegment, forgedSegment, forgedDeletions, forgedWindow, forgedRoot];

export const collection: Decoder = {
  name: 'collection',
  // A key of the window that means another request is the writer's own fault, as far as it can know.
  refusals: ['corrupt', 'conflict'],
  // Compactions write through one.
  bufferBytes: limits.segmentBufferBytes,
  cost: 10,
  next: (chance) => {
    const forge = chance.pick(forges);
    const forged = forge(chance);
    return {
      size: forged.bytes.length,
      show: () => `${forged.key} ${differencesOf(image.get(forged.key)!, forged.bytes)}`,
      run: () => use(forged),
    };
  },
};
