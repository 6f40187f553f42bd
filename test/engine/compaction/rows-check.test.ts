import { describe, expect, it } from 'vitest';
import { checkCompactedRows } from '../../../core/engine/compaction/rows-check.js';

const sound = {
  rowsIn: 5,
  rowsWritten: 3,
  rowsDropped: 2,
  ids: ['a', 'b', 'c'],
  survivors: [{ key: 's', rows: 0 }],
};

describe('the rows of a compaction', () => {
  it('add up', () => {
    expect(() => checkCompactedRows(sound)).not.toThrow();
  });

  it.each([
    ['a row lost', { rowsWritten: 2, ids: ['a', 'b'] }, 'invariant 10: 5 rows in, 2 written and 2 dropped'],
    ['a row too many', { rowsDropped: 3 }, 'invariant 10: 5 rows in, 3 written and 3 dropped'],
    ['an id missing', { ids: ['a', 'b'] }, 'invariant 10: 2 ids of 3 rows'],
    ['an id twice', { ids: ['a', 'b', 'b'] }, 'invariant 20: id "b" is written twice'],
    [
      'an older row that lives on',
      { survivors: [{ key: 's', rows: 1 }] },
      'invariant 20: 1 rows of s live on',
    ],
  ])('%s is found', (_, wrong, message) => {
    expect(() => checkCompactedRows({ ...sound, ...wrong })).toThrow(message);
  });
});
