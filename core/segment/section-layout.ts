/**
 * Where the sections of a segment lie and what they may be. The order and the alignment leave no freedom: given the
 * lengths, every offset follows. So a directory is checked by laying it out again. What a segment may lack are its last kinds,
 * of body and of tail: leaves, and columns, which are older.
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

/** Some may not be there: in segments that were made before there were columns, and in those without leaves to probe. */
type Sections<K extends string, Optional extends K> = Readonly<Record<Exclude<K, Optional>, SegmentSection>> &
  Readonly<Partial<Record<Optional, SegmentSection>>>;

export interface SegmentLayout {
  readonly body: Sections<BodyKind, 'columns' | 'leaves'>;
  readonly residents: readonly SegmentSection[];
  readonly tail: Sections<Exclude<TailKind, 'idFilter'>, 'columnIndex' | 'leafIndex'>;
  readonly idFilter: SegmentSection;
  /** The filter of ids lies before the tail, on pages of its own: too large to be read at every open. */
  readonly filterApart: boolean;
  /** All multiples of the page; the resident part ends where what comes next begins. */
  readonly residentOffset: number;
  readonly residentEnd: number;
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
  const { bodyWanted, tailWanted, filterApart } = wantedOf(kinds);
  const tailStart = sections.length - tailWanted.length;
  const residentCount = tailStart - (filterApart ? 1 : 0) - bodyWanted.length;
  must(
    residentCount >= 0 &&
      bodyWanted.every((kind, i) => kinds[i] === kind) &&
      (!filterApart || kinds[tailStart - 1] === 'idFilter') &&
      tailWanted.every((kind, i) => kinds[tailStart + i] === kind),
    'sections in their order',
    kinds.join(' '),
  );
  const residentsEnd = bodyWanted.length + residentCount;
  const onPages = [bodyWanted.length, residentsEnd, tailStart];
  let position = 0;
  let residentOffset = 0;
  sections.forEach((section, i) => {
    if (i === bodyWanted.length) residentOffset = alignUp(position, limits.pageBytes);
    const onPage = onPages.includes(i) || section.kind === 'leaves';
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
  const tail = sections.slice(tailStart);
  must(tail[0]!.offset === facts.tailOffset, `the tail at ${tail[0]!.offset}`, facts.tailOffset);
  const residents = sections.slice(bodyWanted.length, residentsEnd);
  const names = residents.map(({ kind, field, part }) => `${kind} ${field} ${part}`);
  must(new Set(names).size === names.length, 'each resident section once', names.join(', '));
  const pages = Math.ceil(footerOffset / limits.pageBytes);
  must(footer.pageChecksums.length === pages, `${pages} page checksums`, footer.pageChecksums.length);
  const tailByKind = byKind(tail);
  return {
    body: byKind(sections.slice(0, bodyWanted.length)) as SegmentLayout['body'],
    residents,
    tail: tailByKind as SegmentLayout['tail'],
    idFilter: filterApart ? sections[tailStart - 1]! : tailByKind['idFilter']!,
    filterApart,
    residentOffset,
    residentEnd: sections[residentsEnd]!.offset,
    tailOffset: facts.tailOffset,
  };
}

interface Wanted {
  readonly bodyWanted: readonly BodyKind[];
  readonly tailWanted: readonly TailKind[];
  readonly filterApart: boolean;
}

/** What has to be there, by what is there last, and by where the tail begins. */
function wantedOf(kinds: readonly string[]): Wanted {
  const last = kinds.at(-1);
  const without = last === 'leafIndex' ? 0 : last === 'columnIndex' ? 1 : 2;
  const bodyWanted = bodyKinds.slice(0, bodyKinds.length - without);
  const whole = tailKinds.slice(0, tailKinds.length - without);
  const filterApart = kinds[kinds.length - whole.length] !== whole[0];
  return {
    bodyWanted,
    tailWanted: filterApart ? whole.filter((kind) => kind !== 'idFilter') : whole,
    filterApart,
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
