/**
 * Strategy: as in damage.test.ts, of what compactions write: windows, segments and deletions. A bit flipped anywhere, an
 * object cut, gone, or in another's place, and values that are changed and sealed again; the exact finding is expected.
 */
import { describe, expect, it, test } from 'vitest';
import { sequence } from '../../../core/base/ids.js';
import { scrubStore } from '../../../core/engine/scrub/index.js';
import { acquireBytes } from '../../../core/index/index.js';
import { compileEmbeddedKernel, Kernel } from '../../../core/kernel/index.js';
import { openWindow, sealWindow } from '../../../core/log/index.js';
import { digests } from '../../log/fixture.js';
import { DIMENSION, Scene } from './scene.js';

async function segmentKeys(scene: Scene): Promise<readonly string[]> {
  return (await scene.head()).segments.map(({ key }) => key);
}

describe('windows', () => {
  const of = async (scene: Scene): Promise<string> => (await scene.head()).window!.key;

  /** The window of the head, with other entries, named as it should be. */
  async function forgeWindow(
    scene: Scene,
    edit: (window: ReturnType<typeof openWindow>) => Partial<ReturnType<typeof openWindow>>,
  ): Promise<void> {
    const ref = (await scene.head()).window!;
    const window = openWindow(digests, ref, await scene.bytes(ref.key));
    const sealed = sealWindow(digests, ref.key, { ...window, ...edit(window) });
    await scene.put(ref.key, sealed.bytes);
    await scene.forgeHead(() => ({ window: sealed.ref }));
  }

  test.each<[string, (scene: Scene) => Promise<unknown>, string]>([
    ['lost', async (s) => s.remove(await of(s)), 'window_missing'],
    ['a flipped bit', async (s) => s.flip(await of(s)), 'window_corrupt'],
    [
      'of other bytes than the head says',
      (s) => s.forgeHead(({ window }) => ({ window: { ...window!, bytes: window!.bytes + 1 } })),
      'window_mismatch',
    ],
    ['of another slot', (s) => forgeWindow(s, ({ seq }) => ({ seq: sequence(seq + 1) })), 'window_mismatch'],
    [
      'without a key that took effect',
      (s) => forgeWindow(s, ({ entries }) => ({ entries: entries.slice(1) })),
      'window_mismatch',
    ],
    [
      'with a key that no slot has',
      (s) =>
        forgeWindow(s, ({ entries }) => ({
          entries: [{ ...entries[0]!, keyHash: 'a'.repeat(32) }, ...entries],
        })),
      'window_mismatch',
    ],
    [
      'with another result',
      (s) =>
        forgeWindow(s, ({ entries }) => ({
          entries: entries.map((entry, i) =>
            i > 0 ? entry : { ...entry, counts: { ...entry.counts, upserted: 1 } },
          ),
        })),
      'window_mismatch',
    ],
  ])('%s', async (_, damage, code) => {
    const scene = await Scene.make();
    const key = scene.short(await of(scene));
    await damage(scene);
    expect(await scene.found()).toEqual([`${code} ${key}`]);
  });
});

describe('segments', () => {
  const first = async (s: Scene): Promise<string> => (await segmentKeys(s))[0]!;

  test.each<[string, (scene: Scene, key: string) => Promise<unknown>]>([
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (share) =>
        [`a bit flipped at ${share * 100} %`, (s: Scene, key: string) => s.flip(key, share)] as [
          string,
          (scene: Scene, key: string) => Promise<unknown>,
        ],
    ),
    ['cut', async (s, key) => s.put(key, (await s.bytes(key)).slice(0, -1))],
    ['half of it', async (s, key) => s.put(key, (await s.bytes(key)).slice(0, 20_000))],
  ])('%s', async (_, damage) => {
    const scene = await Scene.make();
    const key = await first(scene);
    await damage(scene, key);
    expect(await scene.found()).toEqual([`segment_corrupt ${scene.short(key)}`]);
  });

  it('lost', async () => {
    const scene = await Scene.make();
    const key = await first(scene);
    await scene.remove(key);
    expect(await scene.found()).toEqual([`segment_missing ${scene.short(key)}`]);
  });

  it('in each other’s place', async () => {
    const scene = await Scene.make();
    const [one, other] = await segmentKeys(scene);
    await scene.swap(one!, other!);
    const keys = [one!, other!].map((key) => `segment_corrupt ${scene.short(key)}`);
    expect(await scene.found()).toEqual(keys.sort());
  });

  const at = (bytes: Uint8Array, offset: number): DataView =>
    new DataView(bytes.buffer, bytes.byteOffset + offset);

  test.each<[string, string, (bytes: Uint8Array, offsetOf: (kind: string) => number) => void]>([
    [
      'leaves_mismatch vector_invalid',
      'a number that is none',
      (b, of) => at(b, of('vectors') + 400).setFloat32(0, NaN, true),
    ],
    [
      'leaves_mismatch vector_invalid',
      'a vector without a direction',
      (b, of) => b.fill(0, of('vectors'), of('vectors') + 4 * DIMENSION),
    ],
    [
      'document_invalid leaves_mismatch',
      'a block that does not inflate',
      (b, of) => b.fill(0xff, of('documents'), of('documents') + 20),
    ],
    ['ids_invalid', 'an id that its filter denies', (b, of) => b.fill(0x41, of('ids') + 2, of('ids') + 3)],
    [
      'ids_invalid',
      'a separator that leads to another block',
      // Of block 1, whose first id is p0064: behind the lengths and ends of 33 blocks.
      (b, of) => b.fill(0x35, of('idIndex') + 8 * 33 + 4, of('idIndex') + 8 * 33 + 5),
    ],
    ['sequence_invalid', 'a row of a slot to come', (b, of) => at(b, of('seqs') + 40).setUint32(0, 99, true)],
    ['columns_mismatch', 'another value', (b, of) => (b[of('columns') + 9]! ^= 1)],
    [
      'index_invalid',
      'row maps that do not undo each other',
      (b, of) => at(b, of('rowOfRank')).setUint32(0, 5, true),
    ],
    [
      'index_invalid',
      'a neighbour that is no row',
      (b, of) => at(b, of('graph0') + 4).setUint32(0, 1e9, true),
    ],
    // Leaves say what pages that hold vectors are checked against.
  ])('forged: %s, %s', async (codes, _, edit) => {
    const scene = await Scene.make();
    const { key } = await scene.forgeSegment(0, (bytes, sectionOf) =>
      edit(bytes, (kind) => sectionOf(kind).offset),
    );
    const found = await scene.found();
    // The copies of heads name the segment that was there.
    const ofSegment = found.filter((one) => !one.startsWith('head_lineage'));
    expect(ofSegment).toEqual(codes.split(' ').map((code) => `${code} ${scene.short(key)}`));
  });

  test.each<[string, string]>([
    ['graph', 'segment_mismatch'],
    ['residentBytes', 'segment_mismatch'],
    ['rows', 'segment_corrupt'],
  ])('of which the head forges %s', async (what, code) => {
    const scene = await Scene.make();
    await scene.forgeHead(({ segments: [over, entry] }) => {
      const forged: Record<string, object> = {
        graph: { graph: true },
        residentBytes: { residentBytes: 640 },
        rows: { rows: entry!.rows + 1, live: entry!.live + 1 },
      };
      return { segments: [over!, { ...entry!, ...forged[what] }] };
    });
    const key = scene.short((await segmentKeys(scene))[1]!);
    expect(await scene.found()).toEqual([`${code} ${key}`]);
  });

  it('with an id that is no text', async () => {
    const scene = await Scene.make();
    await scene.forgeSegment(1, (bytes, sectionOf) => {
      // The end of the last id: in order still.
      const { offset, length } = sectionOf('ids');
      bytes.fill(0xff, offset + length - 1, offset + length);
    });
    const found = (await scene.scrub()).collections.flatMap(({ findings }) => findings);
    expect(found).toMatchObject([
      { code: 'ids_invalid', message: 'expected ids in UTF-8, found other bytes' },
    ]);
  });

  it('of another collection', async () => {
    const scene = await Scene.make();
    const { metric, dimension } = (await scene.head()).schema;
    const fields = [{ name: 'vector', dimension, metric }];
    const entry = (await scene.head()).segments[1]!;
    const numbers = { ...(await scene.numbersOf(entry.key)) };
    // Of the same length, so that no offset moves.
    await scene.forgeSegment(1, () => ({ text: { uid: 'f'.repeat(32), fields, numbers } }));
    expect(await scene.found()).toEqual([`segment_mismatch ${scene.short(entry.key)}`]);
  });

  it('whose index has room once others make it', async () => {
    const scene = await Scene.make();
    const { pool } = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 4_194_304 });
    const held: ReturnType<typeof acquireBytes>[] = [];
    while (pool.usage().usedBytes < 3_800_000) held.push(acquireBytes(pool, 1_000));
    const scrubbed = async (evict: () => boolean): Promise<readonly string[]> => {
      const { signal } = new AbortController();
      const context = { store: scene.world.store, ports: scene.ports, pool, evict, signal };
      return scene.shown(await scrubStore(context, { collection: undefined, repair: false }));
    };
    expect(await scrubbed(() => false)).not.toEqual([]);
    const evict = (): boolean => {
      const arena = held.pop();
      if (arena !== undefined) pool.release(arena);
      return arena !== undefined;
    };
    expect(await scrubbed(evict)).toEqual([]);
  });

  it('whose ids are live twice, where deletions are lost from the head', async () => {
    const scene = await Scene.make();
    await scene.forgeHead(({ segments }) => ({
      segments: segments.map((entry) => ({ ...entry, deletions: undefined, live: entry.rows })),
    }));
    const result = await scene.scrub();
    const twice = result.collections
      .flatMap(({ findings }) => findings)
      .filter(({ code }) => code === 'id_twice');
    expect(twice).toHaveLength(20);
    expect(twice[0]!.message).toContain('"p0000"');
  });

  it('without room for the index of one', async () => {
    const found = await (await Scene.make()).found({}, { memoryBudgetBytes: 1024 * 1024 });
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(one).toMatch(/^index_unchecked papers\/seg/);
  });
});

describe('deletions', () => {
  const of = async (scene: Scene): Promise<string> => {
    const { segments } = await scene.head();
    return segments.flatMap(({ deletions }) => deletions ?? [])[0]!.key;
  };

  test.each<[string, string, (scene: Scene, key: string) => Promise<unknown>]>([
    ['deletions_missing', 'lost', (s, key) => s.remove(key)],
    ['deletions_corrupt', 'a flipped bit', (s, key) => s.flip(key)],
    [
      'deletions_corrupt',
      'a SHA-256 that the head forges',
      (s) =>
        s.forgeHead(({ segments }) => ({
          segments: segments.map((entry) => {
            const { deletions } = entry;
            if (deletions === undefined) return entry;
            return { ...entry, deletions: { ...deletions, sha256: 'a'.repeat(64) } };
          }),
        })),
    ],
    [
      'deletions_mismatch',
      'a count that the head forges',
      (s) =>
        s.forgeHead(({ segments }) => ({
          segments: segments.map((entry) => {
            const { deletions } = entry;
            if (deletions === undefined) return entry;
            return { ...entry, live: entry.live - 1, deletions: { ...deletions, dead: deletions.dead + 1 } };
          }),
        })),
    ],
  ])('%s: %s', async (code, _, damage) => {
    const scene = await Scene.make();
    const key = await of(scene);
    await damage(scene, key);
    const found = await scene.found();
    expect(found.filter((one) => !one.startsWith('head_lineage'))).toEqual([`${code} ${scene.short(key)}`]);
  });
});
