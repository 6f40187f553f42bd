/**
 * Strategy: the R2 store inside workerd, on the real binding, where nothing of Node is at hand: what the conformance suite shows of it
 * from outside, in a few tries (r2-worker-entry.ts), at the same time, by invocations that share one store.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRuntimes } from '../install.js';
import { bundleWorker, startWorker } from '../workerd.js';
import type { Worker } from '../workerd.js';

describe.skipIf(!hasRuntimes())('the R2 store in workerd', () => {
  let worker: Worker;

  beforeAll(async () => {
    worker = await startWorker(await bundleWorker('test/runtime/r2/r2-worker-entry.ts'), {}, ['BUCKET']);
  });
  afterAll(() => worker.close());

  const pastEnd = { kind: 'invalid', code: 'range_past_end' };

  it.concurrent.each<readonly [string, readonly unknown[]]>([
    ['/conditions', ['refused', 'applied', 'refused', 'refused', 'second', true]],
    ['/racers', [1, 31, true]],
    ['/reads', ['234', '89', pastEnd, pastEnd, 'unchanged', 'absent', '0123456789', true]],
    ['/lists', ['0:1,1:1,2:1,3:1,4:1', '2:1,3:1', '1:1']],
    ['/uploads', [true, true, 'absent']],
    ['/late', ['unknown', { kind: 'unavailable', code: 'store_unavailable' }, 'late']],
    ['/self-test', [10, 0]],
  ])('does as it should in %s', async (path, seen) => {
    const answer = await fetch(`${worker.url}${path}`);
    expect(await answer.json()).toEqual(seen);
  });

  it('gives workerd nothing to complain of but its own R2', () => {
    // Local R2 has no code for a range that begins where the object ends.
    const lines = worker.complaints().split('\n');
    expect(
      lines.filter((line) => line !== '' && !line.includes('does not contain the CF-R2-Error header')),
    ).toEqual([]);
  });
});
