/**
 * Segments of a bucket for the tests of compaction: the resident part of each is read whole when it is opened, so that
 * every look-up by rank is a look into an array.
 */
import { NO_EXPIRIES } from '../../../core/engine/segments/index.js';
import type { LiveSegment, SegmentFile, SegmentSource } from '../../../core/engine/segments/index.js';
import type { Digests } from '../../../core/base/ports.js';
import { SearchIndex } from '../../../core/index/index.js';
import type { CollectionSchema, SegmentEntry } from '../../../core/log/index.js';
import { openDeletions, SegmentReader } from '../../../core/segment/index.js';
import { PageCache } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';

const PAYLOAD_OFFSET = 65_536;

async function openFile(
  reader: SegmentReader,
  schema: CollectionSchema,
): Promise<Pick<LiveSegment, 'file' | 'expiries'>> {
  const resident = new Uint8Array(reader.residentBytes);
  await reader.residentLoad(resident).fetchMissing();
  const section = (kind: string): ArrayBuffer | undefined => {
    const found = reader.residentSections.find((one) => one.kind === kind);
    return found && resident.slice(found.offset, found.offset + found.length).buffer;
  };
  const rowOfRank = new Uint32Array(section('rowOfRank')!);
  const rankOfRow = new Uint32Array(section('rankOfRow')!);
  const expires = section('expires');
  const shape = { dimension: schema.dimension, metric: schema.metric, rows: reader.rows };
  const file: SegmentFile = {
    rows: reader.rows,
    curve: reader.curve,
    arenaBytes: reader.residentBytes + SearchIndex.scratchBytes(shape),
    mayHoldId: (id) => reader.mayHoldId(id),
    findRanks: async (ids) => {
      const ranks = await reader.findRanks(ids);
      return new Map(ids.map((id, i) => [id, ranks[i]!] as const).filter(([, rank]) => rank >= 0));
    },
    idsOfRanks: (ranks) => reader.idsOfRanks(ranks),
    rowsOfRanks: (ranks) => ranks.map((rank) => rowOfRank[rank]!),
    ranksOfRows: (rows) => rows.map((row) => rankOfRow[row]!),
    documents: (rows) => reader.documents(rows),
    vectors: (rows) => reader.vectors(rows),
    seqs: (rows) => reader.seqs(rows),
    idsFrom: (after, count) => reader.idsFrom(after, count),
    rawChunks: (maxBytes, fromRow) => reader.rawChunks(maxBytes, fromRow),
    loadIndex: (arena) => {
      arena.u8.set(resident, PAYLOAD_OFFSET);
      const options = { shape, numbers: reader.numbers, regionBytes: resident.length, key: reader.ref.key };
      const sections = reader.residentSections as never;
      return Promise.resolve(SearchIndex.attach(arena, { ...options, sections }));
    },
  };
  return { file, expiries: expires === undefined ? NO_EXPIRIES : expiriesOf(new Float64Array(expires)) };
}

function expiriesOf(all: Float64Array): LiveSegment['expiries'] {
  const rows = Uint32Array.from(all.keys()).filter((row) => all[row] !== Infinity);
  rows.sort((a, b) => all[a]! - all[b]!);
  return { rows, ms: Float64Array.from(rows, (row) => all[row]!) };
}

export class ReadSegments implements SegmentSource {
  readonly cachedBytes = 0;
  readonly #digests: Digests;
  readonly #schema: CollectionSchema;
  readonly #cache = new PageCache({ budgetBytes: 1 << 24 });

  constructor(digests: Digests, schema: CollectionSchema) {
    this.#digests = digests;
    this.#schema = schema;
  }

  async openFile(store: ObjectStore, entry: SegmentEntry): Promise<Pick<LiveSegment, 'file' | 'expiries'>> {
    const digests = this.#digests;
    const reader = await SegmentReader.open({
      store,
      digests,
      ref: entry,
      expected: this.#schema,
      cache: this.#cache,
    });
    return await openFile(reader, this.#schema);
  }

  async openDeletions(store: ObjectStore, entry: SegmentEntry): Promise<LiveSegment['deletions'] & {}> {
    const { key } = entry.deletions!;
    const got = await store.get(key);
    if (got.status !== 'found') throw new Error(`no object ${key}`);
    return openDeletions(this.#digests, key, got.bytes, entry.rows);
  }

  close(): void {}
}
