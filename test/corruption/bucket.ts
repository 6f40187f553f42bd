/**
 * A small bucket with every kind of object: two collections of the same shape, names of records included, so that the bytes
 * of one in the place of the other's would make an answer that looks right. Both have a segment with a graph and one without,
 * deletions, a window, slots of which one names a batch of its own and one is a restore, a batch that waits, heads and copies of heads, and a
 * hint. Of one the fence was raised, and what lies below it is gone.
 */
import type { Collection, RecordInput } from '../../core/index.js';
import { emptyBatch, NO_COUNTS, prepareBatch, tryReadHead, workKey } from '../../core/log/index.js';
import { leaveInInbox } from '../../core/log/inbox.js';
import { hashKey } from '../../core/log/pending-write.js';
import { listTail } from '../../core/log/log-reader.js';
import type { LogContext } from '../../core/log/index.js';
import type { Uid } from '../../core/base/ids.js';
import { memoryStore } from '../../core/store/index.js';
import { withLimits } from '../small-limits.js';
import { digests, FreshProcess } from './fresh-process.js';
import { imageOf } from './image.js';
import type { Image } from './image.js';

export const NOW_MS = 1_767_225_600_000;
const DIMENSION = 4;
const YEAR_MS = 31_536_000_000;

export type Name = 'notes' | 'papers';
export const names: readonly Name[] = ['notes', 'papers'];

/** So small that a few rows are a graph, and a few records a batch of their own. */
const SMALL = { flatRows: 16, inlineBatchBytes: 1_200, indexInTailBytes: 64 };

export interface Bucket {
  readonly image: Image;
  /** As it was before the newest slot of each collection. */
  readonly before: Image;
  readonly uids: Readonly<Record<Name, Uid>>;
}

/** Of both collections the same id, of neither the same record. */
export function recordOf(name: Name, id: string, n: number): RecordInput {
  const of = name === 'papers' ? 1 : -1;
  return {
    id,
    vector: Array.from({ length: DIMENSION }, (_, d) => of * (((n * 7 + d * 13) % 17) + 1 / (n + 2))),
    metadata: { n, of: name, tags: [`t${n % 3}`, n % 2], text: `${name} ${'word '.repeat(n % 4)}${n}` },
    ...(n % 9 === 0 ? { expiresAt: new Date(NOW_MS + YEAR_MS + n).toISOString() } : {}),
  };
}

export function records(name: Name, prefix: string, numbers: readonly number[]): readonly RecordInput[] {
  return numbers.map((n) => recordOf(name, `${prefix}${String(n).padStart(2, '0')}`, n));
}

export const upTo = (count: number, from = 0): readonly number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** Everything but the last write. */
async function fill(c: Collection, name: Name, collect: () => Promise<unknown>): Promise<void> {
  await c.upsert(records(name, 'r', upTo(20)), { idempotencyKey: 'first' });
  await c.compact();
  await c.upsert(records(name, 's', upTo(6, 50)));
  await c.upsert(records(name, 'r', [5, 6]));
  await c.delete({ ids: ['r01', 'r02'] });
  await c.delete({ ids: ['r03'], soft: true });
  await c.compact({ minor: true });
  await collect();
  await c.upsert(records(name, 'b', upTo(14, 60)), { idempotencyKey: 'large' });
  const { sequence } = await c.patch({ records: [{ id: 'r10', metadata: { n: 110 } }] });
  await c.upsert(records(name, 'u', [80]));
  await c.restoreTo({ asOf: sequence });
  await c.delete({ ids: ['s51'], soft: true });
}

/** A batch whose writer lost the race for the next slot: whoever writes that one carries it. */
async function leaveWaiting(context: LogContext): Promise<void> {
  const batch = {
    ...emptyBatch(DIMENSION),
    kinds: new Uint8Array(1),
    ids: ['waiting'],
    vectors: Float32Array.of(1, 2, 3, 4),
    metadata: ['{"n":77,"of":"the inbox"}'],
  };
  const { content, contentSha } = prepareBatch(digests, batch, NO_COUNTS);
  const waits = {
    keyHash: hashKey(digests, 'waiting'),
    requestHash: 'ab'.repeat(32),
    ...{ contentSha, counts: { ...NO_COUNTS, upserted: 1 }, resolvedAt: undefined },
    content: { inline: content },
  };
  const after = await listTail(context);
  await leaveInInbox(context, { after, label: NOW_MS, batches: [waits] });
}

export async function makeBucket(): Promise<Bucket> {
  const store = memoryStore({ clock: { wallMs: () => NOW_MS } });
  const process = new FreshProcess(store, { nowMs: NOW_MS, seed: 7 });
  const { database, ports } = process;
  const uids: Partial<Record<Name, Uid>> = {};
  await withLimits(SMALL, async () => {
    for (const name of names) {
      const settings = {
        dimension: DIMENSION,
        metric: 'euclidean',
        index: { m: 4, efConstruction: 16 },
      } as const;
      const c = await database.createCollection(name, {
        ...settings,
        fields: { secret: { filterable: false } },
      });
      // Only of the first: of the other all that was ever written is still there.
      await fill(c, name, async () => (name === 'notes' ? await database.collect() : undefined));
      uids[name] = await uidOf(process, name);
    }
  });
  const before = await imageOf(store);
  for (const name of names)
    await database.collection(name).upsert([recordOf(name, 'z', 99)], { idempotencyKey: 'last' });
  for (const name of names) {
    const context = { store, ports, uid: uids[name]! };
    await leaveWaiting(context);
    await store.put(workKey(context.uid), new Uint8Array(0), { if: 'any' });
    mustBeRich((await tryReadHead(context))!.head.segments.map(({ graph }) => graph));
  }
  await process.end();
  return { image: await imageOf(store), before, uids: uids as Record<Name, Uid> };
}

function mustBeRich(graphs: readonly boolean[]): void {
  if (graphs.join() !== 'true,false') throw new Error(`segments with and without a graph: ${graphs.join()}`);
}

async function uidOf({ database }: FreshProcess, name: Name): Promise<Uid> {
  const { segments } = await database.collection(name).stats();
  return segments[0]!.key.split('/')[1] as Uid;
}

/** Kinds of objects, by where they lie. */
const kinds = [
  ['entry', /^catalog\//],
  ['head', /\/(?:head$|heads\/)/],
  ['root', /\/root$/],
  ['slot', /\/log\//],
  ['batch', /\/batch\//],
  ['inbox', /\/inbox\//],
  ['segment', /\.seg$/],
  ['deletions', /\.del$/],
  ['window', /\.win$/],
  ['hint', /^work\//],
] as const;

export type ObjectKind = (typeof kinds)[number][0];

export function kindOf(key: string): ObjectKind {
  const found = kinds.find(([, pattern]) => pattern.test(key));
  if (found === undefined) throw new Error(`an object of no kind that this knows: ${key}`);
  return found[0];
}

/** Whose object it is. */
export function ownerOf({ uids }: Bucket, key: string): Name {
  const owner = names.find(
    (name) => key.includes(uids[name]) || key.endsWith(Buffer.from(name).toString('hex')),
  );
  if (owner === undefined) throw new Error(`nobody's object: ${key}`);
  return owner;
}

export function newestSlotOf({ image, uids }: Bucket, name: Name): string {
  return [...image.keys()].find((key) => key.startsWith(`c/${uids[name]}/log/`))!;
}
