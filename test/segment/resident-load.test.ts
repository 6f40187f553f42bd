/**
 * The load of a resident part: it goes on where it stood, requests share what has arrived and no promise, nothing is
 * written where it must not be.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { LoadRoom } from '../../core/segment/index.js';
import type { SegmentReader } from '../../core/segment/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { digests, newStore, openSegment, plainRows, writeSegment } from './fixture.js';

const CHUNK = limits.residentChunkBytesMin;
const codes = new Uint8Array(4 * CHUNK + 50_000).map((_, at) => (at * 7) >> 3);

interface HeldRequest {
  readonly offset: number;
  readonly into: Uint8Array | undefined;
  readonly go: (damage?: boolean) => void;
}

/** A segment of five chunks, and a store that holds each request until it is let go. */
async function heldSegment(): Promise<{
  readonly reader: SegmentReader;
  readonly requests: HeldRequest[];
}> {
  const inner = newStore();
  const ref = await writeSegment(inner, plainRows(10), {
    residents: [{ kind: 'codes', bytes: codes, count: codes.length }],
  });
  const requests: HeldRequest[] = [];
  let holding = false;
  const store: ObjectStore = {
    ...inner,
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      if (!holding) return answer;
      const damage = await new Promise<boolean>((resolve) => {
        const { range, into } = options!;
        requests.push({ offset: range!.offset, into, go: (bad = false) => resolve(bad) });
      });
      if (damage && answer.status === 'found') answer.bytes[77]! ^= 1;
      return answer;
    },
  };
  const reader = await openSegment(store, ref);
  holding = true;
  return { reader, requests };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

function expectCodes(reader: SegmentReader, target: Uint8Array): void {
  const { offset, length } = reader.residentSections[0]!;
  expect(Buffer.compare(target.subarray(offset, offset + length), codes)).toBe(0);
}

describe('a resident load', () => {
  test('takes each chunk once where one request loads, in any order of arrival', async () => {
    const { reader, requests } = await heldSegment();
    const target = new Uint8Array(reader.residentBytes);
    const load = reader.residentLoad(target);
    const loading = load.fetchMissing();
    await turns();
    expect(requests).toHaveLength(5);
    for (const { go } of requests.toReversed()) go();
    await loading;
    expect(requests).toHaveLength(5);
    expect(load.complete).toBe(true);
    expectCodes(reader, target);
    await load.fetchMissing();
    expect(requests).toHaveLength(5);
  });

  test('is shared by two requests, of which each ends by itself though the other hangs', async () => {
    const { reader, requests } = await heldSegment();
    const target = new Uint8Array(reader.residentBytes);
    const load = reader.residentLoad(target);
    void load.fetchMissing();
    await turns();
    expect(requests).toHaveLength(5);
    // The first two arrive for the first request; the rest of its answers never come.
    requests[0]!.go();
    requests[1]!.go();
    await turns();
    const second = load.fetchMissing();
    await turns();
    expect(requests.slice(5).map(({ offset }) => offset)).toEqual(
      requests.slice(2, 5).map(({ offset }) => offset),
    );
    for (const { go } of requests.slice(5)) go();
    await second;
    expect(load.complete).toBe(true);
    expectCodes(reader, target);
    // A damaged answer that comes late changes nothing.
    requests[2]!.go(true);
    await turns();
    expectCodes(reader, target);
  });

  test('starts with what nobody else is fetching', async () => {
    const { reader, requests } = await heldSegment();
    const load = reader.residentLoad(new Uint8Array(reader.residentBytes));
    const first = load.fetchMissing();
    await turns();
    for (const { go } of requests.slice(0, 4)) go();
    await turns();
    const second = load.fetchMissing();
    await turns();
    expect(requests).toHaveLength(6);
    requests[5]!.go();
    await second;
    expect(load.complete).toBe(true);
    requests[4]!.go();
    await first;
  });

  test('keeps what arrived when a chunk was damaged, and goes on from there', async () => {
    const { reader, requests } = await heldSegment();
    const target = new Uint8Array(reader.residentBytes);
    const load = reader.residentLoad(target);
    const loading = load.fetchMissing();
    await turns();
    for (const [at, { go }] of requests.entries()) go(at === 3);
    await expect(loading).rejects.toMatchObject({ kind: 'corrupt' });
    expect(load.complete).toBe(false);
    const again = load.fetchMissing();
    await turns();
    expect(requests.slice(5).map(({ offset }) => offset)).toEqual([requests[3]!.offset]);
    requests[5]!.go();
    await again;
    expect(load.complete).toBe(true);
    expectCodes(reader, target);
  });

  test('writes nothing once it is abandoned: the memory may be somebody else’s', async () => {
    const { reader, requests } = await heldSegment();
    const target = new Uint8Array(reader.residentBytes);
    const load = reader.residentLoad(target);
    const loading = load.fetchMissing();
    await turns();
    load.abandon();
    target.fill(9);
    for (const { go } of requests) go();
    await loading;
    expect(load.complete).toBe(false);
    expect(target.every((byte) => byte === 9)).toBe(true);
    await load.fetchMissing();
    expect(requests).toHaveLength(5);
  });

  test('has no more buffers than there is room for, of all requests, and waits for those of others', async () => {
    const { reader, requests } = await heldSegment();
    const target = new Uint8Array(reader.residentBytes);
    const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
    const sleep = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
    };
    const room = new LoadRoom({ bytes: 2 * CHUNK, clock, sleep });
    const load = reader.residentLoad(target, { room });
    const loading = [load.fetchMissing(), load.fetchMissing(), load.fetchMissing()];
    await turns();
    expect(requests).toHaveLength(2);
    // The host has ended those who had the room, and nobody gives it back.
    clock.nowMs += limits.placeLostMs + 1;
    await sleep();
    expect(requests).toHaveLength(4);
    while (!load.complete) {
      for (const { go } of requests.slice(2)) go();
      await sleep();
    }
    for (const { go } of requests) go();
    await Promise.all(loading);
    expectCodes(reader, target);
  });

  test('fails where room does not come', async () => {
    const { reader } = await heldSegment();
    const clock = { monotonicMs: () => 0 };
    const room = new LoadRoom({ bytes: CHUNK, clock, sleep: () => Promise.resolve() });
    room.tryTake(CHUNK);
    const load = reader.residentLoad(new Uint8Array(reader.residentBytes), { room });
    await expect(load.fetchMissing()).rejects.toMatchObject({ kind: 'unavailable', code: 'read_contended' });
  });

  test('lends its target where nobody else loads, and only there', async () => {
    for (const alone of [true, false]) {
      const { reader, requests } = await heldSegment();
      const target = new Uint8Array(reader.residentBytes);
      const load = reader.residentLoad(target, { alone });
      const loading = load.fetchMissing();
      await turns();
      expect(requests.every(({ into }) => (into?.buffer === target.buffer) === alone)).toBe(true);
      for (const { go } of requests) go();
      await loading;
      expect(load.complete).toBe(true);
      expectCodes(reader, target);
    }
  });

  test('is checked where it lies, by who knows how', async () => {
    const { reader, requests } = await heldSegment();
    const memory = new Uint8Array(reader.residentBytes + 64);
    const target = memory.subarray(64);
    const seen: number[] = [];
    const load = reader.residentLoad(target, {
      crc32cPages: (bytes, pageBytes) => {
        expect(bytes.buffer).toBe(memory.buffer);
        seen.push(bytes.byteOffset - 64);
        return digests.crc32cPages(bytes, pageBytes);
      },
    });
    const loading = load.fetchMissing();
    await turns();
    for (const { go } of requests) go();
    await loading;
    expect(seen).toEqual([0, CHUNK, 2 * CHUNK, 3 * CHUNK, 4 * CHUNK]);
    expectCodes(reader, target);
    expect(() => reader.residentLoad(memory)).toThrow('for the resident part');
  });

  test('is cut into as many pieces as are read at a time, of 2 to 4 MiB', async () => {
    const { reader, requests } = await heldSegment();
    for (const [parallel, pieces] of [
      [1, 3],
      [2, 3],
      [3, 3],
      [96, 5],
    ] as const) {
      requests.length = 0;
      const loading = reader.residentLoad(new Uint8Array(reader.residentBytes), { parallel }).fetchMissing();
      for (let go = 0; go < pieces; go++) {
        await turns();
        expect(requests.length).toBe(Math.min(pieces, go + parallel));
        requests[go]!.go();
      }
      await loading;
      const offsets = requests.map(({ offset }) => offset).sort((a, b) => a - b);
      for (let at = 1; at < pieces; at++) {
        const bytes = offsets[at]! - offsets[at - 1]!;
        expect(bytes).toBeGreaterThanOrEqual(CHUNK);
        expect(bytes).toBeLessThanOrEqual(limits.segmentChunkBytes);
      }
    }
  });
});
