/**
 * A scan of an index for which there is no room: its codes pass through one arena, piece by piece, several on their way at a
 * time. What is found is what a scan of the index in memory finds.
 */
import { bitmapBytes, setBit, sliceBits } from '../../base/bitmap.js';
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { Digests } from '../../base/ports.js';
import { CodeStream, IndexDirectory } from '../../index/index.js';
import type { Hits, IndexSection, ScanRequest } from '../../index/index.js';
import { arenaChecksums, arenaClasses } from '../../kernel/index.js';
import type { Arena } from '../../kernel/index.js';
import { residentRoom } from '../../segment/index.js';
import { directoryOf } from './index-loader.js';
import type { IndexedFile } from './index-loader.js';
import type { SegmentFile } from './segment-file.js';
import { streamPieces, streamRoom } from './stream-plan.js';
import type { StreamedRow, StreamPiece, StreamRoom } from './stream-plan.js';

export interface StreamedScan {
  readonly file: SegmentFile;
  readonly request: ScanRequest;
  /** Requests at a time. */
  readonly parallel: number;
  /** Called before each piece is read, and before it is compared. Throws where the arena was taken away. */
  readonly goOn: () => void;
}

const { pageBytes } = limits;

/** Rows that are kept: of a coarse comparison, and of the full one. As `SearchIndex.scan` keeps them. */
function keptOf(
  { rows }: IndexedFile,
  { limit, coarse }: ScanRequest,
): { readonly pool: number; readonly limit: number } {
  const most = Math.min(rows, limits.indexHits);
  const kept = Math.min(limit, most);
  return { pool: coarse === undefined ? kept : Math.min(Math.max(coarse, kept), most), limit: kept };
}

/**
 * Payload bytes of the arena that a scan is to have: `wanted`, or the least it can do with where that is more. Throws `corrupt`.
 */
export function streamBytes(file: IndexedFile, request: ScanRequest, wanted: number): number {
  const directory = new IndexDirectory(directoryOf(file));
  const { pool } = keptOf(file, request);
  const fixed = CodeStream.fixedBytes(directory, pool, isCoarse(directory, request));
  const piece = residentRoom(directory.code.stride) + 4 * pageBytes;
  const least = fixed + limits.streamPieces * piece + pageBytes;
  return Math.max(least, arenaClasses.findLast((bytes) => bytes <= wanted) ?? 0);
}

function isCoarse({ outputs }: IndexDirectory, { coarse }: ScanRequest): boolean {
  return coarse !== undefined && outputs > 0;
}

/** Requires: the arena has `streamBytes`, and is nobody else's until this has settled. Throws `corrupt`, or `unavailable`. */
export async function scanStreamed(
  arena: Arena,
  { file, request, parallel, goOn }: StreamedScan,
): Promise<Hits> {
  const directory = new IndexDirectory(directoryOf(file));
  const { pool, limit } = keptOf(file, request);
  const coarse = isCoarse(directory, request);
  const { rows } = directory.shape;
  const bytesOf = async (section: IndexSection): Promise<Uint8Array> =>
    section.length === 0 ? new Uint8Array(0) : await file.residentBytesAt(section);
  const { outputs } = directory;
  const sections = {
    params: await bytesOf(directory.params()),
    projected: coarse
      ? {
          projection: await bytesOf(directory.section('projection', outputs)),
          params: await bytesOf(directory.section('projectedParams', outputs)),
        }
      : undefined,
  };
  const stream = new CodeStream(arena, directory, sections, { query: request.query, most: pool });
  let { allowed } = request;
  const passOf = (codes: 'codes' | 'projectedCodes', terms: 'terms' | 'projectedTerms'): Promise<void> =>
    new Pass(arena, stream, {
      file,
      codes: directory.section(codes, rows),
      terms: directory.section(terms, rows),
      allowed,
      parallel,
      goOn,
    }).run();
  if (coarse) {
    stream.beginCoarse(pool);
    await passOf('projectedCodes', 'projectedTerms');
    allowed = bitmapOf(stream.hits().rows, rows);
  }
  stream.beginFull(limit);
  await passOf('codes', 'terms');
  return stream.hits();
}

function bitmapOf(rows: Uint32Array, count: number): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(count));
  for (const row of rows) setBit(bits, row);
  return bits;
}

interface PassOptions {
  readonly file: SegmentFile;
  readonly codes: IndexSection;
  readonly terms: IndexSection;
  readonly allowed: Uint8Array | undefined;
  readonly parallel: number;
  readonly goOn: () => void;
}

/** One way of all rows that count past the query. */
class Pass {
  readonly #arena: Arena;
  readonly #stream: CodeStream;
  readonly #options: PassOptions;
  readonly #row: StreamedRow;
  readonly #crc32cPages: Digests['crc32cPages'];

  constructor(arena: Arena, stream: CodeStream, options: PassOptions) {
    this.#arena = arena;
    this.#stream = stream;
    this.#options = options;
    const { codes, terms } = options;
    this.#row = { stride: codes.length / codes.count, term: terms.length / terms.count };
    this.#crc32cPages = arenaChecksums(arena);
  }

  async run(): Promise<void> {
    const { roomAt } = this.#stream;
    const { file, allowed } = this.#options;
    const bytes = Math.floor((this.#arena.u8.length - roomAt) / limits.streamPieces);
    const room = streamRoom(bytes, this.#row);
    assertInternal(room !== undefined, () => `${bytes} bytes for a piece of an index`);
    const pieces = streamPieces(file.rows, allowed, room);
    // Each has a place of its own, and goes on with the next piece when it has compared one.
    await inParallel(limits.streamPieces, async (worker) => {
      const { value: piece } = pieces.next();
      if (piece !== undefined)
        await this.#pass(piece, room, roomAt + worker * (room.codeBytes + room.termBytes));
      return piece !== undefined;
    });
  }

  async #pass({ runs }: StreamPiece, { codeBytes, termBytes }: StreamRoom, at: number): Promise<void> {
    const { codes, terms, allowed, parallel, goOn } = this.#options;
    goOn();
    const { stride, term } = this.#row;
    const start = runs[0]!.first;
    const span = runs.at(-1)!.end - start;
    const termsAt = { offset: terms.offset + term * start, length: term * span };
    const termsRead = term === 0 ? [] : [{ ...termsAt, at: at + codeBytes, room: termBytes }];
    let end = at;
    const reads = runs.map(({ first, end: last }) => {
      const length = (last - first) * stride;
      const read = { offset: codes.offset + first * stride, length, at: end, room: residentRoom(length) };
      end += read.room;
      return read;
    });
    const places = await this.#read(
      [...reads, ...termsRead],
      Math.max(1, Math.floor(parallel / limits.streamPieces)),
    );
    goOn();
    runs.forEach(({ first, end: last }, i) => {
      const rows = last - first;
      const mask = allowed === undefined ? undefined : sliceBits(allowed, first, rows);
      const run = {
        first,
        rows,
        codes: places[i]!,
        terms: (places[runs.length] ?? 0) + term * (first - start),
      };
      this.#stream.scan(run, mask);
    });
  }

  /** The addresses of what was read. */
  async #read(reads: readonly PlacedRead[], parallel: number): Promise<readonly number[]> {
    const places: number[] = [];
    let next = 0;
    await inParallel(parallel, async () => {
      const i = next++;
      const read = reads[i];
      if (read === undefined) return false;
      const { at, room, ...range } = read;
      const target = this.#arena.u8.subarray(at, at + room);
      places[i] = at + (await this.#options.file.readResident(range, target, this.#crc32cPages));
      return true;
    });
    return places;
  }
}

interface PlacedRead {
  readonly offset: number;
  readonly length: number;
  /** Address, and how much may be written there. */
  readonly at: number;
  readonly room: number;
}

/**
 * Has so many workers repeat a step each, until it answers false or one has failed. Once this settles all have ended: what was on
 * its way would arrive in memory that is somebody else's by then.
 */
async function inParallel(workers: number, step: (worker: number) => Promise<boolean>): Promise<void> {
  let failed = false;
  const ends = await Promise.allSettled(
    Array.from({ length: workers }, async (_, worker) => {
      try {
        for (let more = true; more;) more = !failed && (await step(worker));
      } catch (error) {
        failed = true;
        throw error;
      }
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
