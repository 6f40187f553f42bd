/** The sections of a segment, each under right checksums: what they say may be anything. */
import type { Deflate } from '../../../core/base/ports.js';
import { portableDeflate } from '../../../core/segment/index.js';
import type { SegmentReader } from '../../../core/segment/index.js';
import { nodeDeflate } from '../../../core/store/adapters/node/deflate.js';
import { differencesOf } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { editedContent, openForged, sealedSegment, soundContent } from '../forged-segment.js';
import { readColumns, readDocuments, readIds, readLeaves, readRest, readRowMaps } from './segment-reads.js';

interface SectionDecoder {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly read: (reader: SegmentReader) => Promise<void>;
}

const deflates: readonly Deflate[] = [portableDeflate, nodeDeflate];

function sectionDecoder({ name, kinds, read }: SectionDecoder): Decoder {
  return {
    name,
    refusals: ['corrupt'],
    next: (chance) => {
      const content = editedContent(chance, kinds);
      const deflate = chance.pick(deflates);
      return {
        size: content.length,
        show: () => differencesOf(soundContent, content),
        run: async () => {
          const reader = await openForged(sealedSegment(content), deflate);
          await read(reader);
          reader.close();
        },
      };
    },
  };
}

export const segmentSections: readonly Decoder[] = [
  {
    name: 'segment-ids',
    kinds: ['ids', 'idIndex', 'idFilter'],
    read: readIds,
  },
  {
    name: 'segment-documents',
    kinds: ['documents', 'documentIndex'],
    read: readDocuments,
  },
  {
    name: 'segment-columns',
    kinds: ['columns', 'columnIndex', 'leafStarts'],
    read: readColumns,
  },
  {
    name: 'segment-leaves',
    kinds: ['leaves', 'leafIndex', 'leafStarts'],
    read: readLeaves,
  },
  {
    name: 'segment-rows',
    kinds: ['rowOfRank', 'rankOfRow', 'seqs', 'statistics', 'vectors'],
    read: async (reader: SegmentReader): Promise<void> => {
      await readRowMaps(reader);
      await readRest(reader);
    },
  },
].map(sectionDecoder);
