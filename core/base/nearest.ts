/**
 * "Did you mean": the known name nearest to one that is not known. For operators, request fields and settings.
 */
import { distance } from 'fastest-levenshtein';

/** Longer names are compared by their first characters: nobody misspells a name of this length by a letter. */
const COMPARED_CHARACTERS = 64;

/**
 * The candidate with the fewest edits to `name`, letter case aside, the earlier one on a tie. Undefined where none is
 * within a third of the name's length (one edit for the shortest): a far guess misleads more than none.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.slice(0, COMPARED_CHARACTERS).toLowerCase();
  let best: string | undefined;
  let bestEdits = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = distance(wanted, candidate.slice(0, COMPARED_CHARACTERS).toLowerCase());
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}
