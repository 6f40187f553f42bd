/** `cairn stats [COLLECTION]`: one line per collection, or everything that is known of one. */
import type { CollectionStats, SegmentStats } from '../core/index.js';
import { snakeDeep } from '../functions/http/index.js';
import { chosen, withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';
import { formatBytes, formatTable } from './terminal.js';

export const stats: StoreCommand = (settings, { name, json }, { out }) =>
  withDatabase(settings, async (database) => {
    const found: CollectionStats[] = [];
    for await (const collection of chosen(database, name)) found.push(await collection.stats());
    if (json) out(JSON.stringify(snakeDeep(name === undefined ? found : found[0])));
    else if (name !== undefined) found.flatMap(detailed).forEach((line) => out(line));
    else if (found.length === 0) out(`no collections in ${database.store}`);
    else overview(found).forEach((line) => out(line));
  });

function overview(found: readonly CollectionStats[]): string[] {
  const header = ['collection', 'records', 'sequence', 'log slots', 'log', 'segments'];
  const rows = found.map(({ name, records, sequence, log, segments }) => [
    name,
    records.visible,
    sequence,
    log.slots,
    formatBytes(log.bytes),
    segments.length,
  ]);
  return formatTable(header, rows);
}

function detailed(stats: CollectionStats): string[] {
  const { name, sequence, records, log, memory, segments, segmentsStreamed, head } = stats;
  const segmentBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `collection  ${name}`,
    `sequence    ${sequence}`,
    `records     ${records.visible} visible, ${records.softDeleted} soft-deleted, ${records.expired} expired`,
    `log         ${log.slots} of ${log.slotsMax} slots, ${formatBytes(log.bytes)} of ${formatBytes(log.bytesMax)}, folded up to ${log.foldedSequence}`,
    `memory      ${formatBytes(memory.vectorBytes)} of vectors, ${memory.rows} rows, ${memory.deadRows} dead`,
    `loaded      ${formatBytes(memory.segmentBytes)} of indexes, ${formatBytes(memory.pageCacheBytes)} of pages`,
    `segments    ${segments.length}, ${formatBytes(segmentBytes)}${segmentsStreamed === 0 ? '' : `, ${segmentsStreamed} too large for this memory: streamed`}`,
    ...segments.map(segmentLine),
    `head        version ${head.version}, collected up to ${head.gcFloor}`,
  ];
}

function segmentLine(segment: SegmentStats): string {
  const { key, rows, live, bytes, residentBytes, graph, loaded } = segment;
  const search = graph ? 'graph' : 'flat';
  return `  ${key.slice(key.lastIndexOf('/') + 1)}  ${live} of ${rows} rows, ${formatBytes(bytes)}, ${search} of ${formatBytes(residentBytes)}${loaded ? ', loaded' : ''}`;
}
