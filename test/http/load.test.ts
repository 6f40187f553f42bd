import { describe, expect, it } from 'vitest';
import { Load } from '../../functions/http/access/load.js';

const KiB = 1024;

describe('buffers of request bodies', () => {
  it('count as bytes in flight until the request is over', () => {
    const load = new Load({ requests: 2, bodyBytes: 300 * KiB, idleBytes: 300 * KiB });
    const [one, other] = [load.admit(), load.admit()];
    expect(one.takeBuffer(200 * KiB).length).toBe(200 * KiB);
    expect(() => other.takeBuffer(101 * KiB)).toThrow('bodyBytesInFlight');
    expect(load.bodyBytes).toBe(200 * KiB);
    one.release();
    expect(load.bodyBytes).toBe(0);
    expect(other.takeBuffer(101 * KiB).length).toBe(101 * KiB);
  });

  it('serve the next request only after the release, and then once', () => {
    const load = new Load({ requests: 3, bodyBytes: 1024 * KiB, idleBytes: 300 * KiB });
    const [one, two, three] = [load.admit(), load.admit(), load.admit()];
    const first = one.takeBuffer(200 * KiB).buffer;
    expect(two.takeBuffer(200 * KiB).buffer).not.toBe(first);
    one.release();
    one.release();
    expect(three.takeBuffer(150 * KiB).buffer).toBe(first);
    expect(two.takeBuffer(150 * KiB).buffer).not.toBe(first);
  });
});
