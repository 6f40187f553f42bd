/**
 * A store that holds an object of every kind, made once and copied for each test, and the means to damage it: two
 * collections, of which `papers` has a segment with a graph and deletions, a small one over it, copies of heads, and a log.
 */
import { Buffer } from 'node:buffer';
import { headVersion, sequence } from '../../../core/base/ids.js';
import type { Uid } from '../../../core/base/ids.js';
import { open } from '../../../core/index.js';
import type { Collection, Database, OpenOptions, ScrubOptions, ScrubResult } from '../../../core/index.js';
import { bytesToHex } from '../../../core/base/bytes.js';
import { limits } from '../../../core/base/limits.js';
import type { Ports } from '../../../core/base/ports.js';
import { openHead } from '../../../core/log/head-codec.js';
import { headKey, sealHead, sealEntry } from '../../../core/log/index.js';
import type { Head, SegmentEntry } from '../../../core/log/index.js';
import { headCopyKey, slotKey } from '../../../core/log/layout.js';
import { decodeFooter, encodeFooter, footerOffset } from '../../../core/segment/footer.js';
import type { Footer, SegmentSection } from '../../../core/segment/footer.js';
import { portableDeflate } from '../../../core/segment/index.js';
import { memoryStore } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { digests } from '../../log/fixture.js';
import { rightChecksums } from '../../segment/right-checksums.js';
import { seededRandom, TestClock } from '../fixture.js';

export const DIMENSION = 8;
/** Enough for a graph. */
const ROWS = 2_100;

export interface World {
  readonly clock: TestClock;
  readonly store: ObjectStore;
  readonly openAgain: (options?: OpenOptions) => Promise<Database>;
}

let worlds = 0;

/** Time passes only where somebody waits for it. */
export function newWorld(wrap: (store: ObjectStore) => ObjectStore = (store) => store): World {
  const clock = new TestClock();
  const store = wrap(memoryStore({ clock }));
  const random = seededRandom(++worlds);
  // A time limit, which has a signal, is not waited for.
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    if (signal !== undefined && ms !== limits.fenceMs) return await new Promise(() => {});
    clock.advance(ms);
  };
  return {
    clock,
    store,
    openAgain: (options = {}) => open('memory:', { clock, store, random, sleep, ...options }),
  };
}

export function vectorOf(x: number): number[] {
  return Array.from({ length: DIMENSION }, (_, i) => ((x * 31 + i * 17) % 97) / 10 + 1);
}

export function recordsOf(prefix: string, from: number, count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const id = `${prefix}${String(n).padStart(4, '0')}`;
    const metadata = { n, tag: n % 3 === 0 ? 'a' : ['b', 'c'], text: `${'long '.repeat(n % 12)}${n}` };
    return { id, vector: vectorOf(n), ...(n % 7 === 0 ? {} : { metadata }) };
  });
}

/** Folds it all, so that a second segment lies over the first. */
export async function fillPapers(papers: Collection, rows: number = ROWS): Promise<void> {
  await papers.upsert(recordsOf('p', 0, rows) as never);
  await papers.compact();
  await papers.upsert([...recordsOf('p', 0, 20), ...recordsOf('q', 0, 20)] as never);
  await papers.delete({ ids: ['p0100'], soft: true });
  await papers.delete({ ids: ['p0200'] });
  await papers.compact();
}

async function makeImage(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { store, openAgain } = newWorld();
  const db = await openAgain();
  const papers = await db.createCollection('papers', { dimension: DIMENSION, metric: 'cosine' });
  await fillPapers(papers);
  await papers.upsert(recordsOf('r', 0, 5) as never);
  await papers.patch({ records: [{ id: 'r0001', metadata: { n: -1 } }] });
  await papers.delete({ ids: ['r0002', 'p0300'] });
  await papers.upsert([{ id: 'late', vector: vectorOf(1), expiresAt: '2030-01-01T00:00:00Z' }]);
  const notes = await db.createCollection('notes', { dimension: 2, metric: 'dot' });
  await notes.upsert([{ id: 'a', vector: [1, 2] }]);
  await db.close();
  const objects = new Map<string, Uint8Array>();
  for (const { key } of await store.list('')) {
    const got = await store.get(key);
    if (got.status === 'found') objects.set(key, got.bytes);
  }
  return objects;
}

let image: Promise<ReadonlyMap<string, Uint8Array>> | undefined;

/** Changes bytes before the footer, and says what else the footer is to say. */
type Forgery = (bytes: Uint8Array, sectionOf: (kind: string) => SegmentSection) => Partial<Footer> | void;

export class Scene {
  readonly world: World;
  readonly papers: Uid;
  readonly notes: Uid;

  private constructor(world: World, uids: { readonly papers: Uid; readonly notes: Uid }) {
    this.world = world;
    this.papers = uids.papers;
    this.notes = uids.notes;
  }

  static async make(): Promise<Scene> {
    image ??= makeImage();
    const world = newWorld();
    const uids = { papers: '' as Uid, notes: '' as Uid };
    for (const [key, bytes] of await image) {
      await world.store.put(key, bytes, { if: 'any' });
      if (!key.endsWith('/head')) continue;
      const uid = key.split('/')[1] as Uid;
      uids[openHead(digests, uid, bytes).name as 'papers' | 'notes'] = uid;
    }
    return new Scene(world, uids);
  }

  async scrub(options: ScrubOptions = {}, how: OpenOptions = {}): Promise<ScrubResult> {
    const db = await this.world.openAgain(how);
    try {
      return await db.scrub(options);
    } finally {
      await db.close();
    }
  }

  /** Every finding as its code and its key, in no order: `papers/` stands for that collection's prefix. */
  async found(options: ScrubOptions = {}, how: OpenOptions = {}): Promise<readonly string[]> {
    return this.shown(await this.scrub(options, how));
  }

  shown(result: ScrubResult): readonly string[] {
    const all = [...result.findings, ...result.collections.flatMap(({ findings }) => findings)];
    return all
      .map(({ code, key, repaired }) => `${code} ${this.short(key)}${repaired === true ? ' repaired' : ''}`)
      .sort();
  }

  get ports(): Ports {
    const { clock } = this.world;
    const sleep = (): Promise<void> => Promise.resolve();
    return { clock, sleep, random: seededRandom(3), digests, deflate: portableDeflate };
  }

  short(key: string): string {
    return key
      .replace(`c/${this.papers}/`, 'papers/')
      .replace(`c/${this.notes}/`, 'notes/')
      .replace(`catalog/${'0'.repeat(32)}/`, 'catalog/');
  }

  entry(name: string): string {
    return `catalog/${'0'.repeat(32)}/${Buffer.from(name).toString('hex')}`;
  }

  slot(seq: number): string {
    return slotKey(this.papers, sequence(seq));
  }

  copy(version: number): string {
    return headCopyKey(this.papers, headVersion(version));
  }

  async bytes(key: string): Promise<Uint8Array> {
    const got = await this.world.store.get(key);
    if (got.status !== 'found') throw new Error(`no object ${key}`);
    return got.bytes;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.world.store.put(key, bytes, { if: 'any' });
  }

  async remove(key: string): Promise<void> {
    await this.world.store.delete([key]);
  }

  async flip(key: string, share = 0.5): Promise<void> {
    const bytes = await this.bytes(key);
    bytes[Math.floor(share * (bytes.length - 1))]! ^= 16;
    await this.put(key, bytes);
  }

  async swap(one: string, other: string): Promise<void> {
    const [first, second] = [await this.bytes(one), await this.bytes(other)];
    await this.put(one, second);
    await this.put(other, first);
  }

  async head(uid: Uid = this.papers): Promise<Head> {
    return openHead(digests, uid, await this.bytes(headKey(uid)));
  }

  /** The head, otherwise than it was, under the same version. */
  async forgeHead(edit: (head: Head) => Partial<Head>): Promise<void> {
    const head = await this.head();
    await this.put(headKey(this.papers), sealHead(digests, { ...head, ...edit(head) }));
  }

  async forgeEntry(name: string, uid: Uid | null): Promise<void> {
    const key = this.entry(name);
    await this.put(key, sealEntry({ digests, random: seededRandom(7) }, key, { name, uid }));
  }

  async numbersOf(key: string): Promise<Readonly<Record<string, number>>> {
    const bytes = await this.bytes(key);
    const at = footerOffset(key, bytes, 0);
    return decodeFooter(digests, { key, offset: at }, bytes.slice(at)).text.numbers;
  }

  async forgeSegment(which: number, edit: Forgery): Promise<SegmentEntry> {
    const entry = (await this.head()).segments[which]!;
    const bytes = await this.bytes(entry.key);
    const sealed = resealed(entry.key, bytes, edit);
    await this.put(entry.key, sealed.bytes);
    await this.forgeHead(({ segments }) => ({
      segments: segments.map((one, i) => (i === which ? { ...one, footerSha256: sealed.sha256 } : one)),
    }));
    return entry;
  }
}

/** A segment of which something is changed and every checksum is right again. */
function resealed(
  key: string,
  intact: Uint8Array,
  edit: Forgery,
): { readonly bytes: Uint8Array; readonly sha256: string } {
  const bytes = intact.slice();
  const at = footerOffset(key, bytes, 0);
  const footer = decodeFooter(digests, { key, offset: at }, bytes.slice(at));
  const edited = edit(bytes, (kind) => footer.sections.find((section) => section.kind === kind)!) ?? {};
  const pageChecksums = rightChecksums(bytes.subarray(0, at), footer.sections);
  const sealed = encodeFooter(digests, { key, offset: at }, { ...footer, ...edited, pageChecksums });
  bytes.set(sealed, at);
  return { bytes, sha256: bytesToHex(digests.sha256(sealed)) };
}
