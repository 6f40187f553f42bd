/** The list of rows that expire: times in order, each row once. */
import { corrupt } from '../../../core/base/errors.js';
import { decodeExpiries, encodeExpiries } from '../../../core/segment/expiries.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';

const DATE_MAX_MS = 8_640_000_000_000_000;

export const expiries: Decoder = {
  name: 'expiries',
  refusals: ['corrupt'],
  next: (chance) => {
    const rowCount = 1 + chance.below(60);
    const listed = Array.from({ length: rowCount }, (_, row) => row).filter(() => chance.happens(0.4));
    const sound = encodeExpiries(
      {
        rows: Uint32Array.from(listed),
        ms: Float64Array.from(listed, () => 1_767_225_600_000 + chance.below(5)),
      },
      rowCount,
    );
    const bytes = damaged(chance, sound);
    return {
      size: bytes.length,
      show: () => `${rowCount} rows, ${hexOf(bytes)}`,
      run: () => {
        const { rows, ms } = decodeExpiries(bytes, rowCount, (offset, expected, found) =>
          corrupt({ key: 'c/x/seg/1.seg', offset, expected, found }),
        );
        mustHold(rows.length === ms.length && new Set(rows).size === rows.length, 'each row once');
        mustHold(
          rows.every((row) => row < rowCount),
          'rows of the segment',
        );
        mustHold(
          ms.every((time, i) => Math.abs(time) <= DATE_MAX_MS && (i === 0 || time >= ms[i - 1]!)),
          'dates in order',
        );
      },
    };
  },
};
