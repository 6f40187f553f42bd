/**
 * A segment of which some sections were edited, sealed again: checksums of pages, footer, and what the head would say of
 * it. Its rows have documents of every shape, and texts and numbers enough for blocks that are read in a second wave.
 */
import { bytesToHex } from '../../core/base/bytes.js';
import type { Deflate } from '../../core/base/ports.js';
import { decodeFooter, encodeFooter, footerOffset } from '../../core/segment/footer.js';
import type { SegmentSection } from '../../core/segment/footer.js';
import { SegmentReader } from '../../core/segment/index.js';
import type { SegmentRef } from '../../core/segment/index.js';
import type { Chance } from '../log/virtual-time.js';
import { digests, KEY, masks, newCache, newStore, rowsOf, writeSegment } from '../segment/fixture.js';
import type { Rows } from '../segment/fixture.js';
import { rightChecksums } from '../segment/right-checksums.js';
import { edited } from './byte-edits.js';
import { mustHold } from './decoder.js';
import { holding } from './one-object.js';

export { digests, KEY } from '../segment/fixture.js';

const ROWS = 700;
const DIMENSION = 2;
const leafStarts = Uint32Array.of(0, 130, 131, 400);

function documentOf(row: number): string {
  if (row % 11 === 0) return '';
  return JSON.stringify({
    n: (row * 7_919) % 1_009,
    price: row / 8,
    text: `${String.fromCharCode(97 + (row % 26))}${'text '.repeat(row % 9)}${row}`,
    long: `the same beginning of more than forty bytes, and then ${row}`,
    tags: [`t${row % 7}`, `t${row % 3}`, row % 5],
    when: row % 2 === 0 ? `2024-0${1 + (row % 9)}-11` : `2024-05-01T0${row % 10}:00:00.${row}Z`,
    deep: { a: [{ b: row % 4 }, { b: null }], 'c.d': row % 2 === 0 },
    ...(row % 50 === 0 ? { rare: row, odd: { toString: 1 } } : {}),
    same: true,
  });
}

export const rows: Rows = rowsOf(
  Array.from({ length: ROWS }, (_, row) => `${'id'.repeat(row % 4)}-${(row * 7_919) % 1_000_003}`),
  { dimension: DIMENSION, document: documentOf },
);

const store = newStore();
const ref = await writeSegment(store, rows, {
  ...{ leafStarts, unfilterable: ['secret'] },
  ...{ leaves: true, indexInTailBytes: 0 },
});
const got = await store.get(KEY);
if (got.status !== 'found') throw new Error('no segment was written');
const intact = got.bytes;
const footerAt = footerOffset(KEY, intact, 0);
const soundFooter = decodeFooter(digests, { key: KEY, offset: footerAt }, intact.subarray(footerAt));

const sections: readonly SegmentSection[] = soundFooter.sections;

export interface ForgedSegment {
  readonly bytes: Uint8Array;
  readonly ref: SegmentRef;
}

/** With right checksums. */
export function sealedSegment(content: Uint8Array): ForgedSegment {
  const pageChecksums = rightChecksums(content, sections);
  const place = { key: KEY, offset: content.length };
  return joined(content, encodeFooter(digests, place, { ...soundFooter, pageChecksums }));
}

/** Requires: `footer` is of a file whose contents end where it begins. */
export function joined(content: Uint8Array, footer: Uint8Array): ForgedSegment {
  const bytes = new Uint8Array(content.length + footer.length);
  bytes.set(content);
  bytes.set(footer, content.length);
  const tailBytes = bytes.length - (intact.length - ref.tailBytes);
  const footerSha256 = bytesToHex(digests.sha256(footer));
  return { bytes, ref: { ...ref, bytes: bytes.length, tailBytes, footerSha256 } };
}

/** All that comes before the footer. */
export const soundContent: Uint8Array = intact.subarray(0, footerAt);
export const soundEnd: Uint8Array = intact.subarray(footerAt);

/** One to four edits in sections of these kinds. */
export function editedContent(chance: Chance, kinds: readonly string[]): Uint8Array {
  return edited(
    chance,
    soundContent,
    sections.filter(({ kind }) => kinds.includes(kind)),
  );
}

export async function openForged(
  { bytes, ref: of }: ForgedSegment,
  deflate: Deflate,
): Promise<SegmentReader> {
  const reader = await SegmentReader.open({
    ...{ store: holding(() => bytes), digests, deflate, cache: newCache(), masks, ref: of },
    expected: { dimension: DIMENSION, metric: 'cosine' },
  });
  mustHold(
    reader.rows === ROWS && reader.dimension === DIMENSION,
    'rows and dimension are those of the head',
  );
  return reader;
}
