/**
 * Where the sections of a segment lie and what they may be. The order and the alignment leave no freedom: given the
 * lengths, every offset follows. So a directory is checked by laying it out again.
 */
import { alignUp } from '../base/bytes.js';
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Footer, SegmentSection } from './footer.js';

export const SECTION_ALIGNMENT = 64;
export const bodyKinds = ['vectors', 'documents', 'ids', 'seqs', 'columns'] as const;
export const tailKinds = [
  'documentIndex',
  'idIndex',
  'idFilter',
  'leafStarts',
  'expiries',
  'statistics',
  'columnIndex',
] as const;
export type BodyKind = (typeof bodyKinds)[number];
export type TailKind = (typeof tailKinds)[number];

/** Bytes per row of resident sections that every segment may have; others are their caller's to check. */
const rowMapBytes: Readonly<Record<string, number>> = { rowOfRank: 4, rankOfRow: 4 };

/** The field that a section of this kind belongs to, where nothing else is said. */
export function defaultFieldOf(kind: string): number {
  const ofTheSegment: readonly string[] = [
    ...bodyKinds.filter((name) => name !== 'vectors'),
    ...tailKinds,
    ...Object.keys(rowMapBytes),
  ];
  return ofTheSegment.includes(kind) ? 0 : 1;
}

/** The last of its kinds may not be there: of segments that were made before there were columns. */
type Sections<K extends string, Last extends K> = Readonly<Record<Exclude<K, Last>, SegmentSection>> &
  Readonly<Partial<Record<Last, SegmentSection>>>;

export interface SegmentLayout {
  readonly body: Sections<BodyKind, 'columns'>;
  readonly residents: readonly SegmentSection[];
  readonly tail: Sections<TailKind, 'columnIndex'>;
  /** Both multiples of the page. */
  readonly residentOffset: number;
  readonly tailOffset: number;
}

/** What is known of a segment besides its own words. */
export interface SegmentFacts {
  readonly key: string;
  readonly footerOffset: number;
  /** Where the bytes begin that were read as the tail. */
  readonly tailOffset: number;
}

/** Throws `corrupt` where the directory is not that of one segment with these facts. */
export function layOut(footer: Footer, facts: SegmentFacts): SegmentLayout {
  const { rows, sections, text } = footer;
  const { key, footerOffset } = facts;
  const must = (condition: boolean, expected: string, found: string | number): void => {
    if (!condition) throw corrupt({ key, offset: footerOffset, expected, found: String(found) });
  };
  const kinds = sections.map(({ kind }) => kind);
  const columned = kinds.at(-1) === tailKinds.at(-1);
  const bodyWanted = bodyKinds.slice(0, columned ? undefined : -1);
  const tailWanted = tailKinds.slice(0, columned ? undefined : -1);
  const residentEnd = sections.length - tailWanted.length;
  must(
    residentEnd >= bodyWanted.length &&
      bodyWanted.every((kind, i) => kinds[i] === kind) &&
      tailWanted.every((kind, i) => kinds[residentEnd + i] === kind),
    'sections in their order',
    kinds.join(' '),
  );
  let position = 0;
  let residentOffset = 0;
  sections.forEach((section, i) => {
    if (i === bodyWanted.length) residentOffset = alignUp(position, limits.pageBytes);
    const onPage = i === bodyWanted.length || i === residentEnd;
    const start = alignUp(position, onPage ? limits.pageBytes : SECTION_ALIGNMENT);
    must(section.offset === start, `section ${section.kind} at ${start}`, section.offset);
    position = start + section.length;
    must(position <= footerOffset, `section ${section.kind} to end before ${footerOffset}`, position);
    const { field } = section;
    must(field <= text.fields.length, `a field of ${text.fields.length}`, field);
    const rowBytes = rowBytesOf(section.kind, text.fields[0]!.dimension);
    if (rowBytes === undefined) return;
    must(section.count === rows, `${rows} items of ${section.kind}`, section.count);
    must(section.length === rows * rowBytes, `${rows * rowBytes} bytes of ${section.kind}`, section.length);
  });
  const end = alignUp(position, SECTION_ALIGNMENT);
  must(end === footerOffset, `the footer at ${end}`, footerOffset);
  const tail = sections.slice(residentEnd);
  must(tail[0]!.offset === facts.tailOffset, `the tail at ${tail[0]!.offset}`, facts.tailOffset);
  const residents = sections.slice(bodyWanted.length, residentEnd);
  const names = residents.map(({ kind, field, part }) => `${kind} ${field} ${part}`);
  must(new Set(names).size === names.length, 'each resident section once', names.join(', '));
  const pages = Math.ceil(footerOffset / limits.pageBytes);
  must(footer.pageChecksums.length === pages, `${pages} page checksums`, footer.pageChecksums.length);
  return {
    body: byKind(sections.slice(0, bodyWanted.length)) as SegmentLayout['body'],
    residents,
    tail: byKind(tail) as SegmentLayout['tail'],
    residentOffset,
    tailOffset: facts.tailOffset,
  };
}

function rowBytesOf(kind: string, dimension: number): number | undefined {
  if (kind === 'vectors') return 4 * dimension;
  if (kind === 'seqs') return 4;
  return Object.hasOwn(rowMapBytes, kind) ? rowMapBytes[kind] : undefined;
}

function byKind(sections: readonly SegmentSection[]): Readonly<Record<string, SegmentSection>> {
  return Object.fromEntries(sections.map((section) => [section.kind, section]));
}
