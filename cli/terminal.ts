/** What a command may use of the process it runs in, and how it speaks: results to out, one line per error. */
import { isCairnError } from '../core/base/errors.js';

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The working directory: cairn.toml is looked for here. */
  readonly directory: string;
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
}

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Prints what went wrong on one line and returns the exit code it calls for. */
export function reportError(terminal: Terminal, thrown: unknown): number {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  terminal.error(`cairn: ${message.replace(/\s*\n\s*/g, ' ')}`);
  return isCairnError(thrown) && thrown.kind === 'invalid' ? exitCodes.usage : exitCodes.failed;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Columns of equal width, numbers to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) =>
    row
      .map((cell, column) =>
        typeof rows[0]?.[column] === 'number' ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
}
