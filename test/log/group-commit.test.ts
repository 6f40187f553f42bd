/**
 * Writes that share slots, and batches that are too large for one. Strategy: hundreds of writes at once in one process,
 * some of them failing in their own ways; contents around the limit of a slot; objects of their own put under names
 * that a slot must not refer to.
 *
 * Held here: a batch is seen whole or not at all (14), one effect per key (11).
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits, tierLimits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import { newObject, seal } from '../../core/base/sealed-object.js';
import { batchKey, collectionPrefix } from '../../core/log/layout.js';
import { prepareBatch } from '../../core/log/pending-write.js';
import type { SlotBatch } from '../../core/log/slot-codec.js';
import { CHAIN_START } from '../../core/log/slot-codec.js';
import { digests, errorOf, LogWorld, oneUpserted, requestHashOf, slotBatch, upsertBatch } from './fixture.js';

const slotPuts = (world: LogWorld): number =>
  world.bucket.trace.filter(({ op, key }) => op === 'put' && key.includes('/log/')).length;

describe('group commit', () => {
  it('takes 1,000 writes at once in slots of 256, and answers each with its own', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    const answers = await world.run(
      Promise.all(Array.from({ length: 1_000 }, (_, i) => a.write(`x${i}`, { value: i }))),
    );
    // The first had no one to share with; the others wait for it.
    expect(slotPuts(world)).toBe(1 + Math.ceil(999 / limits.keysPerSlot));
    const effects = await world.run(world.process('judge').read());
    expect(effects).toHaveLength(1_000);
    const seqs = new Map(effects.map(({ id, seq }) => [id, seq]));
    answers.forEach(({ sequence: seq }, i) => expect(seqs.get(`x${i}`)).toBe(seq));
  });

  it('lets one write fail without the others', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    const first = a.write('first');
    const failing = a.committer.commit({
      plan: {
        resolve: () => {
          throw new CairnError('conflict', 'sequence_moved', 'no');
        },
      },
      key: 'bad',
      requestHash: requestHashOf('bad', {}),
      firstTail: undefined,
      timeoutMs: 1_000,
    });
    const others = Promise.all([a.write('n', { increment: true }), a.write('n', { increment: true })]);
    const [error, [x, y]] = await world.run(Promise.all([errorOf(failing), others, first]));
    expect(error.code).toBe('sequence_moved');
    expect([x.sequence, y.sequence]).toEqual([2, 2]);
    expect((await world.run(a.read())).map(({ id, value }) => `${id}=${value}`)).toEqual([
      'first=1',
      'n=1',
      'n=2',
    ]);
  });

  it('with a key twice in the queue writes it once', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    const calls = ['p', 'k', 'k', 'q', 'k'].map((key) => a.write(key, { key }));
    const [p, ...rest] = (await world.run(Promise.all(calls))).map(({ sequence: seq }) => seq);
    expect([p, ...rest]).toEqual([1, 2, 2, 2, 2]);
    expect(await world.run(a.read())).toHaveLength(3);
  });

  it('gives up on nobody but those whose time is over', async () => {
    const world = await new LogWorld().start();
    const a = world.process('a');
    await world.run(a.read());
    world.bucket.script = ({ op, key, nth }) =>
      op === 'put' && key.includes('/log/') && nth < 8 ? { put: 'lost' } : undefined;
    const first = a.write('w', { timeoutMs: 60_000 });
    const short = errorOf(a.write('x', { timeoutMs: 50 }));
    const long = a.write('y', { timeoutMs: 60_000 });
    const [error, y] = await world.run(Promise.all([short, long, first]));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'not_applied' });
    expect(y.sequence).toBe(2);
    expect((await world.run(a.read())).map(({ id }) => id)).toEqual(['w', 'y']);
  });

  it('stops at the limit of the unfolded log, by name and number', async () => {
    const world = await new LogWorld().start();
    const { schema } = await world.head();
    await world.forceHead({ schema: { ...schema, tier: 'edge' } });
    const a = world.process('a');
    const metadata = JSON.stringify('m'.repeat(60_000));
    const ids = Array.from({ length: 300 }, (_, i) => `x${i}`);
    const ends = await world.run(Promise.allSettled(ids.map((id) => a.write(id, { metadata }))));
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as CairnError] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) {
      expect(error).toMatchObject({ kind: 'quota', code: 'log_too_long', outcome: 'not_applied' });
      expect(error.details).toMatchObject({ limit: 'log_bytes', maximum: tierLimits.edge.logBytes });
    }
    expect(await world.run(a.read())).toHaveLength(300 - refused.length);
  });
});

/** An upsert whose metadata makes its content as long as asked. */
const filled = (bytes: number): string => JSON.stringify('m'.repeat(bytes));

describe('a batch too large for its slot', () => {
  const large = (world: LogWorld, name: string, key: string) => {
    // Not one long metadata, which a batch may not have, but many records.
    const rows = 140;
    const batch = {
      kinds: new Uint8Array(rows),
      ids: Array.from({ length: rows }, (_, i) => `${key}-${i}`),
      dimension: 1,
      vectors: Float32Array.from({ length: rows }, (_, i) => i),
      metadata: Array.from({ length: rows }, () => filled(65_000)),
      expiresMs: undefined,
    };
    const prepared = prepareBatch(digests, batch, { ...oneUpserted, upserted: rows });
    expect(prepared.content.length).toBeGreaterThan(limits.inlineBatchBytes);
    const process = world.process(name);
    const commit = () =>
      process.committer.commit({
        plan: { prepared },
        key,
        requestHash: requestHashOf(key, {}),
        firstTail: undefined,
        timeoutMs: 30_000,
      });
    return { process, commit };
  };

  it('goes into an object of its own, and is read from there', async () => {
    const world = await new LogWorld().start();
    const { process, commit } = large(world, 'a', 'k');
    expect(await world.run(commit())).toMatchObject({ sequence: 1, counts: { upserted: 140 } });
    const [blob] = await world.bucket.truth.list(`${collectionPrefix(world.uid)}batch/`);
    expect(blob!.size).toBeGreaterThan(limits.inlineBatchBytes);
    for (const reader of [process, world.process('b')]) {
      expect((await world.run(reader.read())).map(({ value }) => value)).toEqual(
        Array.from({ length: 140 }, (_, i) => i),
      );
    }
    const bytes = process.log.state?.unfolded.bytes;
    expect(bytes).toBeGreaterThan(limits.inlineBatchBytes);
  });

  it.each(['lost', 'landed', 'not_applied'] as const)(
    'is not applied where its object is %s',
    async (put) => {
      const world = await new LogWorld().start();
      const { commit } = large(world, 'a', 'k');
      world.bucket.script = ({ op, key }) => (op === 'put' && key.includes('/batch/') ? { put } : undefined);
      const error = await errorOf(world.run(commit()));
      expect(error.outcome).toBe('not_applied');
      expect(await world.run(world.process('judge').read())).toEqual([]);
    },
  );

  it('is put once, however many slots it loses', async () => {
    const world = await new LogWorld().start();
    const { process, commit } = large(world, 'a', 'k');
    await world.run(process.read());
    const rival = world.process('b');
    let lost = 0;
    world.bucket.script = async ({ process: name, op, key }) => {
      if (name === 'a' && op === 'put' && key.includes('/log/') && lost < 3) {
        lost++;
        await rival.write(`rival ${lost}`);
      }
      return undefined;
    };
    expect(await world.run(commit())).toMatchObject({ sequence: 4 });
    expect(await world.bucket.truth.list(`${collectionPrefix(world.uid)}batch/`)).toHaveLength(1);
    expect(await world.run(world.process('judge').read())).toHaveLength(143);
  });

  it('that takes long does not carry along who gave up meanwhile', async () => {
    const world = await new LogWorld().start();
    const { process, commit } = large(world, 'a', 'k');
    await world.run(process.read());
    world.bucket.script = ({ op, key }) =>
      op === 'put' && key.includes('/batch/') ? { slow: 10_000 } : undefined;
    const first = process.write('first');
    const short = errorOf(process.write('x', { timeoutMs: 5_000 }));
    const [error, committed] = await world.run(Promise.all([short, commit(), first]));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'not_applied' });
    expect(committed.sequence).toBe(2);
    expect((await world.run(process.read())).some(({ id }) => id === 'x')).toBe(false);
  });

  it('that is damaged, exchanged or missing is a corrupt error naming its object', async () => {
    const world = await new LogWorld().start();
    const { commit } = large(world, 'a', 'k');
    await world.run(commit());
    const [blob] = await world.bucket.truth.list(`${collectionPrefix(world.uid)}batch/`);
    const key = blob!.key;
    for (const get of ['flipped', 'truncated', 'absent'] as const) {
      world.bucket.script = (request) => (request.op === 'get' && request.key === key ? { get } : undefined);
      const error = await errorOf(world.run(world.process(get).read()));
      expect(error).toMatchObject({ kind: 'corrupt', details: { key } });
    }
    // A sound object of this very key with another content.
    const { content } = prepareBatch(digests, upsertBatch('other', 1), oneUpserted);
    const object = newObject(content.length);
    object.body.set(content);
    await world.bucket.truth.put(key, seal(digests, { kind: 'BAT', key }, object), { if: 'any' });
    world.bucket.script = () => undefined;
    const error = await errorOf(world.run(world.process('other').read()));
    expect(error).toMatchObject({ kind: 'corrupt', details: { key } });
  });

  it('that a collector took away under a slow reader is no corruption', async () => {
    const world = await new LogWorld().start();
    const { commit } = large(world, 'a', 'k');
    await world.run(commit());
    const [blob] = await world.bucket.truth.list(`${collectionPrefix(world.uid)}batch/`);
    let gone = false;
    world.bucket.script = async ({ process, op, key }) => {
      if (process !== 'b' || op !== 'get' || key !== blob!.key || gone) return undefined;
      gone = true;
      await world.forceHead({ state: 'dropped' });
      await world.bucket.truth.delete([key]);
      return undefined;
    };
    expect(await errorOf(world.run(world.process('b').read()))).toMatchObject({ code: 'collection_gone' });
  });

  it('that a collector took away below the floor sends a slow reader to the head', async () => {
    const world = await new LogWorld().start();
    const { process, commit } = large(world, 'a', 'k');
    await world.run(commit());
    const { chain } = process.log.state!;
    const [blob] = await world.bucket.truth.list(`${collectionPrefix(world.uid)}batch/`);
    let gone = false;
    world.bucket.script = async ({ process: name, op, key }) => {
      if (name !== 'b' || op !== 'get' || key !== blob!.key || gone) return undefined;
      gone = true;
      await world.forceHead({ foldedSeq: sequence(1), foldedChain: chain, gcFloor: sequence(1) });
      await world.bucket.truth.delete([key]);
      return undefined;
    };
    const b = world.process('b');
    expect(await world.run(b.read())).toEqual([]);
    expect(b.log.state?.position.seq).toBe(1);
  });

  it('counts only in the 256 slots after the tail that its name tells', async () => {
    const uuid = '11111111-2222-4333-8444-555555555555';
    const { content, contentSha } = prepareBatch(digests, upsertBatch('far', 1), oneUpserted);
    for (const { after, seq, counts } of [
      { after: 0, seq: 1, counts: true },
      { after: 0, seq: limits.eligibleSlots, counts: true },
      { after: 0, seq: limits.eligibleSlots + 1, counts: false },
      { after: 3, seq: 3, counts: false },
      { after: 4, seq: 3, counts: false },
    ]) {
      const world = await new LogWorld().start();
      const key = batchKey(world.uid, sequence(after), uuid);
      const object = newObject(content.length);
      object.body.set(content);
      await world.bucket.truth.put(key, seal(digests, { kind: 'BAT', key }, object), { if: 'any' });
      const chain = seq === 1 ? CHAIN_START : (await world.fill(seq - 1)).at(-1)!.chain;
      const named: SlotBatch = {
        ...slotBatch('far', upsertBatch('far', 1)),
        contentSha,
        content: { after: sequence(after), uuid, bytes: content.length },
      };
      await world.forceSlot(seq, chain, [named]);
      const read = world.run(world.process('judge').read());
      if (counts) expect((await read).at(-1)?.id).toBe('far');
      else expect((await errorOf(read)).kind).toBe('corrupt');
    }
  });
});
