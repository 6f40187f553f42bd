/** What a refused filter says, for tables of bad input. */
import { CairnError } from '../../core/base/errors.js';
import { parseFilter } from '../../core/filter/index.js';

/** The error that `input` is refused with. Anything but a refusal by Cairn fails the test. */
export function refusal(input: unknown): CairnError {
  try {
    parseFilter(input);
  } catch (error) {
    if (error instanceof CairnError && error.kind === 'invalid') return error;
    throw error;
  }
  throw new Error(`was accepted: ${typeof input === 'string' ? input : JSON.stringify(input)}`);
}

/** A chain of objects, each the only member of the one before. */
export function nested(depth: number, wrap: (inner: unknown) => unknown, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}
