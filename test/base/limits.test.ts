/**
 * The limits against each other: what one part may produce, the next one must be able to take.
 */
import { describe, expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import { MASK_COUNT } from '../../core/kernel/index.js';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('limits', () => {
  it('are positive numbers, whole but for the norms', () => {
    for (const [name, value] of Object.entries(limits)) {
      expect(value, name).toBeGreaterThan(0);
      if (!name.endsWith('Max') && !name.endsWith('Min'))
        expect(Number.isSafeInteger(value), name).toBe(true);
    }
  });

  it('say in literals what their comments say', () => {
    expect(limits).toMatchObject({
      bodyBytes: 64 * MiB,
      metadataBytes: 64 * KiB,
      filterTextBytes: 64 * KiB,
      inlineBatchBytes: 8 * MiB,
      slotBytes: 64 * MiB,
      groupCommitBytes: 16 * MiB,
      pageBytes: 16 * KiB,
      headBytes: 16 * MiB,
      rootBytes: MiB,
      catalogEntryBytes: 64 * KiB,
      batchBlobBytes: 512 * MiB,
      conditionalPutBytes: 64 * MiB,
      segmentTailBytes: 1024 * MiB,
      segmentStatisticsBytes: MiB,
      segmentTextBytes: 64 * KiB,
      segmentBufferBytes: 4 * MiB,
      segmentChunkBytes: 4 * MiB,
      documentBlockBytes: 16 * KiB,
      termsReadWholeBytes: 16 * KiB,
      exportPartBytes: 64 * MiB,
      exportGroupBytes: 16 * MiB,
      exportManifestBytes: 64 * MiB,
      importBatchBytes: 4 * MiB,
      importLineBytes: 2 * MiB,
      parquetFooterBytes: 8 * MiB,
      parquetChunkBytes: 256 * MiB,
      parquetPageBytes: 64 * MiB,
    });
  });

  it('fit every conditional put into one request', () => {
    for (const bytes of [limits.slotBytes, limits.headBytes, limits.catalogEntryBytes]) {
      expect(bytes).toBeLessThanOrEqual(limits.conditionalPutBytes);
    }
  });

  it('fit a group commit and one more inlined batch into a slot, with room for its own tables', () => {
    const slot = limits.groupCommitBytes + limits.inlineBatchBytes;
    expect(slot + slot / 1024 + MiB).toBeLessThanOrEqual(limits.slotBytes);
  });

  it('let every declared field be withheld from columns, and every path with columns be looked at', () => {
    expect(limits.fields).toBeLessThan(limits.columnPaths);
    expect(limits.columnPaths).toBeLessThanOrEqual(limits.columnPlaces);
  });

  it('give the deepest filter its masks: two for each level, and those that a test works with', () => {
    expect(MASK_COUNT).toBeGreaterThanOrEqual(2 * (limits.filterDepth + 1) + 3);
  });

  it('fit a record into an inlined batch, and a request body into a batch object', () => {
    expect(limits.dimension * 4 + limits.idBytes + limits.metadataBytes).toBeLessThan(
      limits.inlineBatchBytes,
    );
    expect(limits.bodyBytes).toBeLessThanOrEqual(limits.batchBlobBytes);
  });

  it('let every record that can be stored be a line of an import, decimals and escapes included', () => {
    expect(25 * limits.dimension + 6 * (limits.metadataBytes + limits.idBytes) + 100).toBeLessThan(
      limits.importLineBytes,
    );
  });

  it('make commits of imports that a slot inlines, and one request may hold', () => {
    expect(limits.importBatchBytes + limits.importLineBytes).toBeLessThan(limits.inlineBatchBytes);
    expect(limits.importBatchRecords).toBeLessThanOrEqual(limits.batchRecords);
  });

  it('let an import read every row group that an export writes', () => {
    const numbers = limits.exportGroupNumbers + limits.dimension;
    expect(numbers).toBeLessThanOrEqual(limits.parquetChunkValues);
    expect(4 * numbers).toBeLessThanOrEqual(limits.parquetChunkBytes);
    expect(4 * (limits.exportGroupBytes + limits.metadataBytes)).toBeLessThanOrEqual(
      limits.parquetChunkBytes,
    );
    expect(limits.exportPartRows).toBeLessThanOrEqual(limits.parquetRowGroupRows);
  });

  it('let the window hold the keys of at least the slots in which a carried batch may count', () => {
    expect(limits.windowKeys).toBeGreaterThanOrEqual(limits.keysPerSlot * limits.eligibleSlots);
  });

  it('cut segments at pages, and hold a row, an id and a document in what is read at once', () => {
    expect(limits.segmentBufferBytes % limits.pageBytes).toBe(0);
    expect(limits.segmentChunkBytes % limits.pageBytes).toBe(0);
    expect(limits.rangePages * limits.pageBytes).toBeLessThanOrEqual(limits.segmentChunkBytes);
    expect(limits.dimension * 4).toBeLessThan(limits.segmentChunkBytes);
    // Varints of two bytes tell the lengths of ids; rows and ranks are signed numbers of 32 bits.
    expect(limits.idBytes).toBeLessThan(2 ** 14);
    expect(limits.segmentRows).toBeLessThan(2 ** 31);
  });

  it('let no clock that a writer may have defeat the fence, and no answer wait for it', () => {
    expect(limits.eventualStalenessMs).toBeLessThan(limits.fenceMs / 2);
    expect(limits.requestTimeoutDefaultMs).toBeLessThanOrEqual(limits.fenceMs / 2);
    expect(limits.requestTimeoutDefaultMs).toBeLessThanOrEqual(limits.timeoutMs);
    expect(limits.retryBaseMs).toBeLessThanOrEqual(limits.retryMaxMs);
  });

  it('let a compactor miss some beats before it is taken for dead, and none lose its outputs for that', () => {
    expect(4 * limits.jobBeatMs).toBeLessThan(limits.deadJobMs);
    expect(limits.fenceMs).toBeLessThanOrEqual(limits.deadJobMs);
  });

  it('keep the f32 squared distance of two vectors finite', () => {
    const f32Max = 3.4028234663852886e38;
    expect(4 * limits.squaredNormMax).toBeLessThan(f32Max);
    expect(limits.cosineNormMin ** 2).toBeGreaterThan(0);
  });

  it('fit a key with the longest name, in hex, into what every store takes', () => {
    expect(2 * limits.nameBytes + 256).toBeLessThanOrEqual(limits.keyBytes);
    expect(limits.keyBytes).toBeLessThanOrEqual(1_024);
  });

  it('let a page of answers and a pattern stay within the request that carries them', () => {
    expect(limits.filterPatternBytes).toBeLessThanOrEqual(limits.filterTextBytes);
    expect(limits.filterTextBytes).toBeLessThan(limits.bodyBytes);
    expect(limits.deleteKeys).toBeLessThanOrEqual(1_000);
  });

  it('give the server tier no less than the edge tier, and any tier room for a group commit', () => {
    expect(tierLimits.server.logBytes).toBeGreaterThanOrEqual(tierLimits.edge.logBytes);
    expect(tierLimits.server.logSlots).toBeGreaterThanOrEqual(tierLimits.edge.logSlots);
    expect(tierLimits.edge.logBytes).toBeGreaterThanOrEqual(limits.inlineBatchBytes);
  });

  it('let a patch by filter make progress: half of any log has room for the largest record', () => {
    const record = limits.dimension * 4 + limits.idBytes + limits.metadataBytes;
    for (const { foldAt, logBytes } of Object.values(tierLimits)) {
      expect(10 * record).toBeLessThan(Math.min(limits.slotBytes, foldAt.bytes));
      expect(2 * foldAt.bytes).toBeLessThanOrEqual(logBytes);
    }
  });
});
