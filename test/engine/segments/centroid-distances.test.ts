/** Strategy: stand-ins for segments, and for scans that answer how many there were before them. */
import { expect, test } from 'vitest';
import { CairnError } from '../../../core/base/errors.js';
import { CentroidDistances } from '../../../core/engine/segments/index.js';
import type { ProbedFile, Room } from '../../../core/engine/segments/index.js';

test('distances are measured once of each segment, of the query that they belong to', () => {
  const query = Float32Array.of(3, 4);
  const prepared: Float32Array[] = [];
  let isFull = true;
  let released = 0;
  const scan = {
    prepare: (vector: Float32Array) => prepared.push(vector),
    centroidDistances: () => Float32Array.of(prepared.length),
    release: () => released++,
  };
  const room = (() => {
    if (isFull) throw new CairnError('unavailable', 'memory_budget_exceeded', 'no room');
    return scan;
  }) as unknown as Room;
  const [one, other] = [{ leafIndex: {} }, { leafIndex: {} }] as unknown as readonly [ProbedFile, ProbedFile];
  const centroids = new CentroidDistances(query);
  expect(() => centroids.of(room, one)).toThrow('no room');
  // What could not be measured is measured when there is room.
  isFull = false;
  const measured = [one, other, one, other].map((file) => [...centroids.of(room, file)]);
  expect(measured).toEqual([[1], [2], [1], [2]]);
  expect(prepared).toEqual([query, query]);
  expect(released).toBe(2);
});
