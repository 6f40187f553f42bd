/** Which codes of an index are read, and in which pieces, where it is streamed. A pure decision. */
import { hasBit } from '../../base/bitmap.js';
import { limits } from '../../base/limits.js';
import { CodeStream } from '../../index/index.js';
import { residentRoom } from '../../segment/index.js';

/** Rows from `first` up to, without, `end`. */
export interface StreamRun {
  readonly first: number;
  readonly end: number;
}

/** What passes through one place in memory at a time: the terms of all rows from its first to its last, the codes of its runs. */
export interface StreamPiece {
  readonly runs: readonly StreamRun[];
}

/** Bytes of the codes of a row, and of its term. */
export interface StreamedRow {
  readonly stride: number;
  readonly term: number;
}

export interface StreamRoom extends StreamedRow {
  /** For codes and for terms. */
  readonly codeBytes: number;
  readonly termBytes: number;
}

/** Room of `bytes` for both, as they go together where all rows are read; undefined where it is too little for any. */
export function streamRoom(bytes: number, { stride, term }: StreamedRow): StreamRoom | undefined {
  const { pageBytes, segmentChunkBytes } = limits;
  const pages = Math.floor(bytes / pageBytes);
  const termPages = term === 0 ? 0 : Math.min(2 + Math.ceil((pages * term) / (stride + term)), pages);
  const codeBytes = Math.min((pages - termPages) * pageBytes, segmentChunkBytes + pageBytes);
  return codeBytes < residentRoom(stride)
    ? undefined
    : { codeBytes, termBytes: termPages * pageBytes, stride, term };
}

/** Pieces that hold each row of `allowed` (absent: every one), in their order, and few that are not. */
export function* streamPieces(
  rows: number,
  allowed: Uint8Array | undefined,
  room: StreamRoom,
): Generator<StreamPiece, void, undefined> {
  const spanMost = room.term === 0 ? rows : Math.floor((room.termBytes - residentRoom(0)) / room.term);
  let runs: StreamRun[] = [];
  let codeBytes = 0;
  for (const run of runsOf(rows, allowed, room, spanMost)) {
    const bytes = residentRoom((run.end - run.first) * room.stride);
    const first = runs[0]?.first ?? run.first;
    if (codeBytes + bytes > room.codeBytes || run.end - first > spanMost) {
      yield { runs };
      runs = [];
      codeBytes = 0;
    }
    runs.push(run);
    codeBytes += bytes;
  }
  if (runs.length > 0) yield { runs };
}

function* runsOf(
  rows: number,
  allowed: Uint8Array | undefined,
  { codeBytes, stride }: StreamRoom,
  spanMost: number,
): Generator<StreamRun, void, undefined> {
  const fitting = Math.floor((codeBytes - residentRoom(0)) / stride);
  const most = Math.max(1, Math.min(fitting, spanMost, CodeStream.runRows));
  const gap = Math.ceil(limits.streamGapBytes / stride);
  for (let first = nextRow(allowed, 0, rows); first < rows;) {
    let end = first + 1;
    let next = nextRow(allowed, end, rows);
    for (; next < rows && next - end <= gap && next < first + most; next = nextRow(allowed, end, rows)) {
      end = allowed === undefined ? Math.min(rows, first + most) : next + 1;
    }
    yield { first, end };
    first = next;
  }
}

/** The first allowed row from `from` on; `rows` where there is none. */
function nextRow(allowed: Uint8Array | undefined, from: number, rows: number): number {
  if (allowed === undefined) return from;
  let row = from;
  while (row < rows) {
    if ((row & 7) === 0 && allowed[row >> 3] === 0) row += 8;
    else if (hasBit(allowed, row)) return row;
    else row++;
  }
  return rows;
}
