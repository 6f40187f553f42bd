/** Live collections with heads, slots and outputs of jobs put into the bucket by force, for tests of what is collected. */
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { segmentKey, sealHead, headKey, tryReadHead, windowKey } from '../../core/log/index.js';
import type { Head, HeadEdit, SegmentEntry } from '../../core/log/index.js';
import { batchKey, headCopyKey, slotKey } from '../../core/log/layout.js';
import { digests } from '../log/fixture.js';
import type { CatalogProcess, CatalogWorld } from './catalog-world.js';
import { portableDeflate } from '../../core/segment/index.js';

const SHA = 'a'.repeat(64);
const UUID = '12345678-1234-4234-8234-123456789abc';

export const nonceOf = (digit: string): string => digit.repeat(32);

export class LiveCollection {
  readonly #world: CatalogWorld;
  head: Head;

  constructor(world: CatalogWorld, head: Head) {
    this.#world = world;
    this.head = head;
  }

  static async create(
    world: CatalogWorld,
    { catalog }: CatalogProcess,
    name = 'papers',
  ): Promise<LiveCollection> {
    return new LiveCollection(world, (await world.run(catalog.create(name, world.schema))).head);
  }

  get uid(): Uid {
    return this.head.uid;
  }

  /** The next version of the head, as a swap would leave it: with a copy of the one before. */
  async swap(edit: HeadEdit): Promise<void> {
    const before = await this.current();
    await this.put(headCopyKey(this.uid, before.version), sealHead(digests, before));
    this.head = { ...before, ...edit, version: headVersion(before.version + 1) };
    await this.put(headKey(this.uid), sealHead(digests, this.head));
  }

  /** Folded up to `seq` by the job of that digit, into one segment and a window. */
  async fold(seq: number, digit: string): Promise<void> {
    const [segment, window] = [this.segment(digit), windowKey(this.uid, nonceOf(digit))];
    for (const key of [segment.key, window]) await this.put(key);
    await this.swap({
      foldedSeq: sequence(seq),
      segments: [segment],
      window: { key: window, sha256: SHA, bytes: 10 },
    });
  }

  segment(digit: string): SegmentEntry {
    const key = segmentKey(this.uid, nonceOf(digit), 0);
    const sizes = { bytes: 10, tailBytes: 10, residentBytes: 10, rows: 1, live: 1 };
    return { key, ...sizes, footerSha256: SHA, graph: false };
  }

  slot = (seq: number): string => slotKey(this.uid, sequence(seq));
  copy = (version: number): string => headCopyKey(this.uid, headVersion(version));
  batch = (after: number): string => batchKey(this.uid, sequence(after), UUID);
  inbox = (after: number): string => this.batch(after).replace('/batch/', '/inbox/');

  async slots(from: number, to: number): Promise<void> {
    for (let seq = from; seq <= to; seq++) await this.put(this.slot(seq));
  }

  async put(key: string, bytes: Uint8Array = new Uint8Array(10)): Promise<void> {
    await this.#world.bucket.truth.put(key, bytes, { if: 'any' });
  }

  async current(): Promise<Head> {
    const { clock } = this.#world.time;
    const ports = {
      clock,
      sleep: this.#world.time.sleep,
      random: this.#world.chance,
      digests,
      deflate: portableDeflate,
    };
    return (await tryReadHead({ store: this.#world.bucket.truth, ports, uid: this.uid }))!.head;
  }

  /** What is there of the collection but its head. */
  async keys(): Promise<string[]> {
    return (await this.#world.keys(`c/${this.uid}/`)).filter((key) => key !== headKey(this.uid));
  }
}
