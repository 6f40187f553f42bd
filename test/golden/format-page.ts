/**
 * The parts of docs/FORMAT.md that are computed: the annotated bytes of one slot and one segment, and sizes of real objects.
 */
import type { Part } from './identity.js';
import { exampleKey, exampleSlot, goldenObjects, slotBytes } from './objects.js';
import { exampleSegment, segmentKey, segmentParts } from './segment-objects.js';

const BODY = 64;
const ENTRY = BODY + 128;
const BATCH = BODY + 320;

/** Offsets as docs/FORMAT.md's grammar gives them. A part ends where the next begins. */
const PARTS: readonly Part[] = [
  { offset: 0, what: 'magic "CAIRNSLT"' },
  { offset: 8, what: 'format 1, pages of 16,384 bytes' },
  { offset: 16, what: 'body of 456 bytes' },
  { offset: 24, what: 'key hash' },
  { offset: 40, what: 'zero' },
  { offset: BODY, what: 'slot header: seq 1, label (f64)' },
  { offset: BODY + 16, what: '1 batch, zero' },
  { offset: BODY + 24, what: 'uid' },
  { offset: BODY + 40, what: 'nonce' },
  { offset: BODY + 56, what: 'prevChain: the empty log' },
  { offset: BODY + 88, what: 'payload: SHA-256 of the entries' },
  { offset: BODY + 120, what: 'zero' },
  { offset: ENTRY, what: 'entry 0: keyHash' },
  { offset: ENTRY + 16, what: 'requestHash' },
  { offset: ENTRY + 48, what: 'contentSha' },
  { offset: ENTRY + 80, what: 'upserted 1, patched, missing, deleted, restored, more' },
  { offset: ENTRY + 104, what: 'resolvedAt, flags 0, zero' },
  { offset: ENTRY + 120, what: 'offset 320, length 136' },
  { offset: ENTRY + 136, what: 'uuid and after: none' },
  { offset: ENTRY + 160, what: 'padding to 64' },
  { offset: BATCH, what: 'batch: 1 op, 1 upsert, 1 field, flag 1' },
  { offset: BATCH + 16, what: '2 bytes of ids, 13 of metadata, zero' },
  { offset: BATCH + 32, what: 'field: dimension 2, 6 bytes, "vector"' },
  { offset: BATCH + 48, what: 'kind 0, padding to 4' },
  { offset: BATCH + 52, what: 'idEnd 2, metadataEnd 13' },
  { offset: BATCH + 60, what: 'padding to 8' },
  { offset: BATCH + 64, what: 'expires (f64)' },
  { offset: BATCH + 72, what: 'ids: a1' },
  { offset: BATCH + 74, what: 'metadata: {"year":2020}' },
  { offset: BATCH + 87, what: 'padding to 64' },
  { offset: BATCH + 128, what: 'vectors: 0.5, -1' },
  { offset: BATCH + 136, what: 'table: CRC-32C of page 0' },
  { offset: BATCH + 140, what: 'CRC-32C of the table, "CEND"' },
];

export function exampleText(): string {
  return annotated(exampleKey, exampleSlot, PARTS);
}

export function segmentExampleText(): string {
  return annotated(segmentKey, exampleSegment, segmentParts);
}

function annotated(key: string, bytes: Uint8Array, parts: readonly Part[]): string {
  const lines = [key, ''];
  const width = String(bytes.length).length;
  const line = (at: number, shown: string, what: string): void => {
    lines.push(`${String(at).padStart(Math.max(4, width))}  ${shown.padEnd(47)}  ${what}`.trimEnd());
  };
  parts.forEach(({ offset, what }, i) => {
    const end = parts[i + 1]?.offset ?? bytes.length;
    if (end - offset > 64 && bytes.subarray(offset, end).every((byte) => byte === 0)) {
      line(offset, `${end - offset} zeros`, what);
      return;
    }
    for (let at = offset; at < end; at += 16) {
      const row = Buffer.from(bytes.subarray(at, Math.min(at + 16, end)));
      line(at, row.toString('hex').replaceAll(/(..)(?=.)/g, '$1 '), at === offset ? what : '');
    }
  });
  return lines.join('\n');
}

const number = (value: number): string => value.toLocaleString('en-US');

export function sizesText(): string {
  const metadata = `{"title":"${'t'.repeat(60)}","year":2020}`;
  const rows: (readonly [string, number, number])[] = [
    ['1 record of 128 numbers, no metadata', 1, 128],
    ['1 record of 768 numbers', 1, 768],
    ['100 records of 768 numbers', 100, 768],
    ['2,000 records of 784 numbers', 2_000, 784],
    ['10,000 records of 128 numbers', 10_000, 128],
    ['10,000 records of 768 numbers, as a batch object', 10_000, 768],
  ];
  const lines = [
    '| what | vectors alone, bytes | object, bytes | with 84 bytes of metadata each |',
    '|---|---|---|---|',
  ];
  for (const [what, count, dimension] of rows) {
    const plain = slotBytes(count, dimension, '');
    lines.push(
      `| ${what} | ${number(4 * count * dimension)} | ${number(plain)} | ${number(slotBytes(count, dimension, metadata))} |`,
    );
  }
  for (const { file, bytes } of goldenObjects)
    lines.push(`| \`${file}\` of the golden files | | ${number(bytes.length)} | |`);
  return lines.join('\n');
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function replaceSection(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const start = page.indexOf(open);
  const end = page.indexOf(close);
  if (start < 0 || end < start) throw new Error(`docs/FORMAT.md has no section ${name}`);
  return page.slice(0, start + open.length) + text + page.slice(end);
}
