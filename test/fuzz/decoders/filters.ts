/** Filters of both spellings (test/filter/broken-filters.ts): parsed and compiled, or refused with a place. */
import { compileFilter, filterToJson, filterToText, parseFilter } from '../../../core/filter/index.js';
import { kinds, show } from '../../filter/broken-filters.js';
import { mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';

export const filters: Decoder = {
  name: 'filters',
  refusals: ['invalid'],
  next: (chance) => {
    let share = chance.below(100);
    const kind = kinds.find((one) => (share -= one.share) < 0)!;
    const input = kind.make((below) => chance.below(below));
    return {
      size: show(input).length,
      show: () => `${kind.name}: ${show(input)}`,
      run: () => {
        const filter = parseFilter(input);
        compileFilter(filter);
        const again = parseFilter(filterToText(filter));
        mustHold(filterToJson(again) === filterToJson(filter), 'what it prints is the same filter');
      },
    };
  },
};
