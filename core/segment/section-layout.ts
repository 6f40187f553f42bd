/**
 * Where the sections of a segment lie and what they may be. The order and the alignment leave no freedom: given the
 * lengths, every offset follows. So a directory is checked by laying it out again. What a segment may lack are its last kinds,
 * of body and of tail: leaves, and columns, which are older. Indexes that are large lie apart, before the tail.
 */
import { alignUp } from '../base/bytes.js';
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Footer, SegmentSection } from './footer.js';

export const SECTION_ALIGNMENT = 64;
export const bodyKinds = ['vectors', 'documents', 'ids', 'seqs', 'columns', 'leaves'] as const;
export const tailKinds = [
  'documentIndex',
  'idIndex',
  'idFilter',
  'leafStarts',
  'expiries',
  'statistics',
  'columnIndex',
  'leafIndex',
] as const;
/** What lies apart where it is large: the first ones of the tail, and the checksums of pages, which else the footer holds. */
export const apartKinds = ['documentIndex', 'idIndex', 'idFilter', 'pageChecksums'] as const;
export type BodyKind = (typeof bodyKinds)[number];
export type TailKind = (typeof tailKinds)[number];
export type ApartKind = (typeof apartKinds)[number];

/** Bytes per row of resident sections that every segment may have; others are their caller's to check. */
const rowMapBytes: Readonly<Record<string, number>> = { rowOfRank: 4, rankOfRow: 4 };

/** The field that a section of this kind belongs to, where nothing else is said. */
export function defaultFieldOf(kind: string): number {
  const ofTheSegment: readonly string[] = [
    ...bodyKinds.filter((name) => name !== 'vectors'),
    ...tailKinds,
    ...apartKinds,
    ...Object.keys(rowMapBytes),
  ];
  return ofTheSegment.includes(kind) ? 0 : 1;
}

/** Some may not be there: in segments that were made before there were columns, and in those without leaves to probe. */
type Sections<K extends string, Optional extends K> = Readonly<Record<Exclude<K, Optional>, SegmentSection>> &
  Readonly<Partial<Record<Optional, SegmentSection>>>;

export interface SegmentLayout {
  readonly body: Sections<BodyKind, 'columns' | 'leaves'>;
  readonly residents: readonly SegmentSection[];
  readonly tail: Sections<Exclude<TailKind, ApartKind>, 'columnIndex' | 'leafIndex'>;
  /** In the tail, or apart: before `tailOffset`. */
  readonly indexes: Sections<Exclude<ApartKind, 'pageChecksums'>, never>;
  /** Of all pages before `apartOffset`, where the footer does not hold them. */
  readonly checksums: SegmentSection | undefined;
  /** All multiples of the page; the resident part ends where what comes next begins. */
  readonly residentOffset: number;
  readonly residentEnd: number;
  /** Where what lies apart begins: the tail, where nothing does. */
  readonly apartOffset: number;
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
  const must: Must = (condition, expected, found) => {
    if (!condition) throw corrupt({ key, offset: footerOffset, expected, found: String(found) });
  };
  const kinds = sections.map(({ kind }) => kind);
  const found = sections.findIndex(({ offset }) => offset >= facts.tailOffset);
  const tailStart = found < 0 ? sections.length : found;
  const apartStart = apartStartOf(kinds, tailStart);
  const apart = kinds.slice(apartStart, tailStart);
  const { bodyWanted, tailWanted } = wantedOf(kinds, apart);
  must(
    apartStart >= bodyWanted.length &&
      bodyWanted.every((kind, i) => kinds[i] === kind) &&
      isInOrder(apart) &&
      tailWanted.length === sections.length - tailStart &&
      tailWanted.every((kind, i) => kinds[tailStart + i] === kind),
    'sections in their order',
    kinds.join(' '),
  );
  let position = 0;
  let residentOffset = 0;
  sections.forEach((section, i) => {
    if (i === bodyWanted.length) residentOffset = alignUp(position, limits.pageBytes);
    const beginsPage = i === bodyWanted.length || (i >= apartStart && i <= tailStart);
    const onPage = beginsPage || section.kind === 'leaves';
    const start = alignUp(position, onPage ? limits.pageBytes : SECTION_ALIGNMENT);
    must(section.offset === start, `section ${section.kind} at ${start}`, section.offset);
    position = start + section.length;
    must(position <= footerOffset, `section ${section.kind} to end before ${footerOffset}`, position);
    const { field } = section;
    must(field <= text.fields.length, `a field of ${text.fields.length}`, field);
    // Read whole, as the tail is; what lies apart is some bytes.
    const isApart = i >= apartStart && i < tailStart;
    const most = i < apartStart ? Infinity : limits.segmentTailBytes;
    const fits = section.length <= most && (section.length > 0 || !isApart);
    must(fits, `${isApart ? 1 : 0} to ${most} bytes of ${section.kind}`, section.length);
    const rowBytes = rowBytesOf(section.kind, text.fields[0]!.dimension);
    if (rowBytes === undefined) return;
    must(section.count === rows, `${rows} items of ${section.kind}`, section.count);
    must(section.length === rows * rowBytes, `${rows * rowBytes} bytes of ${section.kind}`, section.length);
  });
  const end = alignUp(position, SECTION_ALIGNMENT);
  must(end === footerOffset, `the footer at ${end}`, footerOffset);
  const tail = sections.slice(tailStart);
  must(tail[0]!.offset === facts.tailOffset, `the tail at ${tail[0]!.offset}`, facts.tailOffset);
  const residents = sections.slice(bodyWanted.length, apartStart);
  const names = residents.map(({ kind, field, part }) => `${kind} ${field} ${part}`);
  must(new Set(names).size === names.length, 'each resident section once', names.join(', '));
  const apartOffset = sections[apartStart]!.offset;
  const byName = byKind(sections.slice(apartStart));
  const layout = {
    body: byKind(sections.slice(0, bodyWanted.length)) as SegmentLayout['body'],
    residents,
    tail: byName as SegmentLayout['tail'],
    indexes: byName as SegmentLayout['indexes'],
    checksums: byName['pageChecksums'],
    residentOffset,
    residentEnd: apartOffset,
    apartOffset,
    tailOffset: facts.tailOffset,
  };
  mustHaveChecksums(footer, layout, footerOffset, must);
  return layout;
}

type Must = (condition: boolean, expected: string, found: string | number) => void;

/** Of every page before the footer one, in the footer or apart. */
function mustHaveChecksums(
  { pageChecksums }: Footer,
  { checksums, body, apartOffset }: SegmentLayout,
  footerOffset: number,
  must: Must,
): void {
  let pages = Math.ceil(footerOffset / limits.pageBytes);
  if (checksums !== undefined) {
    const before = apartOffset / limits.pageBytes;
    must(checksums.count === before, `${before} items of pageChecksums`, checksums.count);
    must(checksums.length === 4 * before, `${4 * before} bytes of pageChecksums`, checksums.length);
    pages += pagesOf(body.leaves).count - before;
  }
  must(pageChecksums.length === pages, `${pages} page checksums`, pageChecksums.length);
}

/** Of a section that begins with a page: those that are its own. */
export function pagesOf(section: SegmentSection | undefined): {
  readonly first: number;
  readonly count: number;
} {
  if (section === undefined) return { first: 0, count: 0 };
  return { first: section.offset / limits.pageBytes, count: Math.ceil(section.length / limits.pageBytes) };
}

/** What has to be there, by what is there last, but for what lies apart. */
function wantedOf(
  kinds: readonly string[],
  apart: readonly string[],
): { readonly bodyWanted: readonly BodyKind[]; readonly tailWanted: readonly TailKind[] } {
  const last = kinds.at(-1);
  const without = last === 'leafIndex' ? 0 : last === 'columnIndex' ? 1 : 2;
  return {
    bodyWanted: bodyKinds.slice(0, bodyKinds.length - without),
    tailWanted: tailKinds.slice(0, tailKinds.length - without).filter((kind) => !apart.includes(kind)),
  };
}

/** The first of those before the tail that may lie apart. */
function apartStartOf(kinds: readonly string[], tailStart: number): number {
  let start = tailStart;
  while (start > 0 && (apartKinds as readonly string[]).includes(kinds[start - 1]!)) start--;
  return start;
}

function isInOrder(apart: readonly string[]): boolean {
  const wanted = apartKinds.filter((kind) => apart.includes(kind));
  return wanted.length === apart.length && wanted.every((kind, i) => apart[i] === kind);
}

function rowBytesOf(kind: string, dimension: number): number | undefined {
  if (kind === 'vectors') return 4 * dimension;
  if (kind === 'seqs') return 4;
  return Object.hasOwn(rowMapBytes, kind) ? rowMapBytes[kind] : undefined;
}

function byKind(sections: readonly SegmentSection[]): Readonly<Record<string, SegmentSection>> {
  return Object.fromEntries(sections.map((section) => [section.kind, section]));
}
