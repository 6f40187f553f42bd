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
  let fewest = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = editsBetween(wanted, candidate.slice(0, COMPARED_CHARACTERS).toLowerCase());
    if (edits < fewest) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** Levenshtein's distance, but two swapped letters, the commonest slip of all, count as one edit. */
function editsBetween(name: string, candidate: string): number {
  const edits = distance(name, candidate);
  return edits === 2 && sortedLetters(name) === sortedLetters(candidate) ? 1 : edits;
}

function sortedLetters(text: string): string {
  return Array.from(text).toSorted().join('');
}
