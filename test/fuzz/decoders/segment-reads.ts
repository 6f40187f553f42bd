/** What is asked of a segment whose bytes may be anything, and what every answer has to be. */
import { countBits, hasBit } from '../../../core/base/bitmap.js';
import { limits } from '../../../core/base/limits.js';
import { parseFilter } from '../../../core/filter/index.js';
import { LeafScan } from '../../../core/index/index.js';
import { kernel } from '../../index/fixture.js';
import type { SegmentReader } from '../../../core/segment/index.js';
import { mustHold } from '../decoder.js';
import { rows } from '../forged-segment.js';

const everyRow = Array.from(rows.ids, (_, row) => row);
const idsAsked = [...rows.ids.filter((_, row) => row % 9 === 0), 'stranger', 'id-', '\u{1f600}'];

/** Of each operator, of every kind of column, and some of paths that there are not. */
const filters = [
  'n > 5 AND n IN (6, 68, 69) OR price BETWEEN 3 AND 4.5',
  "text LIKE 'b%' OR text CONTAINS 'ext t' OR text LIKE '%9'",
  "text > 'ctext' AND NOT text = 'ztext text 25'",
  "long = 'the same beginning of more than forty bytes, and then 17' OR long > 'the same beginning of mor'",
  "tags CONTAINS ALL ('t1', 't2') OR tags CONTAINS ANY (3, 't0') OR tags = 4",
  "when >= '2024-05-01' AND when < '2024-05-01T05:00:00Z' OR when LIKE '2024-0%'",
  'deep.a.b = 2 OR deep.a.b IS NULL OR deep.c.d = TRUE',
  'EXISTS(rare) AND NOT (same = FALSE) OR rare <= 100',
  "odd.toString = 1 OR secret = 1 OR nobody = 'x'",
].map(parseFilter);

export async function readIds(reader: SegmentReader): Promise<void> {
  const found = await reader.idsOfRanks(everyRow);
  mustHold(
    found.every((id) => id.length > 0 && Buffer.byteLength(id) <= limits.idBytes),
    'ids are 1 to 512 bytes',
  );
  const { ids } = await reader.idsFrom('', rows.ids.length + 1);
  mustHold(ids.length <= rows.ids.length, 'no more ids than rows');
  mustHold(
    ids.every(
      (id, i) =>
        i === 0 ||
        Buffer.compare(Buffer.from(ids[i - 1]!), Buffer.from(id)) < 0 ||
        i % limits.blockRows === 0,
    ),
    'ids of a block ascend',
  );
  await reader.idsFrom('id-5', 70);
  const possible = await reader.possibleIds(idsAsked);
  mustHold(
    possible.every((id) => idsAsked.includes(id)),
    'a filter lets some of the ids by',
  );
  const ranks = await reader.findRanks(idsAsked);
  mustHold(
    ranks.every((rank) => rank >= -1 && rank < rows.ids.length),
    'ranks are of rows',
  );
}

/** As a probe does: centroids, then leaves, then who their rows are. */
export async function readLeaves(reader: SegmentReader): Promise<void> {
  const { leafIndex, dimension, rows: count } = reader;
  mustHold(leafIndex !== undefined, 'leaves are there');
  const { leaves, centroids } = leafIndex;
  const scan = new LeafScan(kernel.pool, { dimension, metric: 'cosine', centroids });
  try {
    scan.prepare(Float32Array.of(1, -2));
    mustHold(scan.centroidDistances().length === leaves, 'a distance of each leaf');
    scan.beginLeaves();
    for (const block of await reader.leafBlocks(Array.from({ length: leaves }, (_, leaf) => leaf))) {
      const { scanned, rows: own, guests } = block;
      const distances = scan.leafDistances(scanned, own, guests.length);
      mustHold(distances.length === own + guests.length, 'a distance of each row');
      guests.forEach((row) => mustHold(row < count, 'guests are rows'));
      reader.idsOfLeaf(block).forEach((id, i) => {
        mustHold(block.textOf(id).length > 0, 'ids are texts');
        mustHold(block.rank(i, count) < count, 'ranks are of rows');
      });
    }
  } finally {
    scan.release();
  }
}

export async function readDocuments(reader: SegmentReader): Promise<void> {
  const documents = await reader.documents(everyRow);
  mustHold(documents.length === rows.ids.length, 'a text of each row');
  mustHold(
    documents.every((text) => Buffer.byteLength(text) <= limits.metadataBytes),
    'texts are at most 64 KiB',
  );
}

export async function readColumns(reader: SegmentReader): Promise<void> {
  for (const filter of filters) {
    const { sure, count, open } = await reader.filterRows(filter);
    mustHold(sure.length === Math.ceil(reader.rows / 8), 'a bit of each row');
    mustHold(count === countBits(sure), 'the count is that of the bits');
    for (let row = reader.rows; row < 8 * sure.length; row++)
      mustHold(!hasBit(sure, row) && !(open !== undefined && hasBit(open, row)), 'no bit past the last row');
    mustHold(
      open === undefined || open.every((bits, i) => (bits & sure[i]!) === 0),
      'what is sure is not open',
    );
  }
}

export async function readRowMaps(reader: SegmentReader): Promise<void> {
  const all = Uint32Array.from(everyRow);
  for (const numbers of [await reader.rowsOfRanks(all), await reader.ranksOfRows(all)])
    mustHold(
      numbers.every((number) => number < reader.rows),
      'rows and ranks are of the segment',
    );
  const load = reader.residentLoad(new Uint8Array(reader.residentBytes));
  await load.fetchMissing();
  mustHold(load.complete, 'a load that does not fail is complete');
}

export async function readRest(reader: SegmentReader): Promise<void> {
  const seqs = await reader.seqs(everyRow);
  mustHold(
    seqs.every((seq) => Number.isSafeInteger(seq) && seq >= 0),
    'sequences are whole and not negative',
  );
  await reader.vectors(everyRow);
  const { expiries, leafStarts } = reader;
  mustHold(expiries.rows.length === expiries.ms.length && leafStarts.length <= reader.rows, 'lists');
}
