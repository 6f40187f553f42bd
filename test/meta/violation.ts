/** What a rule of the house finds: where, what is wrong, and what to do instead. */

export interface Violation {
  readonly file: string;
  readonly line?: number;
  readonly problem: string;
  readonly instead: string;
}

function show({ file, line, problem, instead }: Violation): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${problem}\n    instead: ${instead}`;
}

/** Fails a test with every violation in its message, not only the first. */
export function mustBeClean(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw new Error(`${violations.length} against the rules of the house:\n${violations.map(show).join('\n')}`);
}
