/**
 * Makes a column of the values of one stream: its terms put in order, and an ordinal for each value. (column-index.ts has
 * the grammar.) In turns: a large column takes seconds, and between two turns others may compute.
 */
import { limits } from '../../base/limits.js';
import { tryParseInstant, compareInstants } from '../../filter/index.js';
import type { Instant } from '../../filter/index.js';
import type { ColumnFacts } from './column-index.js';
import type { ColumnStream } from './column-stream.js';
import { areWorthSummaries, LeafSummaryWriter } from './leaf-summaries.js';
import { CUT_BYTES, latinOf, ordinalWidth, SINGLES, TermOrder } from './terms.js';
import { TextBlockWriter } from './text-blocks.js';

/** The rows of the segment. */
export interface ColumnRows {
  readonly rows: number;
  /** First row of each leaf, ascending from 0; none where rows are in no leaves. */
  readonly leafStarts: Uint32Array;
}

export interface EncodedColumn {
  readonly facts: ColumnFacts;
  /** One behind the other. */
  readonly parts: readonly Uint8Array[];
}

/** Terms and values that are worked on in one turn. */
const AT_ONCE = 4_096;
const encoder = new TextEncoder();

interface TextKey {
  /** One character per byte. Of a cut text its 24 bytes. */
  readonly key: string;
  /** The first six bytes as a number, which most comparisons end at. */
  readonly lead: number;
  /** '' where the text is whole. */
  readonly hash: string;
  readonly instant: Instant | undefined;
  readonly id: number;
}

/** Requires: a stream that is not empty. */
export function* encodeColumn(stream: ColumnStream, segment: ColumnRows): Generator<void, EncodedColumn> {
  const texts = yield* textsInOrder(stream);
  const numbers = Float64Array.from(stream.numbers.keys()).sort();
  yield;
  const counts = {
    singles: SINGLES.filter((single) => stream.singles.has(single)).reduce((sum, bit) => sum | bit, 0),
    numbers: numbers.length,
    instants: texts.findIndex(({ instant }) => instant === undefined),
    texts: texts.length,
  };
  if (counts.instants < 0) counts.instants = texts.length;
  counts.texts -= counts.instants;
  const order = new TermOrder(counts);
  const ordinalOf = new Uint32Array(stream.terms);
  for (const [single, id] of stream.singles) ordinalOf[id] = order.ordinalOf(single);
  numbers.forEach((number, i) => (ordinalOf[stream.numbers.get(number)!] = order.numbersFrom + i));
  texts.forEach(({ id }, i) => (ordinalOf[id] = order.instantsFrom + i));
  const writer = new TextBlockWriter();
  for (const [i, { key, hash }] of texts.entries()) {
    writer.add(key, hash);
    if (i % AT_ONCE === 0) yield;
  }
  const dictionary = writer.finish();
  const { shape, parts } = yield* encodeOrdinals(stream, segment, { terms: order.terms, ordinalOf });
  const firsts = numbers.filter((_, i) => i % limits.blockRows === 0);
  return {
    facts: {
      ...counts,
      ...shape,
      textIndexBytes: dictionary.index.length,
      textBytes: dictionary.blocks.length,
    },
    parts: [viewOf(firsts), dictionary.index, ...parts, viewOf(numbers), dictionary.blocks],
  };
}

/** Instants first, by time; then the others. Equal ones by their bytes, and behind a whole text those cut to it. */
function* textsInOrder(stream: ColumnStream): Generator<void, readonly TextKey[]> {
  const instants: TextKey[] = [];
  const others: TextKey[] = [];
  let seen = 0;
  for (const [text, id] of stream.texts) {
    const instant = tryParseInstant(text);
    const key = textKey(latinKey(text), '', instant, id);
    if (instant === undefined) others.push(key);
    else instants.push(key);
    if (++seen % AT_ONCE === 0) yield;
  }
  for (const [cut, id] of stream.cuts) {
    others.push(textKey(cut.slice(0, CUT_BYTES), cut.slice(CUT_BYTES), undefined, id));
  }
  yield;
  const byTime = (a: TextKey, b: TextKey): number =>
    compareInstants(a.instant!, b.instant!) || compareKeys(a, b);
  const first = yield* sortInTurns(instants, byTime);
  const second = yield* sortInTurns(others, compareKeys);
  return [...first, ...second];
}

function textKey(key: string, hash: string, instant: Instant | undefined, id: number): TextKey {
  let lead = 0;
  for (let i = 0; i < 6; i++) lead = lead * 256 + (i < key.length ? key.charCodeAt(i) : 0);
  return { key, lead, hash, instant, id };
}

function compareKeys(a: TextKey, b: TextKey): number {
  if (a.lead !== b.lead) return a.lead - b.lead;
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.hash < b.hash ? -1 : 1;
}

/** Pieces are sorted, then merged by twos. */
function* sortInTurns<T>(items: T[], compare: (a: T, b: T) => number): Generator<void, T[]> {
  let from = items;
  for (let at = 0; at < from.length; at += AT_ONCE) {
    const piece = from.slice(at, at + AT_ONCE).sort(compare);
    for (let i = 0; i < piece.length; i++) from[at + i] = piece[i]!;
    yield;
  }
  let to = new Array<T>(from.length);
  for (let width = AT_ONCE; width < from.length; width *= 2) {
    for (let at = 0; at < from.length; at += 2 * width) {
      const middle = Math.min(at + width, from.length);
      const end = Math.min(at + 2 * width, from.length);
      for (let [a, b, out] = [at, middle, at]; out < end; out++) {
        const left = b === end || (a < middle && compare(from[a]!, from[b]!) <= 0);
        to[out] = left ? from[a++]! : from[b++]!;
        if (out % AT_ONCE === 0) yield;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

interface Ordinals {
  readonly shape: Pick<ColumnFacts, 'sparse' | 'multiple' | 'summarized' | 'width' | 'positions' | 'entries'>;
  readonly parts: readonly Uint8Array[];
}

function* encodeOrdinals(
  stream: ColumnStream,
  { rows: all, leafStarts }: ColumnRows,
  { terms, ordinalOf }: { readonly terms: number; readonly ordinalOf: Uint32Array },
): Generator<void, Ordinals> {
  const { rows: positions, entries } = stream;
  const multiple = entries > positions;
  const everywhere = positions === all;
  const bytes = ordinalWidth(terms);
  const denseBytes = multiple ? 4 * all : bytes * all;
  const sparseBytes = 4 * positions + (multiple ? 4 * positions : terms === 1 ? 0 : bytes * positions);
  const sparse = !everywhere && sparseBytes < denseBytes;
  // Where each place has the one term, nothing needs to be said of it.
  const width = terms === 1 && (sparse || everywhere) ? 0 : bytes;
  const places = sparse ? positions : all;
  const list = new Uint32Array(sparse ? places : 0);
  const starts = new Uint32Array(multiple ? places + 1 : 0);
  const ordinals = newOrdinals(width, multiple ? entries : places);
  const summarized = areWorthSummaries(ordinals.length, leafStarts.length);
  const summaries = newOrdinals(width, summarized ? 2 * leafStarts.length : 0);
  const summaryWriter = summarized ? new LeafSummaryWriter(leafStarts, summaries) : undefined;
  let [entry, place, lastRow] = [0, -1, -1];
  for (const { row, id } of stream.values()) {
    if (row !== lastRow) {
      const next = sparse ? place + 1 : row;
      if (sparse) list[next] = row;
      if (multiple) starts.fill(entry, place + 1, next + 1);
      [place, lastRow] = [next, row];
    }
    if (width > 0) ordinals[multiple ? entry : place] = ordinalOf[id]!;
    summaryWriter?.add(row, ordinalOf[id]!);
    if (++entry % AT_ONCE === 0) yield;
  }
  if (multiple) starts.fill(entry, place + 1);
  const shape = { sparse, multiple, summarized, width, positions, entries } as const;
  return { shape, parts: [summaries, list, starts, ordinals].map(viewOf) };
}

function newOrdinals(width: 0 | 1 | 2 | 4, count: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === 0) return new Uint8Array(0);
  if (width === 1) return new Uint8Array(count);
  return width === 2 ? new Uint16Array(count) : new Uint32Array(count);
}

function viewOf(numbers: Float64Array | Uint8Array | Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** A character per byte of its UTF-8. */
function latinKey(text: string): string {
  const bytes = encoder.encode(text);
  // As many bytes as units: all of it is ASCII.
  return bytes.length === text.length ? text : latinOf(bytes);
}
