/**
 * Heads from a hostile bucket: sealed as they should be, with one field of segments, jobs, window or retention that is not.
 * Whatever it is, opening is a `corrupt` error that names the field; never another error, never a head.
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { newObject, openSealed, seal, sealJson } from '../../core/base/sealed-object.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import { deletionsKey, headKey, segmentKey, windowKey } from '../../core/log/layout.js';
import type { Uid } from '../../core/base/ids.js';
import { digests } from './fixture.js';
import { busyHead, nonceOf, uid } from './head-contents.js';

type Json = Record<string, unknown>;
const identity = { kind: 'HED', key: headKey(uid) } as const;
const other = 'f'.repeat(32) as Uid;

/** Opens the head with the field at `path` replaced, or removed where `value` is undefined. */
function opened(path: string, value: unknown): unknown {
  const body = openSealed(digests, identity, sealHead(digests, busyHead));
  const document = JSON.parse(new TextDecoder().decode(body)) as Json;
  const names = path.split('.');
  const last = names.pop()!;
  const target = names.reduce((object, name) => object[name] as Json, document);
  if (value === undefined) delete target[last];
  else target[last] = value;
  try {
    return openHead(digests, uid, sealJson(digests, identity, document, limits.headBytes));
  } catch (error) {
    return error;
  }
}

const counts = [-1, 0.5, '1', null, 2 ** 53, undefined];
const hashes = ['', 'AB'.repeat(32), 'ab'.repeat(31), 7, null, undefined];
const keys = [
  '',
  7,
  undefined,
  headKey(uid),
  `c/${uid}/seg/../head`,
  segmentKey(other, nonceOf('1'), 0),
  `${segmentKey(uid, nonceOf('1'), 0)}x`,
  segmentKey(uid, nonceOf('A'), 0),
  segmentKey(uid, 'ab', 0),
  `c/${uid}/seg/${nonceOf('1')}-00.seg`,
  `c/${uid}/seg/${nonceOf('1')}-1e3.seg`,
];
const objects = [null, 7, 'x', []];

describe('a head from a hostile bucket', () => {
  it.each(['[', '{"a":'])('is corrupt however deep it is, in a short message: %s', (open) => {
    const depth = 100_000;
    const text = open.repeat(depth) + '1' + (open === '[' ? ']' : '}').repeat(depth);
    const object = newObject(text.length);
    object.body.set(new TextEncoder().encode(text));
    const sealed = seal(digests, identity, object);
    let error: unknown;
    try {
      openHead(digests, uid, sealed);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'corrupt_object' });
    expect((error as CairnError).message.length).toBeLessThan(300);
  });

  it.each<{ path: string; values: readonly unknown[] }>([
    { path: 'retained_from', values: [...objects, undefined] },
    { path: 'retained_from.version', values: [0, 5, ...counts] },
    { path: 'retained_from.seq', values: counts },
    { path: 'segments', values: [{}, null, undefined, [1], Array(4_097).fill({})] },
    { path: 'segments.0', values: [...objects, {}] },
    {
      path: 'segments.0.key',
      values: [...keys, deletionsKey(uid, nonceOf('1'), 0), segmentKey(uid, nonceOf('1'), 1)],
    },
    { path: 'segments.0.bytes', values: [0, 10, ...counts] },
    { path: 'segments.0.tail_bytes', values: [0, 50_001, ...counts] },
    { path: 'segments.0.footer_sha256', values: hashes },
    { path: 'segments.0.rows', values: [0, 99, 2 ** 32, ...counts] },
    { path: 'segments.0.live', values: [99, 101, ...counts] },
    { path: 'segments.0.resident_bytes', values: [50_001, ...counts] },
    { path: 'segments.0.graph', values: [0, 'true', null, undefined] },
    { path: 'segments.1.deletions', values: [...objects, {}, undefined] },
    { path: 'segments.1.deletions.key', values: [...keys, segmentKey(uid, nonceOf('1'), 1)] },
    { path: 'segments.1.deletions.sha256', values: hashes },
    { path: 'segments.1.deletions.dead', values: [9, 2 ** 32, ...counts] },
    { path: 'segments.1.deletions.hidden', values: [91, ...counts] },
    { path: 'jobs', values: [{}, null, undefined, [1], Array(65).fill({})] },
    { path: 'jobs.0', values: [...objects, {}] },
    { path: 'jobs.0.nonce', values: ['', 'AB'.repeat(16), 7, undefined, nonceOf('3')] },
    {
      path: 'jobs.0.inputs',
      values: ['x', {}, [7], [null], [headKey(uid)], [segmentKey(uid, nonceOf('9'), 0)]],
    },
    { path: 'jobs.1.inputs', values: [[segmentKey(uid, nonceOf('1'), 0)]] },
    { path: 'jobs.1.fold', values: [...objects, {}] },
    { path: 'jobs.0.fold', values: [{ from: 5, to: 8 }] },
    { path: 'jobs.1.fold.from', values: [4, 6, ...counts] },
    { path: 'jobs.1.fold.to', values: [5, ...counts] },
    { path: 'jobs.0.started_ms', values: [null, '0', 9e15, undefined] },
    { path: 'window', values: [...objects, {}, undefined] },
    { path: 'window.key', values: [...keys, windowKey(other, nonceOf('1'))] },
    { path: 'window.sha256', values: hashes },
    { path: 'window.bytes', values: [0, limits.windowBytes + 1, ...counts] },
    { path: 'folded_seq', values: [0, 4, 6] },
    { path: 'gc_floor', values: [6] },
  ])('with another $path is corrupt', ({ path, values }) => {
    expect(opened('name', 'papers')).toEqual(busyHead);
    for (const value of values) {
      const error = opened(path, value);
      const said = error instanceof CairnError ? error.code : 'a head, or another error';
      expect([value, said]).toEqual([value, 'corrupt_object']);
    }
  });
});
